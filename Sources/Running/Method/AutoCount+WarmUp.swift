import Core
import Foundation
import PluginHosting

extension AutoCount {
    /// Room for a query that is somewhat faster than the warm-up was, as a share of its time.
    private static let room = 0.1
    private static let most = 1_000_000_000
    private static let leastSeconds = 10.0

    /// As many inferences as give a window of at least 10 s, 100 periods of the slowest meter of the total, and 20
    /// resolutions of each of its counters.
    ///
    /// - Parameters:
    ///   - warmUp: the window of the warm-up, whose power stands for the query's.
    ///   - latency: the time of one batch, in seconds; `nil` where the plugin does not tell it.
    ///   - inferences: how many the warm-up made.
    init(
        meters: [MeterDescription], warmUp: WindowEnergy, latency: Double?, inferences: Int, batch: Int
    ) {
        let parts = meters.filter { warmUp.total.domainIDs.contains($0.id) }
        let periods = Self.periods(parts)
        let resolutions = parts.map { meter in Self.secondsToResolve(meter, in: warmUp) }.max() ?? 0
        let needs: [(seconds: Double, reason: Reason)] = [
            (Self.leastSeconds, .tenSeconds), (periods, .periods), (resolutions, .resolution),
        ]
        let need = needs.max { $0.seconds < $1.seconds } ?? (Self.leastSeconds, .tenSeconds)
        let whole = warmUp.window.durationSeconds / Double(max(1, inferences))
        let each = latency.map { $0 / Double(max(1, batch)) } ?? whole
        self.init(
            count: Self.count(seconds: need.seconds * (1 + Self.room), each: each, batch: batch),
            neededSeconds: need.seconds, reason: need.reason, secondsPerInference: each)
    }

    /// 100 periods of the slowest meter, in seconds.
    private static func periods(_ meters: [MeterDescription]) -> Double {
        100 * (meters.map { max($0.periodSeconds, $0.averagingSeconds) }.max() ?? 0)
    }

    /// Whether a window is shorter than the method asks for: 10 s and 100 periods, whoever chose the count and whatever the
    /// meters are. One that is a tenth shorter than `auto` aimed at is not: a machine that others use is not as fast twice.
    static func isShort(_ energy: WindowEnergy, _ meters: [MeterDescription]) -> Bool {
        let parts = meters.filter { energy.total.domainIDs.contains($0.id) }
        return energy.window.durationSeconds < (1 - room) * max(leastSeconds, periods(parts))
    }

    /// The time in which a counter moves by 20 resolutions at the power of the warm-up; 0 where nothing is known of it.
    private static func secondsToResolve(_ meter: MeterDescription, in window: WindowEnergy) -> Double {
        guard meter.kind == .counter, let domain = window.domains.first(where: { $0.id == meter.id }),
            let power = domain.energy.over(window.window.durationSeconds * domain.coverage), power.microwatts > 0
        else { return 0 }
        return 20 * meter.resolution / Double(power.microwatts)
    }

    private static func count(seconds: Double, each: Double, batch: Int) -> Int {
        let count = (seconds / each).rounded(.up)
        guard each > 0, !count.isNaN else { return most.roundedUp(toMultipleOf: batch) }
        return Int(saturating: min(max(1, count), Double(most))).roundedUp(toMultipleOf: batch)
    }

    /// For a window that came out too short: the count that its own pace asks for, with twice the room of the time before, for
    /// a machine that others use may be faster again.
    ///
    /// - Parameter attempt: the window that was too short, from 1.
    func corrected(seconds: Double, inferences: Int, batch: Int, attempt: Int) -> AutoCount {
        let each = seconds / Double(max(1, inferences))
        let room = Self.room * pow(2, Double(attempt))
        return AutoCount(
            count: Self.count(seconds: neededSeconds * (1 + room), each: each, batch: batch),
            neededSeconds: neededSeconds, reason: reason, secondsPerInference: each)
    }
}
