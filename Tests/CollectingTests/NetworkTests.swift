import API
import Core
import Fetching
import Forwarding
import Foundation
import Listening
import Logging
import Recording
import Service
import TestSupport
import Testing

@testable import Collecting

/// A machine and a collector on sockets, as they are on a network.
@Suite("From a machine to its collector")
struct NetworkTests {
    /// A collector that runs until it is stopped.
    private final class Running: Sendable {
        let port: Int
        private let task: Task<Void, any Error>

        init(in directory: String, tls: ListenerConfiguration.TLSFiles? = nil, clientCA: String? = nil) async throws {
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let store = try Store(directory: directory)
            let collector = Collector(
                directory: StateDirectory(path: directory, socketPath: "\(directory)/socket"),
                configuration: CollectorConfiguration(
                    address: ListenAddress(host: "127.0.0.1", port: 0), tls: tls, clientCA: clientCA),
                record: store, reader: store, version: "9.9", logger: logger)
            let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
            let task = Task {
                defer { continuation.finish() }
                try await collector.run { continuation.yield($0) }
            }
            self.task = task
            var iterator = ports.makeAsyncIterator()
            guard let port = await iterator.next() else {
                try await task.value
                throw UserError(.failed, "the collector ended")
            }
            self.port = port
        }

        func stop() async {
            task.cancel()
            _ = await task.result
        }

        deinit { task.cancel() }
    }

    private let agent: TestRecord
    private let directory: TemporaryDirectory
    private var collector: String { "\(directory.path)/collector" }

    init() throws {
        agent = try TestRecord()
        directory = try TemporaryDirectory()
        agent.store.send(to: [.collector])
    }

    private func sender(_ address: CollectorAddress, token: String?) -> Sender {
        let transport = CollectorTransport(
            HTTPClient(), address, token: token.map { token in { @Sendable in token } }, isRedacted: false,
            version: "9.9", wallTime: { Date().timeIntervalSince1970 })
        return Sender(
            agent.store, [.collector: transport],
            spool: BundleSpool(agent.store, directory: "\(directory.path)/outbox", version: "9.9", leastFree: 0),
            wallTime: { Date().timeIntervalSince1970 })
    }

    @Test("Enrolled, sent, cut off, sent again, revoked: every suite is there once", .timeLimit(.minutes(5)))
    func whole() async throws {
        let first = try await Running(in: collector)
        let ledger = try Ledger(directory: collector)
        let address = CollectorAddress(url: "http://127.0.0.1:\(first.port)")
        let invitation = try ledger.invite("node7", at: Date().timeIntervalSince1970)
        let request = Enrolment.Request(token: invitation, machines: ["node7"])
        let answer = try await Enrolment.ask(HTTPClient(), address, request)
        #expect(answer.name == "node7")
        await #expect(throws: UserError.self) { try await Enrolment.ask(HTTPClient(), address, request) }
        var suites = [try MeasuredSuite.record(in: agent.store, host: "node7")]
        #expect(await sender(address, token: answer.token).sendAll(within: .seconds(200)) == nil)
        #expect(try agent.store.outboxSummary().isEmpty)
        await first.stop()

        suites.append(try MeasuredSuite.record(in: agent.store, host: "node7"))
        guard case .postponed(let entry) = try await sender(address, token: answer.token).step() else {
            Issue.record("sent to nobody")
            return
        }
        #expect(entry.suiteRun == suites[1])

        let second = try await Running(in: collector)
        let later = CollectorAddress(url: "http://127.0.0.1:\(second.port)")
        let again = sender(later, token: answer.token)
        _ = try await again.retryAll()
        await again.sendAll(within: .seconds(200))
        #expect(try agent.store.outboxSummary().isEmpty)
        let store = try Store(directory: collector)
        #expect(try Set(store.suiteRuns(limit: 9).map(\.uuid)) == Set(suites))
        #expect(try store.imports().count == 2 && ledger.bundleCount() == 2)

        _ = try ledger.revoke("node7", at: Date().timeIntervalSince1970)
        suites.append(try MeasuredSuite.record(in: agent.store, host: "node7"))
        guard case .postponed = try await sender(later, token: answer.token).step() else {
            Issue.record("sent, and it was revoked")
            return
        }
        #expect(try store.suiteRuns(limit: 9).count == 2)
        await second.stop()
    }

    /// An authority, and what it signs, of the elliptic curve P-256.
    private func certificate(_ name: String, by authority: String?, _ more: String...) throws {
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        let own = ["-keyout", "\(name).key", "-out", "\(name).pem", "-subj", "/O=Example/CN=\(name)", "-days", "2"]
        let signed = authority.map { ["-CA", "\($0).pem", "-CAkey", "\($0).key"] } ?? []
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "req", "-x509"] + curve + own + signed + more
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(name)")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: "\(directory.path)/\(name).key")
    }

    @Test("By TLS, with a certificate of the site's authority instead of a token", .timeLimit(.minutes(5)))
    func certificates() async throws {
        try certificate("ca", by: nil)
        try certificate("stranger", by: nil)
        try certificate("server", by: "ca", "-addext", "subjectAltName=IP:127.0.0.1")
        try certificate("node7", by: "ca")
        let path = directory.path
        let running = try await Running(
            in: collector, tls: .init(certificate: "\(path)/server.pem", key: "\(path)/server.key"),
            clientCA: "\(path)/ca.pem")
        func address(_ name: String?, ca: String = "ca") -> CollectorAddress {
            CollectorAddress(
                url: "https://127.0.0.1:\(running.port)",
                tls: HTTPCall.TLS(
                    caFile: "\(path)/\(ca).pem", certificateFile: name.map { "\(path)/\($0).pem" },
                    keyFile: name.map { "\(path)/\($0).key" }))
        }
        _ = try MeasuredSuite.record(in: agent.store, host: "node7")
        // Without one, with one of another authority, and where the collector's is not to be trusted.
        for wrong in [address(nil), address("stranger"), address("node7", ca: "stranger")] {
            let sender = sender(wrong, token: nil)
            _ = try await sender.retryAll()
            guard case .postponed = try await sender.step() else {
                Issue.record("sent")
                return
            }
        }
        let store = try Store(directory: collector)
        #expect(try store.suiteRuns(limit: 9).isEmpty)
        let right = sender(address("node7"), token: nil)
        _ = try await right.retryAll()
        guard case .sent = try await right.step() else {
            Issue.record("not sent: \(try agent.store.outboxSummary())")
            return
        }
        #expect(try store.suiteRuns(limit: 9).count == 1)
        #expect(try Ledger(directory: collector).machines().map(\.name) == ["node7"])
        await running.stop()
    }
}
