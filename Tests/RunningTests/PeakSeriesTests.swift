import Core
import Host
import Synchronization
import TestSupport
import Testing

@testable import Running

@Suite("The peak of a device")
struct PeakSeriesTests {
    /// Time that passes by work alone.
    private final class Clock: Sendable {
        private let seconds = Mutex(1000.0)
        private let calls = Mutex(0)
        let steps: [Double]

        /// - Parameter steps: how long each call takes, over and over.
        init(_ steps: [Double]) { self.steps = steps }

        var now: MonotonicTime { MonotonicTime(seconds: seconds.withLock { $0 }) }

        func work() {
            let index = calls.withLock { calls in
                defer { calls += 1 }
                return calls
            }
            seconds.withLock { $0 += steps[index % steps.count] }
        }
    }

    private func series(_ clock: Clock, _ meter: ScriptedMeter, _ host: HostRoot) -> PeakSeries {
        PeakSeries(metering: meter, host: host) { clock.now }
    }

    @Test("Five windows of whole calls: their mean, their spread, and the power of the total")
    func steady() async throws {
        let tree = try TemporaryDirectory(["/proc/stat": "cpu 0 0 0 1000 0 0 0 0 0 0\n"])
        let clock = Clock([0.1])
        let meter = ScriptedMeter([ScriptedMeter.Reading(joules: 120, seconds: 6)])
        let result = try await series(clock, meter, tree.host).run(operations: 5e9) { clock.work() }
        #expect(result.windows == PeakSeries.windows)
        #expect(abs(result.gops - 50) < 1e-6 && result.halfWidth < 1e-6)
        #expect(result.watts == 20 && result.provenance == .simulated)
        #expect(!result.isContended && meter.openWindows == 0)
        // Warm-up and all: under ten seconds.
        #expect(clock.now.seconds(since: MonotonicTime(seconds: 1000)) < 10)
    }

    @Test("What scatters has an interval by Student's t of the windows")
    func spread() async throws {
        let tree = try TemporaryDirectory(["/proc/stat": "cpu 0 0 0 1000 0 0 0 0 0 0\n"])
        // One call a window, of 1.2 or 2.4 s; the first is the warm-up's.
        let clock = Clock([1.2, 1.2, 2.4])
        let result = try await series(clock, ScriptedMeter(), tree.host).run(operations: 1.2e9) { clock.work() }
        // 1, 0.5, 1, 1, 0.5: mean 0.8, s 0.2739, t of 4 degrees 2.776.
        #expect(result.windows == 5 && abs(result.gops - 0.8) < 1e-9)
        #expect(abs(result.halfWidth - 2.776 * 0.27386 / 5.0.squareRoot()) < 1e-3)
    }

    @Test("Slow work has three windows, and no more than it must")
    func slow() async throws {
        let tree = try TemporaryDirectory(["/proc/stat": "cpu 0 0 0 1000 0 0 0 0 0 0\n"])
        let clock = Clock([5])
        let result = try await series(clock, ScriptedMeter(), tree.host).run(operations: 5e9) { clock.work() }
        #expect(result.windows == 3 && abs(result.gops - 1) < 1e-9)
    }

    @Test(
        "A meter that saw too little of it tells no power",
        arguments: [
            ScriptedMeter.Reading(joules: 5, seconds: 6, flags: [.unresolved]),
            ScriptedMeter.Reading(joules: 5, seconds: 6, coverage: 0.5), ScriptedMeter.Reading(joules: 0, seconds: 6),
        ])
    func unseen(_ reading: ScriptedMeter.Reading) async throws {
        let tree = try TemporaryDirectory(["/proc/stat": "cpu 0 0 0 1000 0 0 0 0 0 0\n"])
        let clock = Clock([0.1])
        let result = try await series(clock, ScriptedMeter([reading]), tree.host).run(operations: 5e9) { clock.work() }
        #expect(result.watts == nil && result.provenance == nil && abs(result.gops - 50) < 1e-6)
    }

    @Test("Others at work are told of", arguments: [(900, true), (20, false)])
    func contended(_ busy: Int, _ isContended: Bool) async throws {
        let tree = try TemporaryDirectory(["/proc/stat": "cpu 0 0 0 1000 0 0 0 0 0 0\n"])
        let clock = Clock([0.1])
        let reading = ScriptedMeter.Reading(joules: 120, seconds: 6)
        // A million ticks pass, so that what this process takes meanwhile is none of them.
        let stat = "cpu \(busy * 1000) 0 0 \(1_000_000 - busy * 1000 + 1000) 0 0 0 0 0 0\n"
        let writes = Mutex(false)
        let result = try await series(clock, ScriptedMeter([reading]), tree.host).run(operations: 5e9) {
            clock.work()
            if clock.now.seconds(since: MonotonicTime(seconds: 1000)) > 1, writes.withLock({ !$0 }) {
                try tree.write("/proc/stat", stat)
                writes.withLock { $0 = true }
            }
        }
        #expect(result.isContended == isContended, "\(result.others)")
    }

    private struct Broken: Error {}

    @Test("Work that fails leaves no window open")
    func failing() async throws {
        let tree = try TemporaryDirectory(["/proc/stat": "cpu 0 0 0 1000 0 0 0 0 0 0\n"])
        let clock = Clock([1])
        let meter = ScriptedMeter()
        await #expect(throws: Broken.self) {
            try await series(clock, meter, tree.host).run(operations: 1) {
                clock.work()
                if clock.now.seconds(since: MonotonicTime(seconds: 1000)) > 3 { throw Broken() }
            }
        }
        #expect(meter.openWindows == 0 && meter.discardedWindows == 1)
    }
}
