package import Foundation

/// A value that a statement is given beside its text. It is never part of the text, so that nothing in it is taken for SQL.
package enum PostgresParameter: Sendable, Hashable {
    case null
    /// In the text format of its type, which the statement says. PostgreSQL's text has no NUL: each becomes U+FFFD.
    case text(String)
    /// Of `bytea`.
    case bytes(Data)

    package init(_ text: String?) {
        guard let text else {
            self = .null
            return
        }
        self = .text(Self.storable(text))
    }

    /// A text as PostgreSQL keeps it.
    package static func storable(_ text: String) -> String {
        text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }

    package init(_ number: Int64?) { self = number.map { .text(String($0)) } ?? .null }
    package init(_ number: Int?) { self = number.map { .text(String($0)) } ?? .null }
    /// PostgreSQL reads `inf` and `nan` as Swift writes them, and every other number exactly.
    package init(_ number: Double?) { self = number.map { .text("\($0)") } ?? .null }
    package init(_ flag: Bool?) { self = flag.map { .text($0 ? "t" : "f") } ?? .null }
    /// Of `bigint[]`.
    package init(_ numbers: some Sequence<Int64>) {
        self = .text("{\(numbers.map(String.init).joined(separator: ","))}")
    }

    /// Of `text[]` (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO).
    package init(_ texts: some Sequence<String>) {
        let quoted = texts.map { text in
            let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "\"\(escaped)\""
        }
        self.init("{\(quoted.joined(separator: ","))}" as String?)
    }

    /// Of `json`, by the encoder of the record. In text that PostgreSQL takes out of it there can be no NUL either.
    package init(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        self.init(Self.withoutNUL(String(decoding: try encoder.encode(value), as: UTF8.self)) as String?)
    }

    /// `\u0000` of JSON becomes U+FFFD; that of text within text, whose backslash is a letter, stays.
    package static func withoutNUL(_ json: String) -> String {
        guard json.contains("\\u0000") else { return json }
        var result: [UInt8] = []
        let bytes = Array(json.utf8)
        let escaped = Array("\\u0000".utf8)
        var place = 0
        while place < bytes.count {
            guard bytes[place] == UInt8(ascii: "\\") else {
                result.append(bytes[place])
                place += 1
                continue
            }
            if bytes[place...].starts(with: escaped) {
                result += Array("\\ufffd".utf8)
                place += escaped.count
            } else {
                // With what it escapes, which may be a backslash.
                result += bytes[place..<min(place + 2, bytes.count)]
                place += 2
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
