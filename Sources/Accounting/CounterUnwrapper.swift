import Core

/// Turns the raw values of an energy counter into energy that only grows: every step is taken modulo the counter's range,
/// and a step that cannot be is told apart from one that can.
struct CounterUnwrapper {
    enum Step: Hashable {
        /// The first good value; there is nothing to compare it with.
        case first
        case advanced(wrapped: Bool)
        /// A reset, a step back that is no wrap, or so long a silence that a whole wrap could hide in it. The energy
        /// between the two good reads is not known. Too much: the step is larger than the bound of the meter's power allows.
        case gap(from: MonotonicTime, isTooMuch: Bool)
    }

    /// `nil` where the kernel states none: then any step back is a gap.
    let range: Int64?
    let plausibleMicrowatts: Int64
    /// Energy appears in steps, up to this long after it was used; a step seen right after a read is no implausible power.
    let slackNanoseconds: Int64
    /// A coarse counter moves in steps, whatever little time has passed: twice its resolution, in microjoules.
    let coarseStep: Double

    /// Energy since the first good read, in microjoules.
    private(set) var cumulative: Int64 = 0
    private(set) var lastRaw: Int64 = 0
    private(set) var lastTime: MonotonicTime?
    /// Whether the next value may be of another counter than the last.
    private var isLost = false

    init(meter: MeterDescription) {
        range = meter.rangeMicrojoules.flatMap { $0 > 0 ? $0 : nil }
        plausibleMicrowatts = meter.plausiblePower.microwatts
        coarseStep = 2 * meter.resolution
        slackNanoseconds = max(20_000_000, Int64(saturating: meter.periodSeconds * 2e9))
    }

    /// Its device has gone. What comes back counts from anywhere: near the range's end a new beginning would look like a wrap, and a
    /// higher value like energy.
    mutating func lose() { isLost = true }

    /// - Parameter raw: not negative.
    mutating func step(raw: Int64, at time: MonotonicTime) -> Step {
        guard let before = lastTime else {
            lastRaw = raw
            lastTime = time
            isLost = false
            return .first
        }
        let elapsed = max(0, time - before)
        let previous = lastRaw
        lastRaw = raw
        lastTime = time
        if isLost {
            isLost = false
            return .gap(from: before, isTooMuch: false)
        }
        if let range, mostEnergy(in: elapsed) >= Double(range) - 0.5 { return .gap(from: before, isTooMuch: false) }
        let limit = mostEnergy(in: elapsed.addingSaturated(slackNanoseconds)) + coarseStep
        var delta = raw.subtractingSaturated(previous)
        var wrapped = false
        if delta < 0 {
            guard let range, previous <= range else { return .gap(from: before, isTooMuch: false) }
            delta = delta.addingSaturated(range)
            wrapped = true
        }
        guard delta >= 0, Double(delta) - 0.5 <= limit else { return .gap(from: before, isTooMuch: !wrapped) }
        cumulative = cumulative.addingSaturated(delta)
        return .advanced(wrapped: wrapped)
    }

    /// The largest plausible energy in a time, in microjoules. It is compared to the nearest microjoule, but not rounded:
    /// that is a call into the maths library, at every reading of every account.
    private func mostEnergy(in nanoseconds: Int64) -> Double {
        Double(plausibleMicrowatts) * Double(nanoseconds) / 1e9
    }
}
