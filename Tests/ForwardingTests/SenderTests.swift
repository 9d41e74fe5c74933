import Core
import Exchange
import Foundation
import Recording
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// Answers as it is told, and remembers what it was given.
final class FakeTransport: BundleTransport {
    let isRedacted: Bool
    private let answers: Mutex<[Delivery]>
    private let given = Mutex<[PackedBundle]>([])
    private let contents = Mutex<[Data]>([])

    /// - Parameter answers: one after the other; when there is none left, it takes.
    init(_ answers: [Delivery] = [], isRedacted: Bool = false) {
        self.answers = Mutex(answers)
        self.isRedacted = isRedacted
    }

    var bundles: [PackedBundle] { given.withLock { $0 } }
    var bytes: [Data] { contents.withLock { $0 } }

    func deliver(_ bundle: PackedBundle, waiting: OutboxSummary) async -> Delivery {
        given.withLock { $0.append(bundle) }
        contents.withLock { $0.append(FileManager.default.contents(atPath: bundle.path) ?? Data()) }
        return answers.withLock { $0.isEmpty ? .taken : $0.removeFirst() }
    }
}

/// Takes what it is given, and looks meanwhile at what is known to wait.
final class LookingTransport: BundleTransport {
    let isRedacted = false
    let watch = Mutex<OutboxWatch?>(nil)
    let seen = Mutex<[Int]>([])

    func deliver(_ bundle: PackedBundle, waiting: OutboxSummary) async -> Delivery {
        if let found = watch.withLock({ $0?.current.entries }) { seen.withLock { $0.append(found) } }
        return .taken
    }
}

/// A record with suites that wait, and a clock that is set by hand.
final class SenderBench: Sendable {
    let record: TestRecord
    let directory: TemporaryDirectory
    let time = Mutex(1000.0)
    let free = Mutex<Int64>(1 << 40)
    var store: Store { record.store }
    var spool: String { "\(directory.path)/outbox" }

    init() throws {
        record = try TestRecord()
        directory = try TemporaryDirectory()
        record.store.send(to: [.collector])
    }

    func suite() throws -> String { try MeasuredSuite.record(in: store, host: "node7") }

    /// - Parameter random: the share of the range that is drawn.
    func sender(_ transports: [OutboxDestination: any BundleTransport], random: Double = 1) -> Sender {
        Sender(
            store, transports,
            spool: BundleSpool(
                store, directory: spool, version: "9.9",
                freeBytes: { [self] _ in free.withLock { $0 } }),
            wallTime: { [self] in time.withLock { $0 } },
            random: { $0.lowerBound + random * ($0.upperBound - $0.lowerBound) })
    }

    func set(_ time: Double) { self.time.withLock { $0 = time } }

    var spooled: [String] { (try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? [] }
}

@Suite("Sending suites on")
struct SenderTests {
    private let bench: SenderBench

    init() throws {
        bench = try SenderBench()
        // Those of the fixture end in 2025.
        bench.set(1_764_001_000)
    }

    private var now: Double { bench.time.withLock { $0 } }

    @Test("Each is sent once, the oldest first, and goes when it is taken")
    func order() async throws {
        let suites = [try bench.suite(), try bench.suite()]
        let transport = FakeTransport([.taken, .alreadyThere])
        let sender = bench.sender([.collector: transport])
        for (suite, wasThere) in zip(suites, [false, true]) {
            guard case .sent(let entry, wasThere: wasThere) = try await sender.step() else {
                Issue.record("not sent")
                return
            }
            #expect(entry.suiteRun == suite)
        }
        #expect(try await sender.step() == .idle(until: nil))
        #expect(transport.bundles.map(\.suiteRun) == suites)
        #expect(try bench.store.outboxSummary().isEmpty && bench.spooled.isEmpty)
        for (bundle, bytes) in zip(transport.bundles, transport.bytes) {
            #expect(bundle.bytes == Int64(bytes.count) && bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]))
        }
    }

    @Test(
        "What is not taken waits longer each time, an hour at the most, is the same to the byte, and is never given up")
    func backoff() async throws {
        _ = try bench.suite()
        let transport = FakeTransport(Array(repeating: .postponed("down", retryAfter: nil), count: 40))
        let sender = bench.sender([.collector: transport])
        var waits: [Double] = []
        for attempt in 1...40 {
            guard case .postponed(let entry) = try await sender.step() else {
                Issue.record("\(attempt)")
                return
            }
            #expect(entry.attempts == attempt && entry.problem == "down")
            waits.append(entry.dueAt - now)
            #expect(try await sender.step() == .idle(until: entry.dueAt))
            bench.set(entry.dueAt)
        }
        #expect(waits.prefix(5) == [5, 10, 20, 40, 80] && waits.allSatisfy { $0 <= 3600 } && waits.last == 3600)
        guard case .sent = try await sender.step() else {
            Issue.record("not sent")
            return
        }
        #expect(Set(transport.bytes).count == 1 && transport.bytes.count == 41)
    }

    @Test("The jitter is of the whole time, a second at the least")
    func jitter() {
        let backoff = Backoff()
        #expect(backoff.delay(attempts: 3, retryAfter: nil) { $0.lowerBound } == 1)
        #expect(backoff.delay(attempts: 3, retryAfter: nil) { ($0.lowerBound + $0.upperBound) / 2 } == 10)
        #expect(backoff.delay(attempts: Int.max, retryAfter: nil) { $0.upperBound } == 3600)
    }

    @Test(
        "Retry-After is followed, an hour at the most",
        arguments: [(30.0, 30.0), (1e9, 3600.0), (-4.0, 1.0), (Double.nan, 1.0)])
    func retryAfter(asked: Double, waited: Double) async throws {
        _ = try bench.suite()
        let transport = FakeTransport([.postponed("busy", retryAfter: asked)])
        guard case .postponed(let entry) = try await bench.sender([.collector: transport], random: 0).step() else {
            Issue.record("sent")
            return
        }
        #expect(entry.dueAt - now == waited)
    }

    @Test("What is refused stays, is told of, and holds up no other; a user has it sent again")
    func parked() async throws {
        let (bad, good) = (try bench.suite(), try bench.suite())
        let transport = FakeTransport([.refused("it fails `taskwatt verify`")])
        let sender = bench.sender([.collector: transport])
        guard case .parked(let entry) = try await sender.step() else {
            Issue.record("not parked")
            return
        }
        #expect(entry.suiteRun == bad)
        guard case .sent(let other, _) = try await sender.step() else {
            Issue.record("not sent")
            return
        }
        #expect(other.suiteRun == good)
        #expect(try await sender.step() == .idle(until: nil))
        let summary = sender.watch.current
        #expect(summary.parked == 1 && summary.entries == 0 && summary.problem?.contains("verify") == true)
        #expect(bench.spooled.isEmpty)
        #expect(try await sender.retryAll() == 1)
        guard case .sent(let again, _) = try await sender.step() else {
            Issue.record("not sent")
            return
        }
        #expect(again.suiteRun == bad)
    }

    @Test("A destination that is down is asked for one suite and not for all, and holds up no other destination")
    func rest() async throws {
        bench.store.send(to: [.collector, .drop])
        for _ in 0..<3 { _ = try bench.suite() }
        let collector = FakeTransport(Array(repeating: .postponed("down", retryAfter: nil), count: 2))
        let drop = FakeTransport()
        let sender = bench.sender([.collector: collector, .drop: drop])
        await sender.sendAll(within: .seconds(600))
        #expect(collector.bundles.count == 1 && drop.bundles.count == 3)
        bench.set(now + 5)
        await sender.sendAll(within: .seconds(600))
        #expect(collector.bundles.count == 2)
        #expect(Set(collector.bundles.map(\.suiteRun)).count == 1, "the oldest again")
        bench.set(now + 10)
        await sender.sendAll(within: .seconds(600))
        #expect(try bench.store.outboxSummary().isEmpty)
    }

    @Test("An answer that was lost is asked for again, by the next process too, with the same bytes")
    func killed() async throws {
        _ = try bench.suite()
        let transport = FakeTransport([.postponed("the connection was closed", retryAfter: nil), .alreadyThere])
        _ = try await bench.sender([.collector: transport]).step()
        #expect(bench.spooled.count == 1)
        try Data("half".utf8).write(to: URL(fileURLWithPath: "\(bench.spool)/left-by-a-crash"))
        bench.set(now + 10)
        guard case .sent(_, wasThere: true) = try await bench.sender([.collector: transport]).step() else {
            Issue.record("not sent")
            return
        }
        #expect(Set(transport.bytes).count == 1 && bench.spooled.isEmpty)
    }

    @Test("What waits is known while it is on its way, and as soon as a user has it sent")
    func watched() async throws {
        _ = try bench.suite()
        let transport = LookingTransport()
        let sender = bench.sender([.collector: transport])
        transport.watch.withLock { $0 = sender.watch }
        _ = try await sender.step()
        #expect(transport.seen.withLock { $0 } == [1] && sender.watch.current.isEmpty)
        _ = try bench.suite()
        #expect(sender.watch.current.isEmpty)
        _ = try await sender.retryAll()
        #expect(sender.watch.current.entries == 1)
    }

    @Test("A bundle takes no room that the record needs")
    func room() async throws {
        _ = try bench.suite()
        let transport = FakeTransport()
        let sender = bench.sender([.collector: transport])
        bench.free.withLock { $0 = BundleSpool.leastFree - 1 }
        guard case .postponed(let entry) = try await sender.step() else {
            Issue.record("sent")
            return
        }
        #expect(entry.problem?.contains("255 MiB") == true && transport.bundles.isEmpty && bench.spooled.isEmpty)
        bench.free.withLock { $0 = BundleSpool.leastFree }
        bench.set(entry.dueAt)
        guard case .sent = try await sender.step() else {
            Issue.record("not sent")
            return
        }
    }

    @Test("What is no longer in the record is sent to nobody")
    func gone() async throws {
        let file = ImportedFile(source: .paper, name: "f", sha256: "0", importedAt: 1)
        let uuid = "00000000-0000-4000-8000-000000000001"
        try bench.store.importing(file) { writer in
            let start = SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [], version: "1", startedAt: 1)
            _ = try writer.begin(start, uuid: uuid)
            try writer.record(run(), suiteRun: uuid)
            try writer.end(uuid, status: .completed, at: 2)
        }
        #expect(try bench.store.addToOutbox([uuid], at: 5) == 1)
        let imported = try #require(try bench.store.imports().first)
        _ = try bench.store.undoImport(imported.id)
        guard case .dropped = try await bench.sender([.collector: FakeTransport()]).step() else {
            Issue.record("sent")
            return
        }
        #expect(try bench.store.outboxSummary().isEmpty)
    }

    @Test("What is redacted tells no name")
    func redacted() async throws {
        _ = try bench.suite()
        let (open, closed) = (FakeTransport(), FakeTransport(isRedacted: true))
        _ = try await bench.sender([.collector: open]).step()
        _ = try bench.suite()
        _ = try await bench.sender([.collector: closed]).step()
        for (transport, isRedacted) in [(open, false), (closed, true)] {
            let file = "\(bench.directory.path)/\(isRedacted)"
            try #require(transport.bytes.first).write(to: URL(fileURLWithPath: file))
            let found = try await BundleVerifier.verify(file, version: "9.9")
            #expect(found.isRedacted == isRedacted && (found.suites.first?.machine == "node7") == !isRedacted)
        }
    }
}
