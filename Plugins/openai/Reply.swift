import Foundation
import PluginKit

/// What the server answered to one request, put together from one JSON document or from the events of a stream.
struct Reply: Sendable {
    struct Usage: Sendable, Hashable {
        var input: Int
        var output: Int
        var cachedInput: Int?
    }

    /// The tokens as the server counted them; `nil` if it did not say.
    private(set) var usage: Usage?
    /// Events with text in them.
    private(set) var chunks = 0
    private(set) var text = ""
    /// From the request's start to the first event with text, in seconds; `nil` without a stream.
    private(set) var timeToFirstToken: Double?
    private(set) var isFinished = false

    /// Takes a whole answer.
    mutating func take(document data: Data) throws {
        let json = try Self.parse(data)
        guard let choice = json["choices"]?[0],
            let text = choice["text"]?.text ?? choice["message"]?.text(of: "content")
        else {
            throw PluginProblem("the server's answer has no text in `choices`", remedy: Self.remedy)
        }
        self.text = text
        usage = Self.usage(json)
        isFinished = true
    }

    /// Takes the data of an event.
    mutating func take(event data: Data, after seconds: Double) throws {
        if data == Data("[DONE]".utf8) {
            isFinished = true
            return
        }
        let json = try Self.parse(data)
        if let usage = Self.usage(json) { self.usage = usage }
        guard let choice = json["choices"]?[0] else { return }
        if let piece = choice["text"]?.text ?? choice["delta"]?.text(of: "content")
            ?? choice["delta"]?.text(of: "reasoning_content"), !piece.isEmpty
        {
            if timeToFirstToken == nil { timeToFirstToken = seconds }
            chunks += 1
            text += piece
        }
        // Not every server ends with `[DONE]`.
        if choice["finish_reason"]?.text != nil { isFinished = true }
    }

    private static let remedy = "see that the url is of an API like OpenAI's, and that the endpoint is right"

    private static func parse(_ data: Data) throws -> JSON {
        guard let json = JSON(parsing: data) else {
            throw PluginProblem("the server's answer is not JSON", remedy: remedy)
        }
        // A stream that has begun has no other way to fail.
        if let error = json["error"], error != .null {
            throw PluginProblem(
                "the server gave up: \(Self.words(json) ?? "it does not say why")", remedy: "the server's log says more"
            )
        }
        return json
    }

    /// What a server says of an error, in one line: `error.message` (OpenAI), `error` (TGI), `message`, `detail`.
    static func words(_ json: JSON) -> String? {
        guard
            let words = json["error"]?.text(of: "message") ?? json["error"]?.text ?? json["message"]?.text
                ?? json["detail"]?.text
        else { return nil }
        return String(words.map { $0.isNewline ? " " : $0 })
    }

    private static func usage(_ json: JSON) -> Usage? {
        guard let usage = json["usage"], let input = usage["prompt_tokens"]?.whole, input >= 0 else { return nil }
        // A prompt of which nothing is made has no completion tokens in some servers' answers.
        let output = usage["completion_tokens"]?.whole ?? 0
        guard output >= 0 else { return nil }
        return Usage(
            input: input, output: output,
            cachedInput: usage["prompt_tokens_details"]?["cached_tokens"]?.whole.flatMap { $0 < 0 ? nil : $0 })
    }
}

extension JSON {
    func text(of key: String) -> String? { self[key]?.text }
}
