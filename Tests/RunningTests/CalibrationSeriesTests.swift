import Core
import Foundation
import Glibc
import Host
import Metering
import Synchronization
import TestSupport
import Testing

@testable import Accounting
@testable import Running

/// A series of real loads against a plug that is made up.
enum PlugSeries {
    /// A plug whose power follows the share of the processors' time that `host` tells.
    private final class Plug: MeterReader {
        private let host: HostRoot
        private let watts: @Sendable (Double) -> Double
        private var last: (time: MonotonicTime, busy: Int64, total: Int64)?
        private var joules = 0.0

        init(_ host: HostRoot, _ watts: @escaping @Sendable (Double) -> Double) {
            self.host = host
            self.watts = watts
        }

        func read() -> Reading {
            guard let stat = try? host.procStat() else { return .failed(errno: 5) }
            let now = SystemClock().now()
            if let last, stat.total > last.total {
                let share = Double(stat.busy - last.busy) / Double(stat.total - last.total)
                joules += watts(share) * now.seconds(since: last.time)
            }
            if last.map({ stat.total > $0.total }) ?? true { last = (now, stat.busy, stat.total) }
            return .counter(microjoules: Int64(joules * 1e6))
        }
    }

    static func run(
        _ host: HostRoot, seconds: Double, _ watts: @escaping @Sendable (Double) -> Double
    ) async throws -> Calibration {
        let plug = MeterListing(
            description: MeterDescription(
                id: "test/plug", name: "plug", scope: .wall, kind: .counter, provenance: .measured, source: "test",
                periodSeconds: 0.02, resolution: 1, relativeAccuracy: 0.01, plausiblePower: Power(watts: 1000),
                silicon: "plug"), availability: .available
        ) { Plug(host, watts) }
        let session = try MeteringSession(listings: [plug], intervalSeconds: 0.02)
        session.start()
        defer { session.stop() }
        let metering = LocalMetering(session: session, selection: try TotalSelection(meters: session.meters))
        let series = CalibrationSeries(
            subject: .estimate, reference: session.meters[0], metering: metering, host: host, seconds: seconds,
            settleSeconds: seconds / 6)
        return try await series.run(date: "2026-11-24") { _, _, _ in }
    }
}

/// A machine on which this process is alone: its `/proc/stat` tells the time that this process has had, and all else is idle.
///
/// What the other processes of the real machine do is not in it, but for the time that they leave to this one.
private final class OwnMachine: Sendable {
    private let tree: TemporaryDirectory
    private let isOver = Atomic<Bool>(false)
    /// In nanoseconds.
    private let longestPause = Atomic<Int64>(0)
    private let begin = Clocks.monotonic()
    var host: HostRoot { tree.host }

    init() throws {
        tree = try TemporaryDirectory(["/proc/cpuinfo": try HostRoot().read("/proc/cpuinfo")])
        try write()
        Thread.detachNewThread { [weak self] in
            var last = Clocks.monotonic()
            while let self, !self.isOver.load(ordering: .relaxed) {
                try? self.write()
                usleep(3000)
                let now = Clocks.monotonic()
                self.longestPause.max(now - last, ordering: .relaxed)
                last = now
            }
        }
    }

    /// The longest time in which nothing of this process ran, though all that it asks for are 3 ms of sleep: of a machine that stands
    /// still.
    var longestPauseSeconds: Double { Double(longestPause.load(ordering: .relaxed)) / 1e9 }

    func stop() { isOver.store(true, ordering: .relaxed) }

    /// In microseconds, where the kernel has hundredths of a second: those are 1 % of a load's time here, and each would move the
    /// line that is found.
    private func write() throws {
        // `clock` counts in microseconds, by POSIX.
        let busy = clock()
        let processors = ProcessInfo.processInfo.activeProcessorCount
        let all = Int(Clocks.monotonic().seconds(since: begin) * 1e6) * processors
        let line = "cpu  \(busy) 0 0 \(max(0, all - busy) + 1_000_000) 0 0 0 0 0 0\n"
        try Data(line.utf8).write(to: URL(fileURLWithPath: tree.path + "/proc/stat"), options: .atomic)
    }
}

extension RealTime {
    /// The loads take all processors.
    @Suite("Calibration") struct CalibrationSeriesTests {
        @Test func realLoadsFindTheIdleAndTheFullPowerOfAPlug() async throws {
            let machine = try OwnMachine()
            defer { machine.stop() }
            let before = try HostRoot().procStat()
            let own = try machine.host.procStat().busy
            let calibration: Calibration
            do {
                calibration = try await PlugSeries.run(machine.host, seconds: 0.5) { 10 + 40 * $0 }
            } catch let error as CalibrationError {
                // A machine that stands still for a third of a load cannot be calibrated, and is refused.
                #expect(machine.longestPauseSeconds > 0.15, "\(error)")
                return
            }
            let after = try HostRoot().procStat()
            #expect(calibration.points.count == 14)
            // What other processes take of the real machine in this time, the loads cannot have.
            let ticks = after.total - before.total
            let ours = try (machine.host.procStat().busy - own) / 10_000
            let others = Double(after.busy - before.busy - ours) / Double(ticks)
            // The loads are real: the processors were little busy in some, and in others with all that was left of them.
            #expect((calibration.points.map(\.x).min() ?? 1) < 0.25)
            #expect((calibration.points.map(\.x).max() ?? 0) > 0.8 * (1 - others))
            #expect(abs(calibration.idle.watts - 10) < max(2.5, 4 * calibration.idleUncertainty.watts))
            let full = try #require(calibration.full)
            #expect(abs(full.watts - 50) < max(2.5, 4 * (calibration.fullUncertainty?.watts ?? 0)))
            #expect(calibration.referenceScope == .wall && calibration.reference == "test/plug")
        }
    }
}
