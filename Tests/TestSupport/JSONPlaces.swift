package import Core
import Foundation

/// Documents whose values are changed one at a time, wherever they are.
extension JSONValue {
    /// The places of what is neither a list nor an object, such as `["runs", "0", "repeat"]`.
    package var leaves: [[String]] {
        switch self {
        case .array(let values): values.enumerated().flatMap { index, value in value.leaves.map { ["\(index)"] + $0 } }
        case .object(let values):
            values.sorted { $0.key < $1.key }.flatMap { key, value in value.leaves.map { [key] + $0 } }
        default: [[]]
        }
    }

    /// The places of all numbers.
    package var numbers: [[String]] {
        leaves.filter { place in
            switch at(place) {
            case .integer?, .number?: true
            default: false
            }
        }
    }

    package func at(_ place: [String]) -> JSONValue? {
        place.reduce(self as JSONValue?) { value, key in
            switch value {
            case .array(let values)?: Int(key).flatMap { values.indices.contains($0) ? values[$0] : nil }
            case .object(let members)?: members[key]
            default: nil
            }
        }
    }

    package func setting(_ place: ArraySlice<String>, to value: JSONValue) -> JSONValue {
        guard let first = place.first else { return value }
        switch self {
        case .array(var values):
            if let index = Int(first) { values[index] = values[index].setting(place.dropFirst(), to: value) }
            return .array(values)
        case .object(var values):
            values[first] = values[first]?.setting(place.dropFirst(), to: value)
            return .object(values)
        default: return self
        }
    }

    /// JSON, with other text in one place: what no value of ours can be, such as a number of four hundred digits.
    package func text(_ place: ArraySlice<String>? = nil, _ replacement: String = "") -> String {
        if let place, place.isEmpty { return replacement }
        func inner(_ key: String) -> ArraySlice<String>? { place?.first == key ? place?.dropFirst() : nil }
        switch self {
        case .array(let values):
            return "[" + values.enumerated().map { $1.text(inner("\($0)"), replacement) }.joined(separator: ",") + "]"
        case .object(let values):
            return "{"
                + values.sorted { $0.key < $1.key }.map { "\"\($0)\":" + $1.text(inner($0), replacement) }
                .joined(separator: ",") + "}"
        default: return (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
        }
    }
}

/// What no field of ours is meant to hold.
package enum Extremes {
    /// As JSON, in the place of a number.
    package static let numbers = [
        "-1", "0", "2147483648", "9007199254740993", "9223372036854775807", "-9223372036854775808",
        "18446744073709551616", "1e300", "-1e300", "1e-315", "1e400", "1\(String(repeating: "0", count: 400))", "\"x\"",
        "null", "[]",
    ]
    /// As JSON, in the place of a text.
    package static let texts = [
        "\"\"", "\"NaN\"", "\"9223372036854775807\"", "\"\\u0000\\u001b[2J\"", "-1e300", "null",
        "\"\(String(repeating: "x", count: 100_000))\"",
    ]
    /// As a person, a CSV file or YAML writes them.
    package static let words = [
        "-1", "0", "2147483648", "9223372036854775807", "18446744073709551616", "1e300", "-1e300", "1e-315", "NaN",
        ".inf",
        "0x7fffffffffffffff", "9223372036854775807:0", "1:0:0:0:0:0:0:0:0:0:0:0:0", "x",
    ]
}
