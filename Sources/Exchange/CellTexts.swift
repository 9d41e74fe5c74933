import Core
import Foundation
import Reporting

/// What cells say that are put together of several values. Lists and objects of the record are decoded once: most windows have the same.
struct CellTexts: Sendable {
    /// Texts are kept until there are so many.
    private static let most = 10_000

    private var lists: [String: String] = [:]
    private var objects: [String: String] = [:]
    private var text: [UInt8] = []

    /// The entries of a JSON array with blanks between them; empty of what is none.
    mutating func list(_ json: String) -> String {
        if json == "[]" { return "" }
        if let known = lists[json] { return known }
        let values = (try? JSONDecoder().decode([JSONValue].self, from: Data(json.utf8))) ?? []
        if lists.count >= Self.most { lists = [:] }
        let text = values.map(\.text).joined(separator: " ")
        lists[json] = text
        return text
    }

    /// The members of a JSON object as `name=value`, by their names, with blanks between them; empty of what is none.
    mutating func members(_ json: String?) -> String {
        guard let json, json != "{}" else { return "" }
        if let known = objects[json] { return known }
        let values = (try? JSONDecoder().decode([String: JSONValue].self, from: Data(json.utf8))) ?? [:]
        if objects.count >= Self.most { objects = [:] }
        let text = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { "\($0.key)=\($0.value.text)" }.joined(separator: " ")
        objects[json] = text
        return text
    }

    /// Writes what is put together in memory that all cells share.
    mutating func write(to writer: inout CSVWriter, _ body: (inout [UInt8]) -> Void) {
        text.removeAll(keepingCapacity: true)
        body(&text)
        text.withUnsafeBytes { writer.field($0) }
    }

    /// A number as JSON has it: the shortest text that reads back as the same one, without a point where it is whole.
    static func append(_ value: Double?, to text: inout [UInt8]) {
        guard let value, value.isFinite else { return }
        var number = "\(value)"
        if number.hasSuffix(".0") { number.removeLast(2) }
        text.append(contentsOf: number.utf8)
    }

    /// The same of a whole number of millionths (6 places) or billionths (9), such as microjoules of which the text says joules.
    static func append(_ value: Int64?, places: Int, to text: inout [UInt8]) {
        guard let value else { return }
        if places == 0 || value == 0 {
            text.append(contentsOf: String(value).utf8)
            return
        }
        var unit: Int64 = 1
        for _ in 0..<places { unit = unit.multipliedSaturated(by: 10) }
        // Up to fifteen digits are the shortest text themselves; numbers below 0.0001 have an exponent.
        guard value >= unit / 10_000, value < 1_000_000_000_000_000 else {
            append(Double(value) / Double(unit), to: &text)
            return
        }
        text.append(contentsOf: String(value / unit).utf8)
        var rest = value % unit
        guard rest > 0 else { return }
        text.append(UInt8(ascii: "."))
        while rest > 0 {
            unit /= 10
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / unit))
            rest %= unit
        }
    }
}
