import Core
import Fetching
import Foundation
import PluginKit

/// The server's API over HTTP.
struct Server: Sendable {
    private static let longestAnswer = 16 << 20

    /// A server that is not there: nothing more can be asked of it.
    struct Gone: Error {
        let problem: PluginProblem
    }

    var settings: Settings
    private let key: String?
    private let tls: HTTPCall.TLS
    private let http: HTTPClient
    /// The address without its scheme, for people to read.
    private let shown: String

    /// - Parameters:
    ///   - key: sent with each request, and shown nowhere.
    ///   - authority: a file of the certificates (PEM) that the server's is to be signed by.
    init(settings: Settings, key: String?, authority: String?) throws {
        self.settings = settings
        self.key = key
        shown = settings.url
        if let authority, !HTTPCall.TLS.holdsCertificates(authority) { throw Self.unreadable(authority) }
        tls = HTTPCall.TLS(caFile: authority)
        // It lives as long as the process, as do its connections.
        http = HTTPClient(connectionsPerHost: settings.concurrency)
    }

    private static func unreadable(_ authority: String) -> PluginProblem {
        PluginProblem(
            "the certificates in \(authority) cannot be read", remedy: "give a file in PEM", isUnavailable: true)
    }

    /// Ends the connections, for another server is used from here on.
    func close() { http.close() }

    // MARK: Calls

    /// The ids of the models that the server has.
    func models() async throws -> [String] {
        let data = try await within(min(settings.timeout, 30)) {
            let answer = try await execute(call("models", .get))
            return Data(try await answer.body.collect(upTo: Self.longestAnswer))
        }
        guard let models = JSONValue(parsing: data)?["data"]?.list else {
            throw PluginProblem(
                "\(shown)/models is no list of models", remedy: "check that the url is of an API like OpenAI's")
        }
        return models.compactMap { $0["id"]?.stringValue }
    }

    /// Sends one request and waits for its whole answer.
    ///
    /// - Parameter mayBeEmpty: see `Reply.check`.
    /// - Throws: what went wrong, unless the answer shows that it is one.
    func answer(_ body: Data, mayBeEmpty: Bool = false) async throws -> Reply {
        try await within(settings.timeout) {
            let begin = ContinuousClock.now
            var call = call(settings.endpoint.path, .post)
            call.headers.append((name: "Content-Type", value: "application/json"))
            call.body = .bytes(Array(body))
            let answer = try await execute(call)
            var reply = Reply()
            let type = (answer.head.header("Content-Type") ?? "").lowercased()
            let isStream = type.hasPrefix("text/event-stream")
            guard settings.stream, isStream else {
                let data = Data(try await answer.body.collect(upTo: Self.longestAnswer))
                let unasked = Unasked(data, type: type)
                if settings.stream || isStream,
                    let problem = unasked.problem(asksForStream: settings.stream)
                {
                    throw problem
                }
                if settings.stream {
                    // Events under another type, which came all at once here: no time of theirs is known.
                    var events = EventStream()
                    try events.feed(data) { try reply.take($0, after: nil) }
                    if let rest = events.end() { try reply.take(rest: rest) }
                } else {
                    try reply.take(document: data)
                }
                try reply.check(mayBeEmpty: mayBeEmpty)
                return reply
            }
            var events = EventStream()
            for try await part in answer.body {
                let seconds = (ContinuousClock.now - begin) / .seconds(1)
                try events.feed(part) { try reply.take($0, after: seconds) }
            }
            if let rest = events.end() {
                // Nothing but lines that are no events: a document of another kind, whatever its type says.
                if reply.isUntouched, !events.hasData,
                    let problem = Unasked(Data(rest.data), type: "").problem(asksForStream: true)
                {
                    throw problem
                }
                try reply.take(rest: rest)
            }
            try reply.check(mayBeEmpty: mayBeEmpty)
            return reply
        }
    }

    private func call(_ path: String, _ method: HTTPCall.Method) -> HTTPCall {
        var call = HTTPCall(method, "\(settings.url)/\(path)")
        call.authentication = key.map { .bearer($0) }
        call.tls = tls
        // `within` has the limit that counts.
        call.timeout = .seconds(3600)
        // A completion changes nothing there; and llama.cpp, among others, closes a kept connection after a streamed answer,
        // which may be seen only when the next request is on its way.
        call.mayBeSentAgain = true
        return call
    }

    /// - Returns: the answer, whose head says that all is well.
    private func execute(_ call: HTTPCall) async throws -> HTTPAnswer {
        let answer = try await http.send(call)
        if answer.head.isSuccess { return answer }
        let body = try? await answer.body.collect(upTo: 1 << 20)
        throw refusal(answer.head, body.flatMap(ServerFault.words(ofError:)))
    }

    // MARK: Errors

    private func refusal(_ head: HTTPHead, _ words: String?) -> PluginProblem {
        var text = "\(shown) answers \(head.status) \(ServerFault.plain(head.reason))"
        if let words { text += ": \(words)" }
        let remedy: String? =
            switch head.status {
            case 300..<400: "give the address that it leads to"
            case 401 where key != nil: "the server refuses the key of --api-key-file: check that it is the right one"
            case 401: "give the key by --api-key-file FILE"
            case 403: "use a key that may use this model"
            case 404:
                "check that the url is correct and ends in /v1, and that the server has the model and the endpoint"
            case 400, 413, 422:
                "check that the prompt fits the model, and that the JSON of --set extra_body=JSON is correct"
            case 429: "wait until the quota is free; fewer requests at once (--set concurrency=1) use less of it"
            case 503: "wait until the server has loaded its model"
            default: "see the server's log"
            }
        return PluginProblem(text, remedy: remedy, isUnavailable: [401, 403, 404].contains(head.status))
    }

    private func explain(_ error: any Error) -> any Error {
        func gone(_ cause: String, _ remedy: String = "check that it runs and that the url is correct") -> Gone {
            Gone(problem: PluginProblem("\(shown): \(cause)", remedy: remedy, isUnavailable: true))
        }
        func failed(_ cause: String, _ remedy: String = "see the server's log") -> PluginProblem {
            PluginProblem("\(shown): \(cause)", remedy: remedy)
        }
        switch error {
        case is EventStream.TooLong: return failed("the answer is too long")
        case let failure as HTTPFailure:
            switch failure {
            case .tooLong: return failed("the answer is too long")
            case .unresolved: return gone("the name is not known")
            case .refused(let errno): return gone(errno == 0 ? "no connection" : String(cString: strerror(errno)))
            case .timedOut(isConnected: false): return gone("no connection within 10 s")
            case .tls(.authorities): return Gone(problem: Self.unreadable(tls.caFile ?? "the system's store"))
            case .tls:
                return gone(
                    "its certificate cannot be verified, or it does not speak TLS",
                    "give who signed it by --set ca_file=FILE, or see whether the url is http")
            case .closed: return failed("it closed the connection in the middle")
            case .notHTTP: return failed("the answer breaks off or is not HTTP")
            case .noLibrary(let text): return Gone(problem: PluginProblem(text, isUnavailable: true))
            case .timedOut, .unusable, .bodyUnreadable, .cancelled, .other: return failed(failure.description)
            }
        default: return error
        }
    }

    /// Runs `body` for so many seconds at most, and gives its errors their words.
    private func within<Value: Sendable>(
        _ seconds: Double, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        do {
            return try await withThrowingTaskGroup(of: Value?.self) { group in
                group.addTask { try await body() }
                group.addTask {
                    try await Task.sleep(for: .seconds(seconds))
                    return nil
                }
                defer { group.cancelAll() }
                guard case .some(.some(let value)) = try await group.next() else {
                    throw PluginProblem(
                        "\(shown) has not answered within \(seconds) s",
                        remedy: "see the server's log, or give it longer by --set timeout_s=SECONDS")
                }
                return value
            }
        } catch {
            throw redacted(explain(error))
        }
    }

    /// An error without the key, which some servers repeat in theirs, and of a length that a person reads.
    private func redacted(_ error: any Error) -> any Error {
        func clean(_ problem: PluginProblem) -> PluginProblem {
            var problem = problem
            if let key { problem.message = problem.message.replacingOccurrences(of: key, with: "…") }
            if problem.message.count > 400 { problem.message = problem.message.prefix(400) + "…" }
            return problem
        }
        return switch error {
        case let gone as Gone: Gone(problem: clean(gone.problem))
        case let problem as PluginProblem: clean(problem)
        default: error
        }
    }
}
