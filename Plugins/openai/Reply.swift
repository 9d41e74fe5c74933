import Core
import Foundation
import PluginKit

/// What the server answered to one request, put together from one JSON document or from the events of a stream.
///
/// It is a success only if it shows that it is one: something was answered, and the answer was brought to an end that is none
/// of an error.
struct Reply: Sendable {
    struct Usage: Sendable, Hashable {
        var input: Int
        var output: Int
        var cachedInput: Int?
    }

    /// The tokens as the server counted them; `nil` if it did not say.
    private(set) var usage: Usage?
    /// Events with a part of the answer in them.
    private(set) var chunks = 0
    /// From the request's start to the first event with a part of the answer, in seconds; `nil` without a stream.
    private(set) var timeToFirstToken: Double?
    /// Whether the server said `[DONE]`, after which nothing belongs to the answer.
    private(set) var isDone = false
    /// Whether no event has come.
    private(set) var isUntouched = true
    private var hasAnswer = false
    /// Of several choices (`n`), those that have begun and those that have ended, by their index.
    private var begun: Set<Int> = []
    private var ended: Set<Int> = []

    /// Takes a whole answer.
    mutating func take(document data: Data) throws {
        guard let json = JSONValue(parsing: data) else {
            throw PluginProblem("the server's answer is not JSON" + Self.excerpt(data), remedy: Self.remedy)
        }
        if let words = ServerFault.find(in: json) { throw Self.gaveUp(words) }
        guard let choices = json["choices"]?.list, !choices.isEmpty else {
            throw PluginProblem("the server's answer has no `choices`", remedy: Self.remedy)
        }
        try take(choices)
        usage = Self.usage(json)
        isDone = true
    }

    /// Takes an event of a stream.
    ///
    /// - Parameter seconds: since the request's start, where that is known.
    mutating func take(_ event: EventStream.Event, after seconds: Double?) throws {
        isUntouched = false
        guard !isDone else { return }
        let data = Data(event.data)
        // `error` is LM Studio's and Anthropic's; `stream_error` and the like are others'.
        let isError = event.name.lowercased().contains("error")
        if data.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }) {
            if isError { throw Self.gaveUp(nil) }
            return
        }
        if isError { throw Self.gaveUp(ServerFault.words(ofError: data)) }
        if String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespaces) == "[DONE]" {
            isDone = true
            return
        }
        let isOther = !["", "message"].contains(event.name)
        guard let json = JSONValue(parsing: data) else {
            // A ping or a state, in words of its own.
            if isOther { return }
            throw PluginProblem("the server's answer is not JSON" + Self.excerpt(data), remedy: Self.remedy)
        }
        if let words = ServerFault.find(in: json, isOther: isOther) { throw Self.gaveUp(words) }
        if let usage = Self.usage(json) { self.usage = usage }
        if try take(json["choices"]?.list ?? []) {
            if timeToFirstToken == nil { timeToFirstToken = seconds }
            chunks += 1
        }
    }

    /// Takes what a stream ended in the middle of: not every server sends the empty line after its last event.
    mutating func take(rest event: EventStream.Event) throws {
        if event.data == Array("[DONE]".utf8) { isDone = true }
        guard !isDone else { return }
        if event.name.lowercased().contains("error") { throw Self.gaveUp(ServerFault.words(ofError: event.data)) }
        if let words = JSONValue(parsing: Data(event.data)).flatMap({ ServerFault.find(in: $0) }) {
            throw Self.gaveUp(words)
        }
    }

    /// What the server has to have shown when it has said all.
    ///
    /// - Parameter mayBeEmpty: of a token or two that were asked for to load the model, there may be none to see: the first
    ///   of a thought, or a part of a character. Then the end alone counts.
    func check(mayBeEmpty: Bool = false) throws {
        let isEnded = !ended.isEmpty && ended.isSuperset(of: begun)
        guard isDone || isEnded else {
            throw PluginProblem(
                hasAnswer ? "the server's stream breaks off" : "the server's stream breaks off before a token came",
                remedy: "see the server's log")
        }
        if hasAnswer || (mayBeEmpty && isEnded) { return }
        let counted = usage.map { " (it counts \($0.output) tokens of output)" } ?? ""
        throw PluginProblem(
            "no token came: the server's answer is empty\(counted)",
            remedy: "see the server's log, or try another prompt, endpoint or model")
    }

    /// - Returns: whether there was a part of the answer in them.
    @discardableResult private mutating func take(_ choices: [JSONValue]) throws -> Bool {
        var isPart = false
        for choice in choices {
            let index = choice["index"]?.whole ?? 0
            begun.insert(index)
            if Self.isAnswer(choice) { isPart = true }
            guard let finish = choice["finish_reason"]?.stringValue, !finish.isEmpty else { continue }
            guard Self.finishes.contains(finish.lowercased()) else {
                throw PluginProblem(
                    "the server ended its answer with finish_reason `\(ServerFault.plain(finish))`",
                    remedy: "see the server's log")
            }
            ended.insert(index)
        }
        if isPart { hasAnswer = true }
        return isPart
    }

    /// How an answer ends that was given: OpenAI's, and what TGI (`eos_token`, `stop_sequence`), vLLM (`repetition`), Mistral
    /// (`model_length`) and gateways to others (`end_turn`, `max_tokens`, `tool_use`, `refusal`, `complete`) have beside them. All
    /// else (`error`, `abort`, `cancelled`, …) is no success.
    private static let finishes: Set<String> = [
        "stop", "length", "tool_calls", "tool_call", "function_call", "content_filter",
        "eos_token", "eos", "stop_sequence", "repetition", "end_turn", "max_tokens", "tool_use", "refusal",
        "model_length",
        "complete",
    ]

    /// Whether a choice has a text, a thought, a call of a tool or a refusal.
    private static func isAnswer(_ choice: JSONValue) -> Bool {
        if isText(choice["text"]) { return true }
        guard let said = choice["delta"] ?? choice["message"] else { return false }
        // A thought is `reasoning_content` of DeepSeek, vLLM, SGLang and llama.cpp, `reasoning` of Ollama, OpenRouter and
        // newer vLLM.
        if ["content", "reasoning_content", "reasoning", "refusal"].contains(where: { isText(said[$0]) }) {
            return true
        }
        if let calls = said["tool_calls"]?.list, !calls.isEmpty { return true }
        if case .object(let call)? = said["function_call"], !call.isEmpty { return true }
        return false
    }

    /// A text that is not empty, or a list of parts with one among them.
    private static func isText(_ json: JSONValue?) -> Bool {
        switch json {
        case .string(let text)?: !text.isEmpty
        case .array(let parts)?:
            parts.contains { part in isText(part["text"]) || isText(part["thinking"]) || isText(part["refusal"]) }
        default: false
        }
    }

    private static let remedy = "check that the url is of an API like OpenAI's, and that the endpoint is correct"

    static func gaveUp(_ words: String?) -> PluginProblem {
        PluginProblem("the server gave up: \(words ?? "it does not say why")", remedy: "the server's log says more")
    }

    /// The beginning of what is no JSON.
    private static func excerpt(_ data: Data) -> String {
        let text = ServerFault.plain(String(decoding: data.prefix(400), as: UTF8.self))
        return text.isEmpty ? "" : ": \(text.prefix(100))"
    }

    private static func usage(_ json: JSONValue) -> Usage? {
        guard let usage = json["usage"], let input = usage["prompt_tokens"]?.whole, input >= 0 else { return nil }
        // A prompt of which nothing is made has no completion tokens in some servers' answers.
        let output = usage["completion_tokens"]?.whole ?? 0
        guard output >= 0 else { return nil }
        return Usage(
            input: input, output: output,
            cachedInput: usage["prompt_tokens_details"]?["cached_tokens"]?.whole.flatMap { $0 < 0 ? nil : $0 })
    }
}
