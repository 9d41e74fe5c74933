package import Core
import Foundation
import Glibc
package import Host
package import Metering

/// A series of loads measured with a reference meter beside what is to be calibrated.
package struct CalibrationSeries: Sendable {
    /// Each level of load with each kind of work, and idle first and last, for a machine warms up in between.
    private static let shares = [0.25, 0.5, 0.75, 1]

    package let subject: Calibration.Subject
    package let reference: MeterDescription
    package let metering: any EnergyMeasuring
    package let host: HostRoot
    /// How long each load is measured.
    package let seconds: Double
    /// How long a load runs before it is measured, for fans, clocks and slow meters to follow.
    package let settleSeconds: Double

    package init(
        subject: Calibration.Subject, reference: MeterDescription, metering: any EnergyMeasuring, host: HostRoot,
        seconds: Double, settleSeconds: Double
    ) {
        self.subject = subject
        self.reference = reference
        self.metering = metering
        self.host = host
        self.seconds = seconds
        self.settleSeconds = settleSeconds
    }

    /// How long it all takes, in seconds.
    package var duration: Double {
        Double(2 + Self.shares.count * CPULoad.Kind.allCases.count) * (seconds + settleSeconds)
    }

    /// - Parameter progress: told before each load: its number from 1, of how many, and its name.
    /// - Throws: `CalibrationError`, `CancellationError`.
    package func run(date: String, progress: (Int, Int, String) -> Void) async throws -> Calibration {
        let loads = Self.shares.flatMap { share in CPULoad.Kind.allCases.map { (kind: $0, share: share) } }
        let total = loads.count + 2
        var points: [Calibration.Point] = []
        progress(1, total, "idle")
        points.append(try await measure("idle"))
        for (index, load) in loads.enumerated() {
            let name = "\(load.kind.rawValue) \(Int(saturating: load.share * 100)) %"
            progress(index + 2, total, name)
            let running = CPULoad(load.kind, share: load.share)
            do {
                points.append(try await measure(name))
            } catch {
                await offPool { running.stop() }
                throw error
            }
            await offPool { running.stop() }
        }
        progress(total, total, "idle again")
        points.append(try await measure("idle again"))
        return try fit(points, date: date)
    }

    private func measure(_ load: String) async throws -> Calibration.Point {
        try await Task.sleep(for: .seconds(settleSeconds))
        let before = try host.procStat()
        let ownBefore = Self.ownTicks
        let window = try await metering.openWindow()
        do {
            try await Task.sleep(for: .seconds(seconds))
        } catch {
            await metering.discardWindow(window)
            throw error
        }
        let after = try host.procStat()
        let own = Self.ownTicks - ownBefore
        let energy = try await metering.closeWindow(window)
        let watts = try power(of: energy.domains.filter { $0.id == reference.id }, in: energy, "\(reference.id)")
        let x: Double
        if subject == .estimate {
            let total = after.total - before.total
            guard total > 0 else { throw CalibrationError.notSeen("/proc/stat", load: load) }
            x = Double(after.busy - before.busy) / Double(total)
        } else {
            let wanted: TotalScope = subject == .system ? .system : .components
            let ids = Set(([energy.total] + energy.otherScopes).first { $0.scope == wanted }?.domainIDs ?? [])
            x = try power(of: energy.domains.filter { ids.contains($0.id) }, in: energy, subject.rawValue)
        }
        return Calibration.Point(load: load, x: x, watts: watts, others: after.othersShare(since: before, own: own))
    }

    /// CPU time of this process, which is that of the loads, in clock ticks; getrusage(2).
    static var ownTicks: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return (seconds(usage.ru_utime) + seconds(usage.ru_stime)) * 100
    }

    private func power(of domains: [DomainEnergy], in window: WindowEnergy, _ name: String) throws -> Double {
        guard !domains.isEmpty, domains.allSatisfy({ $0.coverage >= Thresholds.leastCoverage }) else {
            throw CalibrationError.notSeen(name, load: nil)
        }
        return domains.reduce(0) { $0 + $1.energy.joules / $1.coverage } / window.window.durationSeconds
    }

    private func fit(_ points: [Calibration.Point], date: String) throws -> Calibration {
        guard let fit = LinearFit(points.map { (x: $0.x, y: $0.watts) }) else { throw CalibrationError.noLine(points) }
        // A line that falls, or whose slope drowns in its scatter, says that the reference does not see this machine's load.
        let (least, most) = (points.map(\.watts).min() ?? 0, points.map(\.watts).max() ?? 0)
        guard fit.slope > 3 * fit.slopeUncertainty, fit.slope > 0, most - least > 0.05 * most else {
            throw CalibrationError.noLine(points)
        }
        let isModel = subject == .estimate
        return Calibration(
            subject: subject, reference: reference, date: date, processor: ProcessorID(host).modelName,
            idle: Power(watts: fit.intercept), idleUncertainty: Power(watts: fit.interceptUncertainty),
            full: isModel ? Power(watts: fit.value(at: 1)) : nil,
            fullUncertainty: isModel ? Power(watts: fit.uncertainty(at: 1)) : nil,
            gain: isModel ? nil : fit.slope, gainUncertainty: isModel ? nil : fit.slopeUncertainty,
            scatter: Power(watts: fit.residual), points: points)
    }
}

package enum CalibrationError: UserFacingError, Sendable {
    case notSeen(String, load: String?)
    case noLine([Calibration.Point])

    package var userError: UserError {
        switch self {
        case .notSeen(let name, _):
            return UserError(
                .failed, "the meter \(name) did not see the whole of a load",
                remedy: "check it with `taskwatt meters`, or give it more time with --seconds")
        case .noLine(let points):
            let seen = points.map { "\(FigureText.figure($0.watts)) W" }.joined(separator: ", ")
            return UserError(
                .failed, "the reference's power does not follow the load (\(seen))",
                remedy: "check that the reference measures this machine")
        }
    }
}

extension ProcStat {
    /// What others than this process took of all CPU time since an earlier look: 0 to 1.
    ///
    /// - Parameter own: clock ticks of this process in between.
    func othersShare(since before: ProcStat, own: Double) -> Double {
        max(0, Double(busy) - Double(before.busy) - own) / max(1, Double(total) - Double(before.total))
    }
}
