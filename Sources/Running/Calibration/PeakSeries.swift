package import Core
import Foundation
import Glibc
package import Host
import Metering

/// How fast a device does one kind of work, in windows one after the other, and the power of the total meanwhile.
package struct PeakSeries: Sendable {
    package struct Result: Sendable, Hashable {
        /// The mean of the windows, in 10⁹ operations a second.
        package var gops: Double
        /// Of the 95 % interval of the mean, from the windows' spread.
        package var halfWidth: Double
        package var windows: Int
        package var seconds: Double
        /// The mean of the total's meters; `nil` where the time was too short for them, or they did not see it.
        package var watts: Double?
        package var provenance: Provenance?
        /// CPU time of everything else, of all that there was.
        package var others: Double

        /// Above it, what was reached is not all that can be: as `contended` is told of runs.
        package var isContended: Bool { others > Thresholds.otherCPUShare }
    }

    /// It takes under ten seconds in all, with the half second before and what the work itself needs to begin.
    package static let windows = 5
    package static let windowSeconds = 1.2
    private static let warmUpSeconds = 0.5
    /// With slow work fewer windows fit into the time; fewer than that have no spread worth the name.
    private static let leastWindows = 3
    private static let mostSeconds = 8.0

    package let metering: any EnergyMeasuring
    package let host: HostRoot
    private let now: @Sendable () -> MonotonicTime

    package init(
        metering: any EnergyMeasuring, host: HostRoot, now: @escaping @Sendable () -> MonotonicTime = Clocks.monotonic
    ) {
        self.metering = metering
        self.host = host
        self.now = now
    }

    /// - Parameters:
    ///   - operations: of one call of `work`, which returns when they are done.
    /// - Throws: what `work` throws; `CancellationError`.
    package func run(operations: Double, _ work: @escaping @Sendable () throws -> Void) async throws -> Result {
        _ = try await one(Self.warmUpSeconds, operations, work)
        let (before, ownBefore) = (try? host.procStat(), CalibrationSeries.ownTicks)
        let opened = try await metering.openWindow()
        var speeds: [Double] = []
        var seconds = 0.0
        do {
            while speeds.count < Self.windows, speeds.count < Self.leastWindows || seconds < Self.mostSeconds {
                try Task.checkCancellation()
                let one = try await one(Self.windowSeconds, operations, work)
                speeds.append(one.gops)
                seconds += one.seconds
            }
        } catch {
            await metering.discardWindow(opened)
            throw error
        }
        let (after, own) = (try? host.procStat(), CalibrationSeries.ownTicks - ownBefore)
        let energy = try await metering.closeWindow(opened)
        let total = energy.total
        let isResolved = total.isSeen && !total.flags.contains(.unresolved) && total.energy.joules > 0
        var others = 0.0
        if let before, let after { others = after.othersShare(since: before, own: own) }
        let spread = Statistics.sampleStandardDeviation(speeds) ?? 0
        return Result(
            gops: Statistics.mean(speeds) ?? 0,
            halfWidth: Statistics.studentT95(Double(max(1, speeds.count - 1))) * spread
                / Double(speeds.count).squareRoot(),
            windows: speeds.count, seconds: seconds,
            watts: isResolved ? total.energy.joules * total.scale / energy.window.durationSeconds : nil,
            provenance: isResolved ? total.provenance : nil, others: others)
    }

    private func one(
        _ length: Double, _ operations: Double, _ work: @escaping @Sendable () throws -> Void
    ) async throws -> (gops: Double, seconds: Double) {
        try await offPool { [self] in Swift.Result { try window(length, operations, work) } }.get()
    }

    /// As many whole calls as begin within so many seconds, at least one.
    private func window(
        _ length: Double, _ operations: Double, _ work: () throws -> Void
    ) throws -> (gops: Double, seconds: Double) {
        let start = now()
        var calls = 0
        var seconds = 0.0
        repeat {
            try work()
            calls += 1
            seconds = now().seconds(since: start)
        } while seconds < length
        return (operations * Double(calls) / max(seconds, 1e-9) / 1e9, seconds)
    }
}
