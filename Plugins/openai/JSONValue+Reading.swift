import Core
import Foundation

extension JSONValue {
    /// `nil` if it is not JSON.
    init?(parsing data: Data) {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: data) else { return nil }
        self = value
    }

    subscript(_ key: String) -> JSONValue? { if case .object(let values) = self { values[key] } else { nil } }

    var whole: Int? { integerValue.flatMap { Int(exactly: $0) } }
    var list: [JSONValue]? { if case .array(let values) = self { values } else { nil } }

    /// As JSON, on one line.
    var compact: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
