package import Core
import Foundation
package import Recording

extension RunFilter {
    /// The filter as names and values of a query: its keys in JSON are the names.
    package var pairs: [(String, String?)] {
        let values = (try? JSONEncoder().encode(self)).flatMap {
            try? JSONDecoder().decode([String: JSONValue].self, from: $0)
        }
        return (values ?? [:]).sorted { $0.key < $1.key }.map { name, value in
            guard case .object = value else { return (name, value.text) }
            return (name, (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) })
        }
    }

    /// - Parameter value: what the query says for a name, decoded.
    /// - Throws: `UserError` for a value that cannot be.
    package init(_ value: (String) -> String?) throws(UserError) {
        self.init(suiteRun: value("suite_run"), task: value("task").map(MLTask.init(rawValue:)))
        stage = try Self.member("stage", value)
        source = try Self.member("source", value)
        suite = value("suite")
        plugin = value("plugin")
        model = value("model")
        dataset = value("dataset")
        device = value("device")
        size = value("size")
        precision = value("precision")
        label = value("label")
        engine = value("engine")
        if let text = value("parameters") {
            guard let values = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)) else {
                throw UserError(
                    .usage, "parameters must be a JSON object of texts, such as {\"threads\":\"1\"}, not \(text)")
            }
            parameters = values
        }
        machine = value("machine")
        since = try Self.number("since_unix_s", value)
        until = try Self.number("until_unix_s", value)
    }

    private static func member<Member: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ value: (String) -> String?
    ) throws(UserError) -> Member? {
        guard let text = value(name) else { return nil }
        guard let member = Member(rawValue: text) else {
            throw UserError.unknown(name, text, known: Member.allCases.map(\.rawValue))
        }
        return member
    }

    private static func number(_ name: String, _ value: (String) -> String?) throws(UserError) -> Double? {
        guard let text = value(name) else { return nil }
        guard let number = Double(text), number.isFinite else {
            throw UserError(.usage, "\(name) must be a number, not \(text)")
        }
        return number
    }
}
