import Core
import Foundation
import PluginKit

/// What a server answered with status 200 that is not of the form that was asked for, by its type and its first bytes.
struct Unasked {
    private enum Form {
        case nothing
        /// A page of a proxy or of another service.
        case page
        /// Several JSON values, one a line, as Ollama's own API streams.
        case lines
        case document(JSONValue)
        /// Server-sent events.
        case events
        case text(String)
    }

    private let form: Form
    private let type: String

    /// - Parameter type: `Content-Type`, in small letters; empty where it says nothing.
    init(_ data: Data, type: String) {
        self.type = type.split(separator: ";").first.map(String.init) ?? ""
        let blanks = Set(" \t\r\n".utf8)
        let begin = data.drop { blanks.contains($0) }
        let first = ServerFault.plain(String(decoding: begin.prefix(400), as: UTF8.self))
        if begin.isEmpty {
            form = .nothing
        } else if let json = JSONValue(parsing: data) {
            form = .document(json)
        } else if Self.isPage(first, self.type) {
            form = .page
        } else if Self.isEvents(begin) {
            form = .events
        } else if Self.isLines(begin) {
            form = .lines
        } else {
            form = .text(String(first.prefix(100)))
        }
    }

    private static func isPage(_ first: String, _ type: String) -> Bool {
        let beginning = first.prefix(20).lowercased()
        return type == "text/html" || beginning.hasPrefix("<!doctype") || beginning.hasPrefix("<html")
            || beginning.hasPrefix("<?xml") || beginning.hasPrefix("<head")
            || beginning.hasPrefix("<body")
    }

    private static func isEvents(_ begin: Data) -> Bool {
        ["data:", "event:", "id:", "retry:", ":", "error:"].contains { begin.starts(with: $0.utf8) }
    }

    private static func isLines(_ begin: Data) -> Bool {
        let lines = begin.split(separator: UInt8(ascii: "\n"), maxSplits: 2)
        guard lines.count >= 2, let first = lines.first else { return false }
        return JSONValue(parsing: Data(first)).map { if case .object = $0 { true } else { false } } ?? false
    }

    /// What is wrong with it; `nil` of events, where a stream was asked for.
    func problem(asksForStream: Bool) -> PluginProblem? {
        let remedy =
            "check that the url is of an API like OpenAI's and ends in /v1, and that the endpoint is correct"
        switch form {
        case .events:
            return asksForStream
                ? nil : PluginProblem("the server streams its answer", remedy: "use --set stream=true")
        case .document(let json):
            // An answer without a stream has no other way to fail, and some servers say so with status 200.
            if let words = ServerFault.find(in: json) { return Reply.gaveUp(words) }
            guard json["choices"]?.list?.isEmpty == false else {
                return PluginProblem("the server's answer has no `choices`", remedy: remedy)
            }
            return asksForStream
                ? PluginProblem("the server does not stream its answer", remedy: "use --set stream=false")
                : nil
        case .nothing:
            return PluginProblem(
                "the server's answer is empty", remedy: "see the server's log; \(remedy)")
        case .page:
            return PluginProblem(
                "the server answers with a page of HTML, and no answer of an API", remedy: remedy)
        case .lines:
            return PluginProblem(
                "the server answers in lines of JSON (NDJSON), and not in server-sent events",
                remedy: remedy)
        case .text(let text):
            let kind = type.isEmpty ? "" : " of type \(ServerFault.plain(type))"
            return PluginProblem(
                "the server answers with something\(kind) that is no answer: \(text)", remedy: remedy)
        }
    }
}
