import Core
import Foundation
import PluginKit

/// What a run asks of the server, read from the parameters and checked.
struct Settings: Sendable {
    enum Endpoint: String, Sendable, CaseIterable {
        case completions, chat

        var path: String { self == .chat ? "chat/completions" : "completions" }
    }

    enum Task: String, Sendable {
        case textGeneration = "text-generation"
        case summarization

        /// The paper's caps of the output.
        var maxTokens: Int { self == .textGeneration ? 10 : 15 }
        /// Words of a random prompt: about 50 and 512 tokens.
        var promptLength: Int { self == .textGeneration ? 40 : 380 }
    }

    var task: Task
    /// Without a slash at its end.
    var url: String
    var isLocal: Bool
    var endpoint: Endpoint
    var concurrency: Int
    var promptLength: Int
    var maxTokens: Int
    var stream: Bool
    var temperature: Double
    var timeout: Double
    /// A JSON object.
    var extraBody: [String: JSONValue]
    /// Whether the server is asked to count the tokens of a stream.
    var asksForUsage = true

    init(_ request: WorkloadRequest) throws {
        guard let task = Task(rawValue: request.task) else {
            throw PluginProblem(
                "openai has no task `\(request.task)`", remedy: "use `text-generation` or `summarization`")
        }
        guard request.device == "cpu" else {
            throw PluginProblem(
                "the device `\(request.device)` cannot be chosen from here: the server has it",
                remedy: "start the server on that device, and leave --device out")
        }
        self.task = task
        (url, isLocal) = try Self.address(request.string("url", default: "http://127.0.0.1:8000/v1"))
        let name = try request.string("endpoint", default: Endpoint.completions.rawValue)
        guard let endpoint = Endpoint(rawValue: name) else {
            throw PluginProblem(
                "there is no endpoint `\(name)`", remedy: "use --set endpoint=completions or --set endpoint=chat")
        }
        self.endpoint = endpoint
        func whole(_ name: String, default value: Int, upTo limit: Int) throws -> Int {
            Int(try request.number(name, default: Double(request.integer(name, default: value)), in: 1...Double(limit)))
        }
        concurrency = try whole("concurrency", default: 1, upTo: 1024)
        promptLength = try whole("prompt_length", default: task.promptLength, upTo: 1_000_000)
        maxTokens = try whole("max_tokens", default: task.maxTokens, upTo: 1_000_000)
        stream = try request.boolean("stream", default: true)
        temperature = try request.number("temperature", default: 0, in: 0...2)
        timeout = try request.number("timeout_s", default: 120, in: 0.001...600)
        let extra = request.parameters["extra_body"]?.text ?? "{}"
        guard case .object(let body)? = JSONValue(parsing: Data(extra.utf8)) else {
            throw PluginProblem(
                "extra_body is not a JSON object", remedy: #"give one, such as --set extra_body='{"ignore_eos": true}'"#
            )
        }
        extraBody = body
    }

    /// The address without a slash at its end, and whether it is this machine's own.
    static func address(_ text: String) throws -> (url: String, isLocal: Bool) {
        var url = text
        while url.hasSuffix("/") { url.removeLast() }
        guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty,
            parts.scheme == "http" || parts.scheme == "https"
        else {
            throw PluginProblem(
                "the url `\(text)` is not an address of a server", remedy: "give one such as http://127.0.0.1:8000/v1")
        }
        // What is in the address is shown and recorded.
        guard parts.user == nil, parts.password == nil, parts.query == nil, parts.fragment == nil else {
            throw PluginProblem(
                "the url holds a user, a password or a query, which would be recorded",
                remedy: "give the address alone, and the key by --api-key-file FILE")
        }
        let isLocal =
            host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
            || host == ProcessInfo.processInfo.hostName
        return (url, isLocal)
    }
}
