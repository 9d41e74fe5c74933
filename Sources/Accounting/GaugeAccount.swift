import Core

/// The energy of one gauge over one window, from time-stamped samples that lie inside of it.
///
/// Power steps at a window's edges, so nothing is ever laid across one: a trapezoid from a sample before the start to one after it
/// would take (P₂ − P₁)·τ/6 from every window. A sample counts from when all of what it tells was certainly made inside: a device that
/// refreshes by a clock of its own shows what is up to one period τ old, and it averages over w, or, where that is not known, over up
/// to another τ. The first such sample holds back to the start, the last one before the end holds on to it. In between, values of the
/// moment are summed by trapezoids, and averages are rectangles over the time since the one before.
struct GaugeAccount {
    private let meter: MeterDescription
    /// No new sample for this long is a gap: 2.5 τ + w, where τ is no shorter than the sampler's own interval. One missed
    /// read is silence for 2 τ; the half more is for a sampler that comes late.
    private let longestSilence: Int64

    private var lastTime: MonotonicTime?
    private var lastMicrowatts: Double = 0
    /// From when on samples came without a silence.
    private var seenSince: MonotonicTime?
    private var hasFailedSinceGood = false
    private var flags: Set<EnergyFlag> = []

    /// All energy since the first sample, in or out of a window.
    private(set) var lifetimeMicrojoules: Double = 0
    private(set) var lifetimeNanoseconds: Int64 = 0

    private var start: MonotonicTime?
    private var end: MonotonicTime?
    private var sum: GaugeSum
    /// The last sample before the window.
    private var powerBefore: Double?
    /// The most of the samples in the window that may tell of what was before it, and are not counted.
    private var mostUncounted: Double?
    private var pace = ValuePace()

    init(meter: MeterDescription, intervalSeconds: Double) {
        self.meter = meter
        let (period, averaging) = (
            Int64(saturating: meter.periodSeconds * 1e9), Int64(saturating: meter.averagingSeconds * 1e9)
        )
        longestSilence = Int64(saturating: 2.5e9 * max(meter.periodSeconds, intervalSeconds)) + averaging
        let memory = period + (averaging > 0 ? averaging : period)
        sum = GaugeSum(memory: memory, averaging: averaging, longestSilence: longestSilence)
    }

    /// Only devices that are asked over a network, or as slowly, are watched for how often their values change: a coarse sensor of the
    /// kernel may tell the same for long under a steady load.
    private static let slow = 0.5

    private var isAverage: Bool { meter.averagingSeconds > 0 }

    /// The last good sample.
    var lastSample: (time: MonotonicTime, power: Power)? {
        lastTime.map { ($0, Power(microwatts: Int64(saturating: lastMicrowatts))) }
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
        let isSilence = lastTime.map { time - $0 > longestSilence } ?? true
        noteLifetime(power, at: time, isSilence)
        if isSilence { seenSince = time.advanced(byNanoseconds: -Int64(saturating: meter.averagingSeconds * 1e9)) }
        let isBeforeEnd = end.map { time <= $0 } ?? true
        if isBeforeEnd { pace.note(isSilence ? nil : power != lastMicrowatts, at: time) }
        if hasFailedSinceGood, start != nil, isBeforeEnd, !isSilence { flags.insert(.bridged) }
        if let start, isBeforeEnd, time >= start {
            if !sum.record(power, at: time, start: start, seenSince: seenSince ?? time) {
                mostUncounted = max(mostUncounted ?? power, power)
            }
        }
        hasFailedSinceGood = false
        // A sample of after the end does not stand for what was before.
        if isBeforeEnd {
            lastTime = time
            lastMicrowatts = power
        }
    }

    private mutating func noteLifetime(_ power: Double, at time: MonotonicTime, _ isSilence: Bool) {
        let averaging = Int64(saturating: meter.averagingSeconds * 1e9)
        var from = time.advanced(byNanoseconds: -averaging)
        if let lastTime { from = isSilence ? max(lastTime, from) : lastTime }
        guard time > from else { return }
        let mean = isSilence || isAverage ? power : (lastMicrowatts + power) / 2
        lifetimeMicrojoules += mean * Double(time - from) / 1e9
        lifetimeNanoseconds += time - from
    }

    mutating func open(at time: MonotonicTime) {
        start = time
        powerBefore = lastTime == nil ? nil : lastMicrowatts
    }

    mutating func close(at time: MonotonicTime) {
        end = time
    }

    func result() -> AccountResult {
        guard let start, let end, end > start else { return .empty }
        let window = Window(start: start, end: end)
        var flags = flags
        var found = sum.result(window)
        if found == nil {
            // No sample was certainly made inside: what was known last stands for the window, and resolves nothing.
            found = heldLast(window)
            flags.formUnion(found == nil ? [] : [.staleEdges, .unresolved])
        }
        guard let found else {
            return AccountResult(
                microjoules: 0, edgeVariance: 0, coverage: 0, flags: flags.union([.gap, .unresolved, .vanished]))
        }
        let coverage = min(1, Double(found.coveredNanoseconds) / Double(end - start))
        if coverage < 1 - 1e-9 { flags.insert(.gap) }
        if let lastTime, end - lastTime > longestSilence { flags.insert(.vanished) }
        let shortest = 10 * max(meter.periodSeconds, meter.averagingSeconds)
        // Nothing, of what may rest, is resolved.
        let isAtRest = found.microjoules == 0 && meter.mayStand(at: 0)
        let least = isAtRest ? 0 : 20 * meter.resolution * window.durationSeconds
        if window.durationSeconds < shortest || found.microjoules < least {
            flags.insert(.unresolved)
        }
        let rounding = sum.scatter.roundingUncertainty(resolution: meter.resolution) * window.durationSeconds
        var common = rounding * rounding
        if !isAverage, meter.periodSeconds >= Self.slow, let period = pace.period(over: longestSilence) {
            // It makes new values more seldom than it is said to: what it showed first was of before the window, in each repeat alike.
            let mean = found.microjoules / window.durationSeconds
            let stale = (mean - (powerBefore ?? mean)) * period
            common += stale * stale / 3
            flags.insert(.staleEdges)
            if window.durationSeconds < 10 * period { flags.insert(.unresolved) }
        }
        if let burst = unseenAtStart {
            // As likely as not it was in all of that time, and in each repeat.
            common += burst * burst / 3
            flags.insert(.staleEdges)
        }
        return AccountResult(
            microjoules: found.microjoules, edgeVariance: found.variance + common, commonVariance: common,
            coverage: coverage, flags: flags)
    }

    /// What the samples show that are not counted, beyond the power before the window and that in the rest of it, in microjoules: work
    /// that begins with more, such as a load of a model. `nil` where there is no such thing. What they show less is that of before the
    /// window, as a rule.
    private var unseenAtStart: Double? {
        guard let most = mostUncounted, let counted = sum.most else { return nil }
        let more = most - max(powerBefore ?? counted, counted)
        // A step of what it rounds to is no more.
        return more > meter.resolution ? more * Double(sum.memory) / 1e9 : nil
    }

    private func heldLast(_ window: Window) -> GaugeSum.Result? {
        guard let lastTime, let seenSince, window.end - lastTime <= longestSilence else { return nil }
        let held = window.end - max(window.start, seenSince)
        guard held > 0 else { return nil }
        let microjoules = lastMicrowatts * Double(held) / 1e9
        // Nobody knows whether it is of this window at all.
        return GaugeSum.Result(
            microjoules: microjoules, coveredNanoseconds: held, variance: microjoules * microjoules / 3)
    }
}
