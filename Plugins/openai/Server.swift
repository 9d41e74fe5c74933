import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
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
        // A redirect would take the key to another server; an answer is not decompressed, for a small one could hide a
        // large one.
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = settings.concurrency
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(10)
        if let authority {
            do {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authority))
                configuration.tlsConfiguration = tls
            } catch {
                throw PluginProblem(
                    "the certificates in \(authority) cannot be read", remedy: "give a file in PEM", isUnavailable: true
                )
            }
        }
        // It lives as long as the process, as do its connections.
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Ends the connections, for another server is used from here on.
    func close() { http.shutdown { _ in } }

    // MARK: Calls

    /// The ids of the models that the server has.
    func models() async throws -> [String] {
        let data = try await within(min(settings.timeout, 30)) {
            let response = try await execute(request("models", .GET))
            return Data(try await response.body.collect(upTo: Self.longestAnswer).readableBytesView)
        }
        guard let models = JSON(parsing: data)?["data"]?.list else {
            throw PluginProblem(
                "\(shown)/models is no list of models", remedy: "see that the url is of an API like OpenAI's")
        }
        return models.compactMap { $0.text(of: "id") }
    }

    /// Sends one request and waits for its whole answer.
    func answer(_ body: Data) async throws -> Reply {
        try await within(settings.timeout) {
            let begin = ContinuousClock.now
            var request = request(settings.endpoint.path, .POST)
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
            let response = try await execute(request)
            var reply = Reply()
            guard settings.stream else {
                try reply.take(
                    document: Data(try await response.body.collect(upTo: Self.longestAnswer).readableBytesView))
                return reply
            }
            let type = response.headers.first(name: "Content-Type") ?? ""
            guard type.lowercased().hasPrefix("text/event-stream") else {
                throw PluginProblem("the server does not stream its answer", remedy: "use stream=false")
            }
            var events = EventStream()
            for try await part in response.body {
                let seconds = (ContinuousClock.now - begin) / .seconds(1)
                try events.feed(part.readableBytesView) { try reply.take(event: $0, after: seconds) }
            }
            guard reply.isFinished else {
                throw PluginProblem("the server's stream breaks off", remedy: "see the server's log")
            }
            return reply
        }
    }

    private func request(_ path: String, _ method: HTTPMethod) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(settings.url)/\(path)")
        request.method = method
        if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
        return request
    }

    /// - Returns: the answer's head, which says that all is well.
    private func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        // `within` has the limit that counts.
        let response = try await http.execute(request, timeout: .hours(1))
        if (200..<300).contains(response.status.code) { return response }
        let body = try? await response.body.collect(upTo: 1 << 20)
        let words = body.flatMap { JSON(parsing: Data($0.readableBytesView)) }.flatMap(Reply.words)
        throw refusal(response.status, words)
    }

    // MARK: Errors

    private func refusal(_ status: HTTPResponseStatus, _ words: String?) -> PluginProblem {
        var text = "\(shown) answers \(status.code) \(status.reasonPhrase)"
        if let words { text += ": \(words)" }
        let remedy: String? =
            switch status.code {
            case 300..<400: "give the address that it leads to"
            case 401: "give the key by api_key_file"
            case 403: "use a key that may use this model"
            case 404: "see that the url is right and ends in /v1, and that the server has the model and the endpoint"
            case 400, 413, 422: "see that the prompt fits the model, and that extra_body is right"
            case 429: "use fewer requests at once, or wait until the quota is free"
            case 503: "wait until the server has loaded its model"
            default: "see the server's log"
            }
        return PluginProblem(text, remedy: remedy, isUnavailable: [401, 403, 404].contains(status.code))
    }

    private func explain(_ error: any Error) -> any Error {
        func gone(_ cause: String, _ remedy: String = "see that it runs and that the url is right") -> Gone {
            Gone(problem: PluginProblem("\(shown): \(cause)", remedy: remedy, isUnavailable: true))
        }
        func failed(_ cause: String, _ remedy: String = "see the server's log") -> PluginProblem {
            PluginProblem("\(shown): \(cause)", remedy: remedy)
        }
        switch error {
        case is PluginProblem, is Gone: return error
        case is NIOTooManyBytesError, is EventStream.TooLong: return failed("the answer is too long")
        case let error as NIOConnectionError:
            if let cause = error.connectionErrors.first?.error as? IOError {
                return gone(String(cString: strerror(cause.errnoCode)))
            }
            return gone("the name is not known")
        case let error as IOError:
            let words = String(cString: strerror(error.errnoCode))
            let noConnection = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES, EADDRNOTAVAIL]
            return noConnection.contains(error.errnoCode) ? gone(words) : failed(words)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return gone(
                "its certificate cannot be verified, or it does not speak TLS",
                "give who signed it by ca_file, or see whether the url is http")
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout: return gone("no connection within 10 s")
            case .remoteConnectionClosed: return failed("it closed the connection in the middle")
            default: return failed(error.description)
            }
        default: return failed("the answer breaks off or is not HTTP (\(error))")
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
                        remedy: "see the server's log, or give it longer by timeout_s")
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
            problem.message = String(problem.message.prefix(400))
            return problem
        }
        return switch error {
        case let gone as Gone: Gone(problem: clean(gone.problem))
        case let problem as PluginProblem: clean(problem)
        default: error
        }
    }
}
