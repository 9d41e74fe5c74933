import Foundation

/// Cuts server-sent events (WHATWG HTML, section 9.2) out of a stream as it comes: of each event its name and its data.
///
/// Two things go beyond the specification, because servers do: a line `error: …`, which is no field of it, is an event of that
/// name (llama.cpp's server until its pull request 16109 of September 2025), and what the stream ends in the middle of is kept.
struct EventStream {
    struct Event: Hashable {
        /// Of the field `event`; empty without one.
        var name = ""
        var data: [UInt8]
    }

    /// An event is a token or a few; what is longer than this, in bytes, is none.
    static let longest = 8 << 20

    struct TooLong: Error {}

    private var line: [UInt8] = []
    private var name = ""
    private var data: [UInt8] = []
    /// Whether the data of an event is still open, as it may be at the end.
    private(set) var hasData = false
    /// Lines that are no fields, but may be a JSON document that was sent as a stream.
    private var unframed: [UInt8] = []
    private var endedInReturn = false
    private var isFirstLine = true

    /// - Parameter give: is called with each event that is complete, also with one whose data is empty.
    /// - Throws: `TooLong`.
    mutating func feed(_ bytes: some Sequence<UInt8>, _ give: (Event) throws -> Void) throws {
        for byte in bytes {
            // Lines end in CR, LF or both.
            if byte == UInt8(ascii: "\n"), endedInReturn {
                endedInReturn = false
                continue
            }
            endedInReturn = byte == UInt8(ascii: "\r")
            if byte == UInt8(ascii: "\n") || endedInReturn {
                try endLine(give)
            } else {
                line.append(byte)
                guard line.count + data.count + unframed.count <= Self.longest else { throw TooLong() }
            }
        }
    }

    /// What is left when the stream has ended: data without the empty line that would have made an event of it, which the
    /// specification drops, or text that was no event at all; `nil` if there is neither.
    mutating func end() -> Event? {
        // A line is complete at the end of the stream too; an empty one would end the event.
        if !line.isEmpty { try? endLine { _ in } }
        if hasData { return Event(name: name, data: data) }
        return unframed.isEmpty ? nil : Event(data: unframed)
    }

    private mutating func endLine(_ give: (Event) throws -> Void) throws {
        defer { line.removeAll(keepingCapacity: true) }
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        }
        if line.isEmpty {
            defer {
                name = ""
                data.removeAll(keepingCapacity: true)
                hasData = false
            }
            // An error without a word is one all the same.
            if hasData || name == "error" { try give(Event(name: name, data: data)) }
            return
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "data":
            if hasData { data.append(UInt8(ascii: "\n")) }
            data.append(contentsOf: value)
            hasData = true
        case "event": name = String(decoding: value, as: UTF8.self)
        case "error": try give(Event(name: "error", data: Array(value)))
        // A comment, and the fields that say nothing of the answer.
        case "", "id", "retry": break
        default:
            unframed.append(contentsOf: line)
            unframed.append(UInt8(ascii: "\n"))
        }
    }
}
