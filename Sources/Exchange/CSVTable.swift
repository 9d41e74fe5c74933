import Core

/// A CSV file with a header, whose columns are found by their names. It may be several pasted together: a line that is a header
/// is that of the lines after it.
struct CSVTable {
    /// A record whose fields are asked for by name.
    struct Row {
        var file: String
        var line: Int
        fileprivate var columns: [String: Int]
        fileprivate var isDecimalComma: Bool
        fileprivate(set) var fields: [String]

        func problem(_ reason: String) -> ImportProblem { ImportProblem(file: file, line: line, reason: reason) }

        /// The field's text without blanks around it; `nil` of an empty one (also as Python, R and spreadsheets write that), and
        /// where there is no such column.
        subscript(_ column: String) -> String? {
            guard let index = columns[column] else { return nil }
            let text = fields[index].trimmingBlanks
            return text.isEmpty || Self.nothing.contains(text.lowercased()) ? nil : text
        }

        private static let nothing: Set<String> = ["none", "null", "n/a", "#n/a", "<na>"]

        func text(_ column: String) throws(ImportProblem) -> String {
            guard let text = self[column] else { throw problem("`\(column)` is empty") }
            return text
        }

        /// - Returns: `nil` of an empty field, and where there is no such column.
        func number(_ column: String) throws(ImportProblem) -> Double? {
            guard let text = self[column] else { return nil }
            guard let number = CSVNumber(text, isDecimalComma: isDecimalComma) else {
                throw problem("`\(column)` is \"\(text.prefix(40))\", which is not a number: are the columns shifted?")
            }
            return number.value
        }

        /// The same of a figure that may not be known, and is then NaN as often as empty.
        func optionalNumber(_ column: String) throws(ImportProblem) -> Double? {
            self[column]?.lowercased() == "nan" ? nil : try number(column)
        }

        /// How far a number may be from what was rounded to it; 0 of one that is zero or none, which has no digits to tell.
        func rounding(_ column: String) -> Double {
            guard let number = self[column].flatMap({ CSVNumber($0, isDecimalComma: isDecimalComma) }),
                number.value != 0
            else {
                return 0
            }
            return number.rounding
        }

        /// A number from 0 to a limit that nothing real comes near.
        func quantity(_ column: String, upTo limit: Double) throws(ImportProblem) -> Double {
            guard let value = try number(column) else { throw problem("`\(column)` is empty") }
            guard value >= 0 else { throw problem("`\(column)` is \(value): it cannot be negative") }
            guard value <= limit else { throw problem("`\(column)` is \(value): impossibly large") }
            return value
        }

        func has(_ column: String) -> Bool { columns[column] != nil }
    }

    private var reader: CSVReader
    private let required: [String]
    private var columns: [String: Int] = [:]
    private var width = 0
    /// Nothing is read a third time.
    private var rereadLine = 0

    /// - Parameter required: columns that must be there; more of them, in any order, are no matter.
    init(_ bytes: [UInt8], file: String, required: [String]) throws(ImportProblem) {
        reader = try CSVReader(bytes, file: file)
        self.required = required
        guard let header = try reader.next() else {
            throw ImportProblem(file: file, line: 1, reason: "the file is empty")
        }
        try takeHeader(header)
    }

    func has(_ column: String) -> Bool { columns[column] != nil }

    /// The next row; `nil` after the last. Lines that spreadsheets leave empty are passed over.
    ///
    /// - Throws: `ImportProblem`. After a row of the wrong length the next one can be read.
    mutating func next() throws(ImportProblem) -> Row? {
        while var record = try reader.next() {
            let names = record.fields.map(\.columnName)
            // A file that was pasted behind this one: its header, of which the separator may be another, or the line before it.
            let isOther = record.fields.count == 1 && isOtherHeader(names[0])
            if isOther || (record.fields.count <= 2 && names[0].hasPrefix("sep=")), rereadLine != record.line {
                rereadLine = record.line
                reader.reread(record)
                continue
            }
            if isHeader(names) {
                try takeHeader(record)
                continue
            }
            if record.fields.allSatisfy(\.trimmingBlanks.isEmpty) { continue }
            while record.fields.count > width, record.fields.last?.trimmingBlanks.isEmpty == true {
                record.fields.removeLast()
            }
            guard record.fields.count == width else {
                throw ImportProblem(
                    file: reader.file, line: record.line,
                    reason: "\(record.fields.count) fields, where the header has \(width)")
            }
            return Row(
                file: reader.file, line: record.line, columns: columns,
                isDecimalComma: reader.separator != CSVReader.comma,
                fields: record.fields)
        }
        return nil
    }

    private mutating func takeHeader(_ header: CSVReader.Record) throws(ImportProblem) {
        var fields = header.fields
        while fields.last?.trimmingBlanks.isEmpty == true { fields.removeLast() }
        columns = [:]
        width = fields.count
        var repeated: String?
        for (index, field) in fields.enumerated() where !field.trimmingBlanks.isEmpty {
            if columns.updateValue(index, forKey: field.columnName) != nil { repeated = field }
        }
        let missing = required.filter { columns[$0] == nil }
        if !missing.isEmpty {
            let names = missing.prefix(4).map { "`\($0)`" }.joined(separator: ", ") + (missing.count > 4 ? " …" : "")
            throw ImportProblem(
                file: reader.file, line: header.line,
                reason: "the header has no column \(names): is this a file of CodeCarbon, with its first line?")
        }
        if let repeated {
            throw ImportProblem(
                file: reader.file, line: header.line, reason: "the header has the column `\(repeated.prefix(40))` twice"
            )
        }
    }

    private func isHeader(_ names: [String]) -> Bool {
        names.contains("timestamp") && names.contains("duration") && names.contains("energy_consumed")
    }

    /// A header whose fields are not told apart by the separator of the lines before it.
    private func isOtherHeader(_ line: String) -> Bool {
        ["timestamp", "duration", "energy_consumed"].allSatisfy(line.contains) && line.contains { ",;\t|".contains($0) }
    }
}

extension String {
    /// Without blanks around it, and without the byte order mark of a file that was pasted behind another.
    fileprivate var trimmingBlanks: String {
        func isBlank(_ character: Character) -> Bool { character.isWhitespace || character == "\u{FEFF}" }
        guard let start = firstIndex(where: { !isBlank($0) }), let end = lastIndex(where: { !isBlank($0) }) else {
            return ""
        }
        return String(self[start...end])
    }

    /// As CodeCarbon writes it, whatever a spreadsheet made of it.
    fileprivate var columnName: String {
        String(trimmingBlanks.lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
    }
}
