import Core
import Host

/// One candidate while it is looked at.
struct CandidateLook {
    /// A counter whose first step would mean more power than can be is watched for so long, in seconds, and ten of its periods.
    private static let longerLook = 0.2

    let index: Int
    let reader: (any MeterReader)?
    /// The first reading, and a time no later than it.
    let value: Int64
    private(set) var hasMoved = false
    /// What its energy grows by, where that is more than can be.
    private(set) var impossiblePower: Power?

    private var last: (value: Int64, time: MonotonicTime)
    /// When it was first seen to move, and what it has grown by since, in microjoules.
    private var moved: (time: MonotonicTime, grown: Double)?

    init(index: Int, reader: (any MeterReader)?, value: Int64, time: MonotonicTime) {
        self.index = index
        self.reader = reader
        self.value = value
        last = (value, time)
    }

    /// Whether its counter moves so soon that it can be waited for; one that told its value when it was found is not asked again.
    func canBeWatched(_ meter: MeterDescription) -> Bool {
        meter.kind == .counter && meter.periodSeconds <= Admission.longestPeriod && reader != nil
    }

    /// Reads once more.
    ///
    /// - Returns: whether enough is known of it.
    mutating func isDone(_ meter: MeterDescription, _ clock: any MeteringClock) -> Bool {
        let before = clock.now()
        guard let new = reader?.read().value else { return false }
        let step = Self.step(from: last.value, to: new, meter)
        let after = clock.now()
        let isOther = new != last.value
        let start = last.time
        if isOther { last = (new, before) }
        guard let first = moved else {
            guard isOther else { return false }
            hasMoved = true
            // Times are taken so that a machine that is held up makes the power too small, never too large.
            guard Self.power(step, from: start, to: after, meter) > meter.plausiblePower else { return true }
            moved = (before, 0)
            return false
        }
        let grown = first.grown + step
        moved = (first.time, grown)
        guard after.seconds(since: first.time) >= max(Self.longerLook, 10 * meter.periodSeconds) else { return false }
        let power = Self.power(grown, from: first.time, to: after, meter)
        if power > meter.plausiblePower { impossiblePower = power }
        return true
    }

    /// The energy between two readings in microjoules.
    private static func step(from old: Int64, to new: Int64, _ meter: MeterDescription) -> Double {
        let step = Double(new) - Double(old)
        if step >= 0 { return step }
        // Modulo the range; without one it began anew, and says nothing yet.
        guard let range = meter.rangeMicrojoules, Double(old) <= Double(range) else { return 0 }
        return step + Double(range)
    }

    /// The least power that a step can mean: of a coarse counter two units may have come by chance, and one update was due anyway.
    private static func power(
        _ microjoules: Double, from start: MonotonicTime, to end: MonotonicTime, _ meter: MeterDescription
    ) -> Power {
        let seconds = max(end.seconds(since: start), 0) + 2 * meter.periodSeconds
        let least = max(0, microjoules - 2 * meter.resolution)
        return Power(watts: min(least / 1e6 / max(seconds, 1e-6), 1e12))
    }
}
