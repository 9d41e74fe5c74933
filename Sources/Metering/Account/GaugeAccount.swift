import Core

/// The energy of one gauge over one window. An instantaneous gauge is summed by trapezoids between time-stamped samples;
/// one that averages over a time w is a rectangle over (t − w, t], because a trapezoid over averages errs by percents.
struct GaugeAccount {
    private let meter: MeterDescription
    /// No new sample for this long is a gap: 2.5 τ + w, where τ is no shorter than the sampler's own interval. One missed
    /// read is silence for 2 τ; the half more is for a sampler that comes late.
    private let longestSilence: Int64
    private let averaging: Int64

    private var lastTime: MonotonicTime?
    private var lastMicrowatts: Double = 0
    private var beforeLastMicrowatts: Double?
    private var hasFailedSinceGood = false
    private var flags: Set<EnergyFlag> = []

    /// All energy since the first sample, in or out of a window.
    private(set) var lifetimeMicrojoules: Double = 0
    private(set) var lifetimeNanoseconds: Int64 = 0

    private var start: MonotonicTime?
    private var end: MonotonicTime?
    private var microjoules: Double = 0
    private var coveredNanoseconds: Int64 = 0
    private var variance: Double = 0
    private var firstMicrowatts: Double?
    /// The lowest and highest power around an edge that cut an average; the next sample still counts to it.
    private var cutRange: ClosedRange<Double>?
    /// The squared steps from sample to sample, to tell how much the next one may differ.
    private var squaredSteps = 0.0
    private var steps = 0.0

    init(meter: MeterDescription, intervalSeconds: Double) {
        self.meter = meter
        averaging = Int64(saturating: meter.averagingSeconds * 1e9)
        longestSilence = Int64(saturating: 2.5e9 * max(meter.periodSeconds, intervalSeconds)) + averaging
    }

    /// When the last sample was made, if none has failed since.
    var lastGoodTime: MonotonicTime? { hasFailedSinceGood ? nil : lastTime }

    /// The last good sample, from which the next piece of energy begins.
    var lastSample: (time: MonotonicTime, power: Power)? {
        lastTime.map { ($0, Power(microwatts: Int64(saturating: lastMicrowatts))) }
    }

    /// Whether a sample at or after the end has come, so that the last piece is whole.
    var isSettled: Bool {
        guard let lastTime, let end else { return false }
        return lastTime >= end
    }

    /// A reading came that cannot be; it counts as one that failed.
    mutating func noteImplausible() {
        if start != nil, end == nil { flags.insert(.implausible) }
    }

    mutating func fail() {
        hasFailedSinceGood = true
    }

    mutating func record(microwatts: Int64, at time: MonotonicTime) {
        let power = Double(max(0, microwatts))
        if let range = cutRange {
            variance += cutVariance(min(range.lowerBound, power)...max(range.upperBound, power))
            cutRange = nil
        }
        defer {
            beforeLastMicrowatts = lastTime == nil ? nil : lastMicrowatts
            lastTime = time
            lastMicrowatts = power
            hasFailedSinceGood = false
            if firstMicrowatts == nil, start != nil { firstMicrowatts = power }
        }
        guard let lastTime else {
            add(from: time.advanced(byNanoseconds: -averaging), to: time, power, power, stepVariance: false)
            return
        }
        let silence = time - lastTime
        if silence > longestSilence {
            add(
                from: max(lastTime, time.advanced(byNanoseconds: -averaging)), to: time, power, power,
                stepVariance: false)
            return
        }
        squaredSteps += (power - lastMicrowatts) * (power - lastMicrowatts)
        steps += 1
        if hasFailedSinceGood, start != nil { flags.insert(.bridged) }
        if averaging > 0 {
            add(from: lastTime, to: time, power, power, stepVariance: true)
        } else {
            add(from: lastTime, to: time, lastMicrowatts, power, stepVariance: true)
        }
    }

    mutating func open(at time: MonotonicTime) {
        start = time
    }

    mutating func close(at time: MonotonicTime) {
        end = time
    }

    /// Adds the part of a piece that lies in the window; its power goes from `p0` to `p1`.
    private mutating func add(
        from a: MonotonicTime, to b: MonotonicTime, _ p0: Double, _ p1: Double, stepVariance: Bool
    ) {
        guard b > a else { return }
        lifetimeMicrojoules += (p0 + p1) / 2 * Double(b - a) / 1e9
        lifetimeNanoseconds += b - a
        guard let start else { return }
        let from = max(a, start)
        let to = end.map { min(b, $0) } ?? b
        guard to > from else { return }
        let length = Double(b - a)
        let at = { (t: MonotonicTime) in p0 + (p1 - p0) * Double(t - a) / length }
        let seconds = to.seconds(since: from)
        microjoules += (at(from) + at(to)) / 2 * seconds
        coveredNanoseconds += to - from
        guard stepVariance else { return }
        if averaging == 0 {
            // Power that steps somewhere between two samples is wrong by the step times up to half their distance.
            let step = (p0 - p1) * length / 1e9
            variance += step * step / 12
        } else if from > a || to < b {
            // Of averages only those that an edge cuts are uncertain: where in their time the power was spent, the
            // neighbours tell at best.
            let around = [p1, lastMicrowatts, beforeLastMicrowatts ?? lastMicrowatts]
            cutRange = (around.min() ?? p1)...(around.max() ?? p1)
        }
    }

    /// The step may be anywhere in the time that the average spans, and the average is itself up to its time old: a
    /// triangle over ± w, whose variance is w²/6. Where the neighbours do not differ a step may still hide in the next
    /// average, and is taken to be as large as steps have been.
    private func cutVariance(_ range: ClosedRange<Double>) -> Double {
        let range = range.upperBound - range.lowerBound
        let usual = steps > 0 ? squaredSteps / steps : 0
        return max(range * range, usual) * meter.averagingSeconds * meter.averagingSeconds / 6
    }

    func result() -> AccountResult {
        guard let start, let end, end > start else { return .empty }
        let window = Window(start: start, end: end)
        var flags = flags
        var (microjoules, coveredNanoseconds, variance) = (microjoules, coveredNanoseconds, variance)
        // A slow meter whose next value did not come in time: the last one holds for as long as it would have.
        if let lastTime, lastTime < end, !hasFailedSinceGood, end - lastTime <= longestSilence {
            let held = end - max(lastTime, start)
            let energy = lastMicrowatts * Double(held) / 1e9
            let step = (lastMicrowatts - (beforeLastMicrowatts ?? 0)) * Double(held) / 1e9
            microjoules += energy
            coveredNanoseconds += held
            variance += step * step / 3
            flags.insert(.staleEdges)
        }
        let coverage = min(1, Double(coveredNanoseconds) / Double(end - start))
        if coverage < 1 - 1e-9 { flags.insert(.gap) }
        if hasFailedSinceGood, (lastTime ?? start) < end { flags.insert(.vanished) }
        // The gauge lags by up to its period: the window is seen shifted, which counts where the edges differ in power.
        let shift = (lastMicrowatts - (firstMicrowatts ?? lastMicrowatts)) * meter.periodSeconds
        // The resolution is the same rounding for all samples of a steady power.
        let rounding = meter.resolution * window.durationSeconds
        variance += shift * shift / 3 + rounding * rounding / 12
        if let range = cutRange { variance += cutVariance(range) }
        let shortest = 10 * max(meter.periodSeconds, meter.averagingSeconds)
        // Nothing, of what may rest, is resolved.
        let isAtRest = microjoules == 0 && meter.mayStand(at: 0)
        let least = isAtRest ? 0 : 20 * meter.resolution * window.durationSeconds
        if window.durationSeconds < shortest || microjoules < least {
            flags.insert(.unresolved)
        }
        return AccountResult(microjoules: microjoules, edgeVariance: variance, coverage: coverage, flags: flags)
    }
}
