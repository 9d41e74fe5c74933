import Core
import Digests
import Exchange
import Forwarding
import Foundation
import HTTPTypes
import Hummingbird
import Listening
import Logging
import NIOCore
import NIOEmbedded
import Recording
import Synchronization
import TestSupport

@testable import Collecting

/// A machine with a record, and a collector with another, between which nothing is but function calls.
final class CollectorBench: Sendable {
    let agent: TestRecord
    let directory: TemporaryDirectory
    let store: Store
    let ledger: Ledger
    let files: BundleFiles
    let time = Mutex(1_764_001_000.0)
    let free = Mutex<Int64>(1 << 40)
    private let routes: Mutex<CollectorRoutes?>

    /// - Parameter password: of the page; `nil` where there is none.
    init(
        limits: CollectorLimits = CollectorLimits(), record: (any RecordWriter)? = nil, password: String? = nil
    ) throws {
        agent = try TestRecord()
        directory = try TemporaryDirectory()
        let path = "\(directory.path)/collector"
        store = try Store(directory: path)
        ledger = try Ledger(directory: path)
        files = try BundleFiles(directory: path)
        routes = Mutex(nil)
        let page = try password.map {
            FleetPage(token: try AccessToken($0, file: "page.token"), record: store)
        }
        let made = CollectorRoutes(
            ledger: ledger, files: files, intake: intake(record), limits: limits, version: "9.9",
            wallTime: { [self] in now }, monotonicSeconds: { [self] in now },
            freeBytes: { [self] _ in free.withLock { $0 } }, page: page)
        routes.withLock { $0 = made }
    }

    var now: Double { time.withLock { $0 } }

    func intake(_ record: (any RecordWriter)? = nil) -> Intake {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return Intake(files: files, ledger: ledger, record: record ?? store, version: "9.9", logger: logger)
    }

    // MARK: The machine

    /// Measures a suite and bundles it.
    ///
    /// - Parameter redaction: leaves out who and where.
    func bundle(host: String = "node7", redaction: Redaction? = nil) async throws -> SentBundle {
        let uuid = try MeasuredSuite.record(in: agent.store, host: host)
        return try await bundle(of: uuid, redaction: redaction)
    }

    /// - Parameter version: of the program that bundles it, which is in the file.
    func bundle(of uuid: String, redaction: Redaction? = nil, version: String = "9.9") async throws -> SentBundle {
        let path = "\(directory.path)/\(UUID().uuidString)"
        try await BundleWriter(agent.store, redaction: redaction, version: version).write([uuid], to: path)
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        return SentBundle(uuid: uuid, data: data, sha256: try SHA256.hash(data).hexadecimal)
    }

    /// - Returns: its token.
    func enrol(_ name: String = "node7", machines: [String] = ["node7"]) throws -> String {
        try ledger.enrol(try ledger.invite(name, at: now), machines: machines, at: now).token
    }

    // MARK: HTTP

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPFields
        var body: Data

        /// The rule that a bundle breaks.
        var rule: String? { HTTPField.Name(CollectorField.rule).flatMap { headers[$0] } }
        var error: UserError? { try? JSONDecoder().decode(UserError.self, from: body) }
    }

    /// One request, without a socket: as it comes out of the HTTP decoder, and in pieces as from there.
    ///
    /// - Parameters:
    ///   - breaksAfter: the client goes away after so many bytes.
    ///   - pausing: it is waited for before the body ends.
    func ask(
        _ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields = [:], body: Data = Data(),
        breaksAfter: Int? = nil, pausing: (@Sendable () async -> Void)? = nil
    ) async throws -> Answer {
        struct Gone: Error {}
        var headers = headers
        if headers[.contentLength] == nil { headers[.contentLength] = "\(body.count)" }
        let rest = Rest(body.prefix(breaksAfter ?? body.count))
        let pieces = AsyncThrowingStream<ByteBuffer, any Error> {
            if let piece = rest.next() { return piece }
            await pausing?()
            if breaksAfter != nil { throw Gone() }
            return nil
        }
        let request = Request(
            head: HTTPRequest(method: method, scheme: "https", authority: "c", path: path, headerFields: headers),
            body: RequestBody(asyncSequence: pieces))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let context = BasicRequestContext(
            source: ApplicationRequestContextSource(channel: NIOAsyncTestingChannel(), logger: logger))
        guard let router = routes.withLock({ $0 })?.router() else { throw Gone() }
        let response = try await router.buildResponder().respond(to: request, context: context)
        let collected = Collected()
        try await response.body.write(collected)
        return Answer(
            status: response.status.code, headers: response.headers,
            body: Data(collected.body.withLock { $0 }.readableBytesView))
    }

    func send(
        _ bundle: SentBundle, token: String?, digest: String? = nil, body: Data? = nil, breaksAfter: Int? = nil,
        pausing: (@Sendable () async -> Void)? = nil
    ) async throws -> Answer {
        var headers: HTTPFields = [:]
        if let token { headers[.authorization] = "Bearer \(token)" }
        if let name = HTTPField.Name("Content-Digest") {
            headers[name] = digest ?? "sha-256=:\(bundle.base64):"
        }
        return try await ask(
            .post, "/v1/bundles", headers, body: body ?? bundle.data, breaksAfter: breaksAfter, pausing: pausing)
    }

    /// Of a body, in pieces.
    private final class Rest: Sendable {
        private let data: Mutex<Data>

        init(_ data: Data) { self.data = Mutex(data) }

        func next() -> ByteBuffer? {
            data.withLock { data in
                if data.isEmpty { return nil }
                defer { data = data.dropFirst(32 * 1024) }
                return ByteBuffer(bytes: data.prefix(32 * 1024))
            }
        }
    }

    private final class Collected: ResponseBodyWriter, Sendable {
        let body = Mutex(ByteBuffer())

        @concurrent
        func write(_ buffer: ByteBuffer) async throws { body.withLock { _ = $0.writeImmutableBuffer(buffer) } }
        @concurrent
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    // MARK: What is there

    /// The suites of the collector's record.
    var suites: [String] { get throws { try store.suiteRuns(limit: 1000).map(\.uuid).sorted() } }

    /// All files of bundles, by the folder that they are in.
    func names(_ folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "\(files.root)/\(folder)")) ?? []
    }
}

struct SentBundle: Sendable {
    var uuid: String
    var data: Data
    var sha256: String

    var base64: String {
        let digits = Array(sha256)
        return Data(
            stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
        ).base64EncodedString()
    }
}

/// A record that cannot be written until somebody mends it.
struct FailingRecord: RecordWriter {
    let store: Store
    let isDown: Mutexed

    final class Mutexed: Sendable {
        private let value = Mutex(true)
        var isSet: Bool {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    func beginSuiteRun(_ start: SuiteStart) async throws(StoreError) -> String { try store.beginSuiteRun(start) }

    func record(_ run: RunRecord, samples: [Sample], suiteRun uuid: String) async throws(StoreError) {
        try store.record(run, samples: samples, suiteRun: uuid)
    }

    func endSuiteRun(_ uuid: String, status: RunStatus, error: String?, at time: Double) async throws(StoreError) {
        try store.endSuiteRun(uuid, status: status, error: error, at: time)
    }

    func importing<Value>(_ file: ImportedFile, _ body: (any ImportWriter) throws -> Value) async throws -> Value {
        if isDown.isSet { throw StoreError.full(path: "there") }
        return try store.importing(file, body)
    }

    func undoImport(_ id: Int64) async throws(StoreError) -> StoredImport? { try store.undoImport(id) }
}
