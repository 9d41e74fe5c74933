import Core
import Foundation

/// What of the record is JSON: its documents, and the columns that hold lists or objects.
enum RecordJSON {
    /// The same value gives the same text.
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// Lists and objects of rows, each decoded once: most windows of a record have the same parameters, meters and flags.
struct DecodedTexts {
    /// Texts are kept until there are so many: some records have other ones in every window.
    private static let most = 10_000

    private let decoder = JSONDecoder()
    private var parameters: [String: [String: String]] = [:]
    private var lists: [String: [String]] = [:]
    private var accuracies: [String: [MeterAccuracy]] = [:]

    /// The plugin's parameters as text; none of a window without a workload.
    ///
    /// - Throws: `DamagedRow`, as the other one does.
    mutating func parameters(_ text: String?) throws(DamagedRow) -> [String: String] {
        guard let text else { return [:] }
        if let known = parameters[text] { return known }
        let values = try decoded([String: JSONValue].self, text, "parameters").mapValues(\.text)
        if parameters.count >= Self.most { parameters = [:] }
        parameters[text] = values
        return values
    }

    /// - Parameter column: by which it is told what is damaged.
    mutating func list(_ text: String, _ column: some ColumnName) throws(DamagedRow) -> [String] {
        if text == "[]" { return [] }
        if let known = lists[text] { return known }
        let values = try decoded([String].self, text, column.stringValue)
        if lists.count >= Self.most { lists = [:] }
        lists[text] = values
        return values
    }

    mutating func accuracies(_ text: String) throws(DamagedRow) -> [MeterAccuracy] {
        if let known = accuracies[text] { return known }
        let values = try decoded([MeterAccuracy].self, text, "accuracies")
        if accuracies.count >= Self.most { accuracies = [:] }
        accuracies[text] = values
        return values
    }

    private func decoded<Value: Decodable>(
        _ type: Value.Type, _ text: String, _ column: String
    ) throws(DamagedRow) -> Value {
        do { return try decoder.decode(type, from: Data(text.utf8)) } catch {
            throw DamagedRow(reason: "`\(column)` is not what it should be")
        }
    }
}
