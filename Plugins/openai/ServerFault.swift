import Core
import Foundation

/// An error in what a server says, and its words for it.
///
/// There is no one form: an object `error` (OpenAI, OpenRouter, Ollama, llama.cpp, SGLang), `"object": "error"` beside a
/// `message` (vLLM, FastChat), `error` as a text (TGI), `error_code` beside a `text` (FastChat), `detail` (FastAPI), `"type":
/// "error"`, `base_resp` with a `status_code` (MiniMax), or any of them within a choice (OpenRouter).
enum ServerFault {
    /// Looks for an error in a document or in the data of an event.
    ///
    /// - Parameter isOther: whether it is an event of another kind than an answer, which may say something in words.
    /// - Returns: `nil` if there is none; else its words, on one line.
    static func find(in json: JSONValue, isOther: Bool = false) -> String? {
        guard case .object(let values) = json else {
            // Neither a text nor a number is an answer.
            return json == .null ? nil : words(json)
        }
        for key in ["error", "errors"] {
            guard let error = values[key] else { continue }
            if isSaid(error) { return words(error) ?? words(json) ?? unsaid }
            // A field of a program that sends all of its fields says nothing beside an answer. An event that is nothing else is one.
            if case .object = error, values["choices"] == nil { return words(json) ?? unsaid }
        }
        // MiniMax's, of which 0 is a success.
        if let status = values["base_resp"], let code = status["status_code"], isSaid(code) {
            return words(status) ?? unsaid
        }
        for choice in values["choices"]?.list ?? [] {
            if let error = choice["error"], isSaid(error) { return words(error) ?? unsaid }
        }
        let isNamed = ["object", "type", "status"].contains {
            failures.contains(values[$0]?.stringValue?.lowercased() ?? "")
        }
        if isNamed || values["success"] == .bool(false) { return words(json) ?? unsaid }
        if let code = values["error_code"], isSaid(code) { return words(json) ?? unsaid }
        // What has no choices and says something, says what is wrong.
        guard values["choices"] == nil, !isOther else { return nil }
        for key in ["detail", "message", "msg", "error_msg", "error_message"] {
            if let said = values[key], let words = words(said) { return words }
        }
        return nil
    }

    /// The words of an answer that is known to be an error: JSON of any form, or a text.
    ///
    /// - Returns: `nil` if it has none.
    static func words(ofError body: some Sequence<UInt8>) -> String? {
        let data = Data(body)
        if let json = JSONValue(parsing: data) { return find(in: json) ?? words(json) }
        let text = plain(String(decoding: data.prefix(4096), as: UTF8.self))
        // A page of a proxy says nothing in its first line.
        return text.isEmpty || text.hasPrefix("<") ? nil : text
    }

    private static let failures: Set<String> = ["error", "failed", "failure", "stream_error"]
    private static let unsaid = "it does not say why"

    /// Programs that have a field for an error send it empty too: as nothing, as a code that is 0, or as an object of such.
    private static func isSaid(_ error: JSONValue) -> Bool {
        switch error {
        case .null, .bool(false), .integer(0): false
        case .string(let text): !["", "0"].contains(text.trimmingCharacters(in: .whitespaces))
        case .number(let value): value != 0
        case .array(let values): values.contains(where: isSaid)
        case .object(let values): values.values.contains(where: isSaid)
        case .bool, .integer: true
        }
    }

    private static func words(_ json: JSONValue, depth: Int = 0) -> String? {
        guard depth < 6 else { return nil }
        switch json {
        case .null, .bool: return nil
        case .string(let text):
            let text = plain(text)
            return text.isEmpty ? nil : text
        case .integer, .number: return "error \(json.compact)"
        case .array(let values):
            let list = values.prefix(3).compactMap { words($0, depth: depth + 1) }
            return list.isEmpty ? nil : list.joined(separator: "; ")
        case .object(let values):
            let keys = [
                "message", "msg", "error", "errors", "detail", "error_message", "error_msg", "status_msg",
                "description",
                "reason", "title", "text",
            ]
            for key in keys {
                guard let words = values[key].flatMap({ words($0, depth: depth + 1) }) else { continue }
                // FastAPI says in `loc` which field does not fit.
                let place = (values["loc"]?.list ?? []).map { $0.stringValue ?? $0.compact }.joined(separator: ".")
                return place.isEmpty ? words : "\(plain(place)): \(words)"
            }
            return values.isEmpty ? nil : plain(json.compact)
        }
    }

    /// A text as a terminal may show it: on one line, with what is no letter there made visible.
    static func plain(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .lineSeparator, .paragraphSeparator: result.append(" ")
            case .control: result.append("\t\n\r".unicodeScalars.contains(scalar) ? " " : "\u{FFFD}")
            // Among them what turns the direction of the text after it.
            case .format: result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result).split(separator: " ").joined(separator: " ")
    }
}
