import Core
import YAMLReading

extension Decoder {
    /// Refuses a field that nobody reads: one that is mistyped would change nothing, and nobody would know.
    ///
    /// - Parameters:
    ///   - known: the fields that there are.
    ///   - former: earlier names of some of them, for the message.
    /// - Throws: `DecodingError` that names the field and the one that may be meant.
    package func refuseFields<Key: CodingKey>(besides known: [Key], former: [String: Key] = [:]) throws {
        let names = known.map(\.stringValue)
        for key in try container(keyedBy: AnyKey.self).allKeys where !names.contains(key.stringValue) {
            let meant = former[key.stringValue]?.stringValue ?? names.closest(to: key.stringValue)
            let near = meant.map { "; did you mean `\($0)`?" } ?? ""
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: codingPath,
                    debugDescription: "unknown field `\(PrintableText.of(String(key.stringValue.prefix(100))))`\(near) "
                        + "(known: \(names.joined(separator: ", ")))"))
        }
    }
}

/// Whatever there is.
private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
