import Reporting

/// Reads CSV by RFC 4180, a record at a time, with the line of each.
///
/// Lines may end in LF, CRLF or CR. The fields are separated by what the first line has most of (commas, semicolons, tabs or bars), or
/// by what Excel says in a line `sep=;` before it. Encodings: see `TextEncoding`. An apostrophe that keeps a spreadsheet from taking a text
/// for a formula is none of the text: see `CSVWriter`.
struct CSVReader {
    /// One record: its fields, and the line that it begins in.
    struct Record {
        var line: Int
        var fields: [String]
        fileprivate var start: Int
    }

    /// What is more is no log of CodeCarbon, whose columns are 38: each field is some thirty bytes in memory, and may be one in the file.
    static let mostFields = 256
    /// Records of a file: a run each second for three days.
    static let mostRecords = 250_000
    /// Bytes of a field.
    static let mostFieldBytes = 64 << 10

    let file: String
    private var records = 0
    private(set) var separator = Self.comma
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    static let comma = UInt8(ascii: ",")
    private static let quote = UInt8(ascii: "\"")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let separators = [comma, UInt8(ascii: ";"), UInt8(ascii: "\t"), UInt8(ascii: "|")]

    init(_ bytes: [UInt8], file: String) throws(ImportProblem) {
        self.file = file
        guard let text = TextEncoding.singleBytes(bytes) else {
            throw ImportProblem(file: file, line: 1, reason: "this is not text: give the CSV file itself, unpacked")
        }
        self.bytes = text
        if text.allSatisfy({ $0 <= 0x20 }) { throw ImportProblem(file: file, line: 1, reason: "the file is empty") }
        skipEmptyLines()
        detectSeparator()
    }

    /// The next record; `nil` after the last. Empty lines are passed over.
    mutating func next() throws(ImportProblem) -> Record? {
        skipEmptyLines()
        guard position < bytes.count else { return nil }
        records += 1
        guard records <= Self.mostRecords else {
            // There is nothing to go on with.
            position = bytes.count
            throw ImportProblem(
                file: file, line: line, reason: "the file has more than \(Self.mostRecords) lines of runs; split it")
        }
        do throws(ImportProblem) {
            return try record()
        } catch {
            // The next record begins at the next line.
            while position < bytes.count, !Self.endsLine(bytes[position]) { position += 1 }
            throw error
        }
    }

    /// Goes back to a record that was read last, and finds its separator anew: another file begins there.
    mutating func reread(_ record: Record) {
        position = record.start
        line = record.line
        detectSeparator()
    }

    private mutating func skipEmptyLines() {
        while position < bytes.count, Self.endsLine(bytes[position]) { endLine() }
    }

    /// Passes over the end of a line.
    private mutating func endLine() {
        let byte = bytes[position]
        position += 1
        if byte == Self.carriageReturn, position < bytes.count, bytes[position] == Self.newline { position += 1 }
        line += 1
    }

    private mutating func detectSeparator() {
        let first = bytes[position...].prefix { !Self.endsLine($0) }
        // Excel says it, perhaps in quotes.
        let said = first.filter { $0 != Self.quote }
        if said.count == 5, said.starts(with: "sep=".utf8), let last = said.last {
            separator = last
            position += first.count
            skipEmptyLines()
            return
        }
        var isQuoted = false
        var counts: [UInt8: Int] = [:]
        for byte in first {
            if byte == Self.quote { isQuoted.toggle() } else if !isQuoted { counts[byte, default: 0] += 1 }
        }
        separator = Self.comma
        for other in Self.separators where counts[other, default: 0] > counts[separator, default: 0] {
            separator = other
        }
    }

    private mutating func record() throws(ImportProblem) -> Record {
        var record = Record(line: line, fields: [], start: position)
        while true {
            guard record.fields.count < Self.mostFields else {
                throw ImportProblem(
                    file: file, line: record.line, reason: "it has more than \(Self.mostFields) fields: is this CSV?")
            }
            record.fields.append(try field(of: record.line))
            guard position < bytes.count else { return record }
            if bytes[position] == separator {
                position += 1
                continue
            }
            endLine()
            return record
        }
    }

    /// A field up to the separator or line end after it, where `position` then is.
    private mutating func field(of first: Int) throws(ImportProblem) -> String {
        guard position < bytes.count, bytes[position] == Self.quote else {
            let start = position
            while position < bytes.count, !endsField(bytes[position]) { position += 1 }
            guard position - start <= Self.mostFieldBytes else { throw tooLong(first) }
            return CSVCell.original(TextEncoding.text(bytes[start..<position]))
        }
        position += 1
        var content: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == Self.newline { line += 1 }
            guard byte == Self.quote else {
                content.append(byte)
                guard content.count <= Self.mostFieldBytes else { throw tooLong(first) }
                continue
            }
            if position < bytes.count, bytes[position] == Self.quote {
                content.append(byte)
                position += 1
                continue
            }
            guard position == bytes.count || endsField(bytes[position]) else {
                throw ImportProblem(file: file, line: line, reason: "text follows a closing quote")
            }
            return CSVCell.original(TextEncoding.text(content[...]))
        }
        throw ImportProblem(file: file, line: first, reason: "a quote is not closed: is the file cut short?")
    }

    private func tooLong(_ line: Int) -> ImportProblem {
        ImportProblem(
            file: file, line: line,
            reason: "a field has more than \(Self.mostFieldBytes) bytes: is a quote not closed, or is this no CSV?")
    }

    private static func endsLine(_ byte: UInt8) -> Bool { byte == newline || byte == carriageReturn }

    private func endsField(_ byte: UInt8) -> Bool { byte == separator || Self.endsLine(byte) }
}
