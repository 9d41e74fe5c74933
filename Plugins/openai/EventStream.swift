import Foundation

/// Cuts server-sent events (WHATWG HTML, section 9.2) out of a stream as it comes: of each event its data.
struct EventStream {
    /// An event is a token or a few; what is longer than this, in bytes, is none.
    static let longest = 8 << 20

    struct TooLong: Error {}

    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var endedInReturn = false

    /// - Parameter give: is called with the data of each event that is complete.
    /// - Throws: `TooLong`.
    mutating func feed(_ bytes: some Sequence<UInt8>, _ give: (Data) throws -> Void) throws {
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
                guard line.count + data.count <= Self.longest else { throw TooLong() }
            }
        }
    }

    private mutating func endLine(_ give: (Data) throws -> Void) throws {
        defer { line.removeAll(keepingCapacity: true) }
        if line.isEmpty {
            if hasData { try give(Data(data)) }
            data.removeAll(keepingCapacity: true)
            hasData = false
            return
        }
        guard line.starts(with: Self.field) else { return }
        var value = line[Self.field.count...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        if hasData { data.append(UInt8(ascii: "\n")) }
        data.append(contentsOf: value)
        hasData = true
    }

    private static let field = Array("data:".utf8)
}
