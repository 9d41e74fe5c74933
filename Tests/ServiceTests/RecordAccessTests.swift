import Client
import Core
import Exchange
import Foundation
import Hummingbird
import Logging
import Recording
import Reporting
import TestSupport
import Testing

@testable import API
@testable import Service

/// A daemon that answers on a Unix socket.
final class ServedDaemon: Sendable {
    let daemon: TestDaemon
    let client: DaemonClient
    private let serving: Task<Void, any Error>

    init() async throws {
        let daemon = try TestDaemon()
        let socket = "\(daemon.directory.path)/taskwatt.sock"
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = Application(
            router: daemon.routes.router(),
            configuration: ApplicationConfiguration(address: .unixDomainSocket(path: socket)), logger: logger)
        serving = Task { try await application.runService(gracefulShutdownSignals: []) }
        self.daemon = daemon
        client = try DaemonClient(StateDirectory(path: daemon.directory.path, socketPath: socket), version: "1.0")
        let answers = try await eventually { FileManager.default.fileExists(atPath: socket) }
        try #require(answers)
    }

    deinit { serving.cancel() }
}

@Suite("A record answers alike, whoever holds it")
struct RecordAccessTests {
    @Test("One that this process holds")
    func own() async throws {
        let directory = try TemporaryDirectory()
        let store = try Store(directory: directory.path)
        let conformance = RecordAccessConformance(access: OwnRecord(store, version: "1.0"), directory: directory)
        try await conformance.questions(try await RecordAccessConformance.fill(store))
        try await conformance.importing()
    }

    @Test("One of a daemon, over HTTP")
    func daemon() async throws {
        let served = try await ServedDaemon()
        let directory = try TemporaryDirectory()
        let conformance = RecordAccessConformance(access: DaemonRecord(served.client), directory: directory)
        try await conformance.questions(try await RecordAccessConformance.fill(served.daemon.store))
        try await conformance.importing()
    }

    @Test("Where there is none yet, questions say so, figures that need no run are drawn, and an import makes it")
    func missing() async throws {
        struct None: Error {}
        let directory = try TemporaryDirectory()
        let path = directory.path
        let access = OwnRecord(
            version: "1.0", missing: None(), open: { try Store.existing(directory: path) },
            make: { try Store(directory: path) })
        await #expect(throws: None.self) { try await access.imports() }
        await #expect(throws: None.self) { try await access.table(.init()) }
        #expect(try await access.figure(FigureRequest(.named("axis"), .init())).contains("<svg"))
        #expect(try await access.bring([]).added == 0)
        #expect(try await access.imports().isEmpty)
    }

    @Test("Whatever writes keeps all or nothing, in the order of the calls", arguments: [true, false])
    func writers(isQueued: Bool) async throws {
        let record = try TestRecord()
        let writer: any RecordWriter = isQueued ? QueuedWriter(record.store) : record.store
        try await RecordWriterConformance(writer: writer, reader: record.store).all()
    }

    @Test("While somebody imports for long, the queue answers and takes jobs")
    func longImport() async throws {
        let daemon = try TestDaemon()
        let store = daemon.store
        let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
        let go = DispatchSemaphore(value: 0)
        let importing = Thread {
            let file = ImportedFile(source: .codecarbon, name: "f", sha256: "0", importedAt: 1_764_000_000)
            _ = try? store.importing(file) { _ in
                hasBegun.yield()
                go.wait()
            }
        }
        importing.start()
        for await _ in begun { break }
        // It waits for the import to end; the queue does not.
        async let job = daemon.queue.submit(TestDaemon.request())
        #expect(await daemon.queue.statuses.isEmpty)
        #expect(await daemon.queue.counts.ended.isEmpty)
        go.signal()
        let id = try await job.id
        #expect(try await eventually { await daemon.queue.status(of: id)?.state == .completed })
    }
}
