import Core

/// A CSV file with a header, whose columns are found by their names.
struct CSVTable {
    /// A record whose fields are asked for by name.
    struct Row {
        var file: String
        var line: Int
        fileprivate var columns: [String: Int]
        fileprivate var fields: [String]

        func problem(_ reason: String) -> ImportProblem { ImportProblem(file: file, line: line, reason: reason) }

        /// The field's text without blanks around it; `nil` of an empty one, and where there is no such column.
        subscript(_ column: String) -> String? {
            guard let index = columns[column] else { return nil }
            let text = fields[index].trimmingBlanks
            return text.isEmpty ? nil : text
        }

        func text(_ column: String) throws(ImportProblem) -> String {
            guard let text = self[column] else { throw problem("`\(column)` is empty") }
            return text
        }

        /// - Returns: `nil` of an empty field, and where there is no such column.
        func number(_ column: String) throws(ImportProblem) -> Double? {
            guard let text = self[column] else { return nil }
            guard let value = Double(text), value.isFinite else {
                throw problem("`\(column)` is \"\(text.prefix(40))\", which is no number: are the columns shifted?")
            }
            return value
        }

        /// A number from 0 to a limit that nothing real comes near.
        func quantity(_ column: String, upTo limit: Double) throws(ImportProblem) -> Double {
            guard let value = try number(column) else { throw problem("`\(column)` is empty") }
            guard value >= 0 else { throw problem("`\(column)` is \(value): it cannot be negative") }
            guard value <= limit else { throw problem("`\(column)` is \(value): more than can be") }
            return value
        }
    }

    private var reader: CSVReader
    private var columns: [String: Int] = [:]
    private let width: Int

    /// - Parameter required: columns that must be there; more of them, in any order, are no matter.
    init(_ bytes: [UInt8], file: String, required: [String]) throws(ImportProblem) {
        reader = try CSVReader(bytes, file: file)
        guard let header = try reader.next() else {
            throw ImportProblem(file: file, line: 1, reason: "the file is empty")
        }
        var repeated: String?
        for (index, field) in header.fields.enumerated()
        where columns.updateValue(index, forKey: field.trimmingBlanks) != nil {
            repeated = field
        }
        width = header.fields.count
        let missing = required.filter { columns[$0] == nil }
        if !missing.isEmpty {
            let names = missing.prefix(4).map { "`\($0)`" }.joined(separator: ", ") + (missing.count > 4 ? " …" : "")
            throw ImportProblem(
                file: file, line: header.line,
                reason: "the header has no column \(names): is this a file of CodeCarbon, with its first line?")
        }
        if let repeated {
            throw ImportProblem(
                file: file, line: header.line, reason: "the header has the column `\(repeated.prefix(40))` twice")
        }
    }

    func has(_ column: String) -> Bool { columns[column] != nil }

    /// The next row; `nil` after the last.
    ///
    /// - Throws: `ImportProblem`. After a row of the wrong length the next one can be read.
    mutating func next() throws(ImportProblem) -> Row? {
        guard let record = try reader.next() else { return nil }
        guard record.fields.count == width else {
            throw ImportProblem(
                file: reader.file, line: record.line,
                reason: "\(record.fields.count) fields, where the header has \(width)")
        }
        return Row(file: reader.file, line: record.line, columns: columns, fields: record.fields)
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...end])
    }
}
