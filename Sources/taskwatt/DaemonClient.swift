import AsyncHTTPClient
import Core
import Foundation
import Glibc
import HTTPTypes
import Host
import Metering
import NIOCore
import NIOHTTP1
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
    private let base: String

    /// A socket that nobody listens on any more will not be listened on in ten seconds' time either, so one try will do.
    /// It lives as long as the process.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// The first daemon that answers among the places where one may be.
    static func find(_ places: [StateDirectory]) async -> DaemonClient? {
        for place in places where access(place.socketPath, F_OK) == 0 {
            if place.isForOthers {
                Console.note(
                    "a daemon is there, and its socket \(place.socketPath) is for its group alone; join it with "
                        + "`sudo usermod -aG taskwatt $USER` and log in again")
                continue
            }
            guard let client = try? DaemonClient(place) else { continue }
            if (try? await client.status()) != nil { return client }
            // A socket that a daemon has left behind is nothing; one on which somebody listens and does not answer is.
            if client.isListenedTo {
                Console.note(
                    "a daemon is there, and does not answer on \(place.socketPath) within 15 s; this goes on without it"
                )
            }
        }
        return nil
    }

    private init(_ directory: StateDirectory) throws {
        self.directory = directory
        let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        let address = try directory.socketAddress()
        base = "http+unix://" + (address.addingPercentEncoding(withAllowedCharacters: allowed) ?? address)
    }

    func status() async throws -> DaemonStatus { try await get("/v1/status", timeout: .seconds(15)) }

    private var isListenedTo: Bool {
        guard let descriptor = try? UnixSocket.connect(to: directory.socketPath, .stream) else { return false }
        close(descriptor)
        return true
    }

    func get<Value: Decodable>(_ path: String, timeout: TimeAmount = .seconds(60)) async throws -> Value {
        try decode(try await bytes(.GET, path, timeout: timeout))
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
        String(decoding: try await bytes(.GET, path, timeout: .minutes(10)), as: UTF8.self)
    }

    func post<Body: Encodable, Value: Decodable>(_ path: String, _ body: Body) async throws -> Value {
        try decode(try await bytes(.POST, path, body: Array(try JSONEncoder().encode(body))))
    }

    /// Posts nothing.
    func post<Value: Decodable>(_ path: String) async throws -> Value { try decode(try await bytes(.POST, path)) }

    func delete(_ path: String) async throws { _ = try await bytes(.DELETE, path) }
    func delete<Value: Decodable>(_ path: String) async throws -> Value { try decode(try await bytes(.DELETE, path)) }

    /// The lines of an answer as they come.
    func lines(_ path: String, _ body: (Data) async throws -> Void) async throws {
        let response = try await execute(.GET, path, timeout: .hours(24 * 365))
        var rest = Data()
        for try await var buffer in response.body {
            rest.append(contentsOf: buffer.readBytes(length: buffer.readableBytes) ?? [])
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                try await body(rest[rest.startIndex..<end])
                rest.removeSubrange(rest.startIndex...end)
            }
        }
    }

    /// An answer as it comes, a piece at a time.
    func pieces(_ path: String, _ body: ([UInt8]) throws -> Void) async throws {
        let response = try await execute(.GET, path, timeout: .hours(24))
        for try await buffer in response.body { try body(Array(buffer.readableBytesView)) }
    }

    /// An answer as it comes, such as a file.
    func download(_ path: String, _ body: (ByteBuffer) throws -> Void) async throws {
        let response = try await execute(.GET, path, timeout: .hours(24))
        for try await buffer in response.body { try body(buffer) }
    }

    /// Posts a file, a piece at a time.
    func upload<Value: Decodable>(_ path: String, _ file: FileHandle) async throws -> Value {
        let pieces = AsyncStream<ByteBuffer> {
            guard let data = try? file.read(upToCount: 1 << 18), !data.isEmpty else { return nil }
            return ByteBuffer(bytes: data)
        }
        let response = try await execute(
            .POST, path, body: .stream(pieces, length: .unknown), contentType: "application/zstd", timeout: .hours(24))
        var buffer = try await response.body.collect(upTo: 256 << 20)
        return try decode(buffer.readBytes(length: buffer.readableBytes) ?? [])
    }

    private func bytes(
        _ method: HTTPMethod, _ path: String, body: [UInt8]? = nil, timeout: TimeAmount = .seconds(60)
    ) async throws -> [UInt8] {
        let response = try await execute(method, path, body: body.map { .bytes($0) }, timeout: timeout)
        var buffer = try await response.body.collect(upTo: 256 << 20)
        return buffer.readBytes(length: buffer.readableBytes) ?? []
    }

    private func execute(
        _ method: HTTPMethod, _ path: String, body: HTTPClientRequest.Body? = nil,
        contentType: String = "application/json", timeout: TimeAmount
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let body {
            request.headers.add(name: "content-type", value: contentType)
            request.body = body
        }
        let response: HTTPClientResponse
        do {
            response = try await Self.http.execute(request, timeout: timeout)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw DaemonUnreachable(
                description: "the daemon on \(directory.socketPath) does not answer; is it still running?")
        }
        guard response.status.code < 300 else {
            let buffer = try await response.body.collect(upTo: 1 << 20)
            let error = try? JSONDecoder().decode(APIError.self, from: Data(buffer.readableBytesView))
            throw error ?? APIError(.failed, "the daemon answers \(response.status) to \(path)")
        }
        return response
    }

    private func decode<Value: Decodable>(_ bytes: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw DaemonUnreachable(
                description: "the daemon's answer cannot be read; its version may differ from this one's "
                    + "(\(Version.current)): restart it")
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
