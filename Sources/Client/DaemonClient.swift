package import API
package import Core
import Fetching
package import Foundation
import Glibc
import Host

/// The daemon's socket is there and it does not answer.
package struct DaemonUnreachable: UserFacingError {
    package var userError: UserError

    package init(_ message: String, remedy: String? = nil) {
        userError = UserError(.unavailable, message, remedy: remedy)
    }
}

/// Talks to a daemon over its socket.
package struct DaemonClient: Sendable {
    package let directory: StateDirectory
    private let socket: String
    private let version: String

    private static let longestAnswer = 256 << 20
    /// How often a daemon that has too much to do is asked again.
    private static let mostRetries = 6
    /// It lives as long as the process.
    private static let http = HTTPClient()

    /// The first daemon that answers among the places where one may be.
    ///
    /// - Parameters:
    ///   - version: of this program.
    ///   - note: tells the user of a daemon that is there and cannot be asked.
    package static func find(
        _ places: [StateDirectory], version: String, note: (String) -> Void
    ) async throws -> DaemonClient? {
        for place in places where access(place.socketPath, F_OK) == 0 {
            if place.isForOthers {
                note(
                    "a daemon is there, and its socket \(place.socketPath) is for its group alone; join it with "
                        + "`sudo usermod -aG taskwatt $USER` and log in again")
                continue
            }
            guard let client = try? DaemonClient(place, version: version) else { continue }
            do {
                _ = try await client.status()
                return client
            } catch HTTPFailure.noLibrary(let problem) where client.isListenedTo {
                // To go on without it would lead to its lock, or to an answer that there is none.
                throw DaemonUnreachable("a daemon is there, and cannot be asked: \(problem)")
            } catch {}
            // A socket that a daemon has left behind is nothing; one on which somebody listens and does not answer is.
            if client.isListenedTo {
                note(
                    "a daemon is there, and does not answer on \(place.socketPath) within 15 s; this goes on without it"
                )
            }
        }
        return nil
    }

    package init(_ directory: StateDirectory, version: String) throws {
        self.directory = directory
        self.version = version
        socket = try directory.socketAddress()
    }

    package func status() async throws -> DaemonStatus { try await get("/v1/status", timeout: .seconds(15)) }

    private var isListenedTo: Bool {
        guard let descriptor = try? UnixSocket.connect(to: directory.socketPath, .stream) else { return false }
        close(descriptor)
        return true
    }

    package func get<Value: Decodable>(_ path: String, timeout: Duration = .seconds(60)) async throws -> Value {
        try decode(try await bytes(.get, path, timeout: timeout))
    }

    /// A path with a query, from which what is `nil` is left out.
    package static func path(_ path: String, _ query: KeyValuePairs<String, String?>) -> String {
        Self.path(path, query.map { ($0.key, $0.value) })
    }

    package static func path(_ path: String, _ query: [(String, String?)]) -> String {
        let query = PercentEncoding.query(query)
        return query.isEmpty ? path : "\(path)?\(query)"
    }

    /// An answer that is text.
    package func text(_ path: String) async throws -> String {
        String(decoding: try await bytes(.get, path, timeout: .seconds(600)), as: UTF8.self)
    }

    package func post<Body: Encodable, Value: Decodable>(_ path: String, _ body: Body) async throws -> Value {
        try decode(try await bytes(.post, path, body: .bytes(Array(try JSONEncoder().encode(body)))))
    }

    /// Posts nothing.
    package func post<Value: Decodable>(_ path: String) async throws -> Value {
        try decode(try await bytes(.post, path))
    }

    package func delete(_ path: String) async throws { _ = try await bytes(.delete, path) }
    package func delete<Value: Decodable>(_ path: String) async throws -> Value {
        try decode(try await bytes(.delete, path))
    }

    /// The lines of an answer as they come.
    package func lines(_ path: String, _ body: (Data) async throws -> Void) async throws {
        var rest = Data()
        // A job may take weeks.
        try await pieces(path, timeout: nil) { piece in
            rest.append(contentsOf: piece)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                try await body(rest[rest.startIndex..<end])
                rest.removeSubrange(rest.startIndex...end)
            }
        }
    }

    /// An answer as it comes, such as a file, a piece at a time.
    package func pieces(
        _ path: String, timeout: Duration? = .seconds(24 * 3600), _ body: ([UInt8]) async throws -> Void
    ) async throws {
        let answer = try await execute(.get, path, timeout: timeout)
        var iterator = answer.body.makeAsyncIterator()
        while true {
            let piece: [UInt8]?
            do { piece = try await iterator.next() } catch { throw explain(error) }
            guard let piece else { return }
            try await body(piece)
        }
    }

    /// Posts a file, a piece at a time.
    package func upload<Value: Decodable>(_ path: String, _ file: FileHandle) async throws -> Value {
        let pieces = HTTPCall.Body.reader(length: nil) { count in Array(try file.read(upToCount: count) ?? Data()) }
        return try decode(
            try await bytes(.post, path, body: pieces, contentType: "application/zstd", timeout: .seconds(24 * 3600)))
    }

    private func bytes(
        _ method: HTTPCall.Method, _ path: String, body: HTTPCall.Body = .none,
        contentType: String = "application/json", timeout: Duration = .seconds(60)
    ) async throws -> [UInt8] {
        let answer = try await execute(method, path, body: body, contentType: contentType, timeout: timeout)
        do { return try await answer.body.collect(upTo: Self.longestAnswer) } catch { throw explain(error) }
    }

    private func execute(
        _ method: HTTPCall.Method, _ path: String, body: HTTPCall.Body = .none,
        contentType: String = "application/json", timeout: Duration?
    ) async throws -> HTTPAnswer {
        var call = HTTPCall(method, "http://localhost" + path)
        call.socketPath = socket
        call.timeout = timeout
        call.body = body
        if case .none = body {} else { call.headers.append((name: "Content-Type", value: contentType)) }
        var answer: HTTPAnswer
        do { answer = try await Self.http.send(call) } catch { throw explain(error) }
        // What only asks is asked again when the daemon has time, as it says.
        for _ in 0..<Self.mostRetries {
            guard method == .get, answer.status == 503,
                let seconds = answer.head.header("Retry-After").flatMap({ Int($0) }), (1...60).contains(seconds)
            else { break }
            try await Task.sleep(for: .seconds(seconds))
            do { answer = try await Self.http.send(call) } catch { throw explain(error) }
        }
        guard answer.status < 300 else {
            let body = try? await answer.body.collect(upTo: 1 << 20)
            let error = body.flatMap { try? JSONDecoder().decode(UserError.self, from: Data($0)) }
            throw error
                ?? UserError(.failed, "the daemon answers \(answer.status) \(answer.head.reason) to \(path)")
        }
        return answer
    }

    private func explain(_ failure: HTTPFailure) -> any Error {
        switch failure {
        case .cancelled: CancellationError()
        case .noLibrary: failure
        case .bodyUnreadable, .tooLong:
            DaemonUnreachable("the call of the daemon on \(directory.socketPath) failed: \(failure)")
        default:
            DaemonUnreachable(
                "the daemon on \(directory.socketPath) does not answer",
                remedy: "see whether it still runs: `taskwatt status`")
        }
    }

    private func decode<Value: Decodable>(_ bytes: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw DaemonUnreachable(
                "the daemon's answer cannot be read: its version may differ from this one's (\(version))",
                remedy: "restart the daemon")
        }
    }
}
