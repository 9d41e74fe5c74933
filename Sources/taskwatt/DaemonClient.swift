import Core
import Fetching
import Foundation
import Glibc
import Host
import Metering
import Running
import Service
import Synchronization

/// The daemon's socket is there and it does not answer.
struct DaemonUnreachable: Error, CustomStringConvertible {
    var description: String
}

/// Talks to a daemon over its socket.
struct DaemonClient: Sendable {
    let directory: StateDirectory
    private let socket: String

    private static let longestAnswer = 256 << 20
    /// How often a daemon that has too much to do is asked again.
    private static let mostRetries = 6
    /// It lives as long as the process.
    private static let http = HTTPClient()

    /// The first daemon that answers among the places where one may be.
    static func find(_ places: [StateDirectory]) async throws -> DaemonClient? {
        for place in places where access(place.socketPath, F_OK) == 0 {
            if place.isForOthers {
                Console.note(
                    "a daemon runs, but only its group may use its socket \(place.socketPath); join the group with "
                        + "`sudo usermod -aG taskwatt $USER` and log in again")
                continue
            }
            guard let client = try? DaemonClient(place) else { continue }
            do {
                _ = try await client.status()
                return client
            } catch HTTPFailure.noLibrary(let problem) where client.isListenedTo {
                // To go on without it would lead to its lock, or to an answer that there is none.
                throw DaemonUnreachable(description: "a daemon runs, but cannot be reached: \(problem)")
            } catch {}
            // A socket that a daemon has left behind is nothing; one on which somebody listens and does not answer is.
            if client.isListenedTo {
                Console.note(
                    "a daemon runs, but did not answer on \(place.socketPath) within 15 s; continuing without it"
                )
            }
        }
        return nil
    }

    private init(_ directory: StateDirectory) throws {
        self.directory = directory
        socket = try directory.socketAddress()
    }

    func status() async throws -> DaemonStatus { try await get("/v1/status", timeout: .seconds(15)) }

    private var isListenedTo: Bool {
        guard let descriptor = try? UnixSocket.connect(to: directory.socketPath, .stream) else { return false }
        close(descriptor)
        return true
    }

    func get<Value: Decodable>(_ path: String, timeout: Duration = .seconds(60)) async throws -> Value {
        try decode(try await bytes(.get, path, timeout: timeout))
    }

    /// A path with a query, from which what is `nil` is left out.
    static func path(_ path: String, _ query: KeyValuePairs<String, String?>) -> String {
        let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        let pairs = query.compactMap { name, value in
            value?.addingPercentEncoding(withAllowedCharacters: allowed).map { "\(name)=\($0)" }
        }
        return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }

    /// An answer that is text.
    func text(_ path: String) async throws -> String {
        String(decoding: try await bytes(.get, path, timeout: .seconds(600)), as: UTF8.self)
    }

    func post<Body: Encodable, Value: Decodable>(_ path: String, _ body: Body) async throws -> Value {
        try decode(try await bytes(.post, path, body: .bytes(Array(try JSONEncoder().encode(body)))))
    }

    /// Posts nothing.
    func post<Value: Decodable>(_ path: String) async throws -> Value { try decode(try await bytes(.post, path)) }

    func delete(_ path: String) async throws { _ = try await bytes(.delete, path) }
    func delete<Value: Decodable>(_ path: String) async throws -> Value { try decode(try await bytes(.delete, path)) }

    /// The lines of an answer as they come.
    func lines(_ path: String, _ body: (Data) async throws -> Void) async throws {
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
    func pieces(
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
    func upload<Value: Decodable>(_ path: String, _ file: FileHandle) async throws -> Value {
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
            let error = body.flatMap { try? JSONDecoder().decode(APIError.self, from: Data($0)) }
            throw error
                ?? APIError(.failed, "the daemon answers \(answer.status) \(answer.head.reason) to \(path)")
        }
        return answer
    }

    private func explain(_ failure: HTTPFailure) -> any Error {
        switch failure {
        case .cancelled: CancellationError()
        case .noLibrary: failure
        case .bodyUnreadable, .tooLong:
            DaemonUnreachable(description: "the call of the daemon on \(directory.socketPath) failed: \(failure)")
        default:
            DaemonUnreachable(
                description: "the daemon on \(directory.socketPath) does not answer; is it still running?")
        }
    }

    private func decode<Value: Decodable>(_ bytes: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw DaemonUnreachable(
                description: "the daemon's answer cannot be read; its version may differ from this program's "
                    + "(\(Version.current)): restart the daemon")
        }
    }
}

/// Measures with the daemon's meters, which it may read where we may not; the work measured is ours and runs with our
/// rights.
final class DaemonMetering: EnergyMeasuring {
    private let client: DaemonClient
    private let id: Int
    /// Samples come with every answer and are the daemon's no more; here they wait for whoever takes them.
    private let samples = Mutex<[Sample]>([])
    private static let mostSamples = 50_000
    let meters: [MeterDescription]

    init(_ client: DaemonClient, _ request: SessionRequest) async throws {
        self.client = client
        let created: SessionCreated = try await client.post("/v1/sessions", request)
        id = created.id
        meters = created.meters
    }

    func openWindow() async throws -> WindowID {
        let opened: WindowOpened = try await client.post("/v1/sessions/\(id)/windows")
        return WindowID(rawValue: opened.window)
    }

    func closeWindow(_ window: WindowID) async throws -> WindowEnergy {
        try await client.post("/v1/sessions/\(id)/windows/\(window.rawValue)/close")
    }

    func discardWindow(_ window: WindowID) async {
        // In a task of its own: ours may be cancelled, and the daemon is to know all the same.
        await Task { [client, id] in try? await client.delete("/v1/sessions/\(id)/windows/\(window.rawValue)") }.value
    }

    func latestPower() async -> Power? { await state()?.power }
    func takeSamples() async -> [Sample] {
        _ = await state()
        return samples.withLock { samples in
            defer { samples = [] }
            return samples
        }
    }

    private func state() async -> SessionState? {
        let state: SessionState? = try? await client.get("/v1/sessions/\(id)")
        if let state {
            samples.withLock { samples in
                samples += state.samples
                // Of a command that runs for days nobody takes them.
                if samples.count > Self.mostSamples { samples.removeFirst(samples.count - Self.mostSamples) }
            }
        }
        return state
    }

    /// Calls often enough that the daemon does not take us for dead; ends with the task.
    func keepAlive() async {
        while (try? await Task.sleep(for: .seconds(30))) != nil { _ = await latestPower() }
    }

    func end() async { await Task { [client, id] in try? await client.delete("/v1/sessions/\(id)") }.value }
}
