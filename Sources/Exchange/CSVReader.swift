/// Reads CSV by RFC 4180, a record at a time, with the line of each.
///
/// Lines may end in LF or CRLF. The text is UTF-8, with or without a byte order mark; anything else is refused, not guessed.
struct CSVReader {
    /// One record: its fields, and the line that it begins in.
    struct Record {
        var line: Int
        var fields: [String]
    }

    let file: String
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(_ bytes: [UInt8], file: String) throws(ImportProblem) {
        self.file = file
        self.bytes = bytes
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.prefix(4096).contains(0) {
            throw ImportProblem(
                file: file, line: 1, reason: "this is UTF-16, or no text; convert it: iconv -f UTF-16 -t UTF-8")
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        if bytes[position...].allSatisfy({ $0 <= 0x20 }) {
            throw ImportProblem(file: file, line: 1, reason: "the file is empty")
        }
    }

    /// The next record; `nil` after the last. Empty lines are passed over.
    mutating func next() throws(ImportProblem) -> Record? {
        while position < bytes.count, bytes[position] == Self.newline || bytes[position] == Self.carriageReturn {
            if bytes[position] == Self.newline { line += 1 }
            position += 1
        }
        guard position < bytes.count else { return nil }
        do throws(ImportProblem) {
            return try record()
        } catch {
            // The next record begins at the next line.
            while position < bytes.count, bytes[position] != Self.newline { position += 1 }
            throw error
        }
    }

    private mutating func record() throws(ImportProblem) -> Record {
        var record = Record(line: line, fields: [])
        while true {
            record.fields.append(try field(of: record.line))
            guard position < bytes.count else { return record }
            let byte = bytes[position]
            position += 1
            if byte == Self.comma { continue }
            if byte == Self.carriageReturn, position < bytes.count, bytes[position] == Self.newline { position += 1 }
            line += 1
            return record
        }
    }

    /// A field up to the comma or line end after it, where `position` then is.
    private mutating func field(of first: Int) throws(ImportProblem) -> String {
        guard position < bytes.count, bytes[position] == Self.quote else {
            let start = position
            while position < bytes.count, !Self.endsField(bytes[position]) { position += 1 }
            return try text(bytes[start..<position])
        }
        position += 1
        var content: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == Self.newline { line += 1 }
            guard byte == Self.quote else {
                content.append(byte)
                continue
            }
            if position < bytes.count, bytes[position] == Self.quote {
                content.append(byte)
                position += 1
                continue
            }
            guard position == bytes.count || Self.endsField(bytes[position]) else {
                throw ImportProblem(file: file, line: line, reason: "text follows a closing quote")
            }
            return try text(content[...])
        }
        throw ImportProblem(file: file, line: first, reason: "a quote is not closed: is the file cut short?")
    }

    private static func endsField(_ byte: UInt8) -> Bool { byte == comma || byte == newline || byte == carriageReturn }

    private func text(_ bytes: ArraySlice<UInt8>) throws(ImportProblem) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ImportProblem(
                file: file, line: line, reason: "this is not UTF-8; convert it: iconv -f ISO-8859-1 -t UTF-8")
        }
        return text
    }
}
