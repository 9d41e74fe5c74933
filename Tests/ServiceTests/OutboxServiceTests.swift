import API
import Core
import Forwarding
import Foundation
import Logging
import Recording
import TestSupport
import Testing

@testable import Service

/// What the daemon sends on, and when.
@Suite("The daemon's outbox")
struct OutboxServiceTests {
    @Test("Nothing is sent while something is measured, but one suite every six hours on a machine that never rests")
    func gate() {
        let start = MonotonicTime(seconds: 1000)
        var gate = OutboxService.QuietGate(at: start)
        func at(_ seconds: Double) -> MonotonicTime { start.advanced(bySeconds: seconds) }
        func opens(isMeasuring: Bool, at time: MonotonicTime) -> Bool { gate.opens(isMeasuring: isMeasuring, at: time) }
        #expect(!opens(isMeasuring: true, at: at(1)))
        #expect(opens(isMeasuring: false, at: at(2)) && opens(isMeasuring: false, at: at(2)))
        let patience = OutboxService.QuietGate.patience
        #expect(!opens(isMeasuring: true, at: at(patience)))
        #expect(opens(isMeasuring: true, at: at(2 + patience)))
        #expect(!opens(isMeasuring: true, at: at(3 + patience)))
        #expect(!opens(isMeasuring: true, at: at(1 + 2 * patience)))
        #expect(opens(isMeasuring: true, at: at(3 + 2 * patience)))
    }

    @Test("Whoever holds the queue measures, so that nothing is sent meanwhile")
    func held() async throws {
        let daemon = try TestDaemon()
        let outbox = OutboxService(
            sender: nil, queue: daemon.queue, sessions: daemon.routes.sessions, store: daemon.store,
            logger: Logger(label: "test"))
        #expect(await !outbox.isMeasuring)
        let taken = try await daemon.queue.hold(HoldRequest(holder: "alice", duration: 100))
        #expect(await outbox.isMeasuring)
        _ = try await daemon.queue.release(taken.hold.id)
        #expect(await !outbox.isMeasuring)
    }

    @Test("What waits is in the metrics")
    func metrics() async throws {
        let daemon = try TestDaemon()
        #expect(await daemon.routes.metrics.text().contains("\ntaskwatt_outbox_oldest_seconds 0\n"))
        daemon.store.send(to: [.collector])
        for _ in 0..<2 {
            let uuid = try daemon.store.beginSuiteRun(
                SuiteStart(
                    suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                    meters: [], version: "1", startedAt: 1))
            try daemon.store.record(run(), samples: [], suiteRun: uuid)
            try daemon.store.endSuiteRun(
                uuid, status: .completed, error: nil, at: Date().timeIntervalSince1970 - 100)
        }
        var refused = try #require(try daemon.store.outbox(limit: 1).first)
        (refused.isParked, refused.problem) = (true, "no")
        try daemon.store.update(refused)
        let watch = OutboxWatch()
        watch.look(daemon.store)
        var metrics = daemon.routes.metrics
        metrics.outbox = watch
        let lines = await metrics.text().split(separator: "\n")
        #expect(lines.contains("taskwatt_outbox_entries{state=\"waiting\"} 1"))
        #expect(lines.contains("taskwatt_outbox_entries{state=\"parked\"} 1"))
        let age = lines.first { $0.hasPrefix("taskwatt_outbox_oldest_seconds ") }?.split(separator: " ").last
        #expect(age.flatMap { Double($0) }.map { (100...10_000).contains($0) } == true)
    }
}
