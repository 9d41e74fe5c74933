import Core
import Glibc

/// The energy of one gauge over one window, from time-stamped samples that lie inside of it.
///
/// Power steps at a window's edges, so nothing is ever laid across one: a trapezoid from a sample before the start to one after it
/// would take (P₂ − P₁)·τ/6 from every window. A value of the moment counts from when it was certainly *made* inside: a device that
/// refreshes by a clock of its own shows what is up to one period τ old, and averages over an unknown time of up to τ. The first
/// sample that is so old or older holds back to the start, the last one before the end holds on to it. A gauge whose averaging time w
/// is known is a rectangle over (t − w, t], and the reading that an edge cuts is split by what is known of its other side.
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
    // One of the two is used, by the meter's averaging time.
    private var moments: MomentSum
    private var averages: AverageSum
    private var scatter = SampleScatter()

    init(meter: MeterDescription, intervalSeconds: Double) {
        self.meter = meter
        let (period, averaging) = (
            Int64(saturating: meter.periodSeconds * 1e9), Int64(saturating: meter.averagingSeconds * 1e9)
        )
        longestSilence = Int64(saturating: 2.5e9 * max(meter.periodSeconds, intervalSeconds)) + averaging
        // Up to one period old, and an average over up to another.
        moments = MomentSum(memory: 2 * period, longestSilence: longestSilence)
        averages = AverageSum(averaging: averaging, delay: period / 2, longestSilence: longestSilence)
    }

    private var isAverage: Bool { meter.averagingSeconds > 0 }

    /// When the last sample was made, if none has failed since.
    var lastGoodTime: MonotonicTime? { hasFailedSinceGood ? nil : lastTime }

    /// The last good sample.
    var lastSample: (time: MonotonicTime, power: Power)? {
        lastTime.map { ($0, Power(microwatts: Int64(saturating: lastMicrowatts))) }
    }

    /// Whether no further sample would change the result: what was made after the end says nothing of the window, but for the rest
    /// of an average that the end cuts.
    var isSettled: Bool {
        guard isAverage, let end else { return true }
        return averages.isSettled(at: end)
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
        if hasFailedSinceGood, start != nil, isBeforeEnd, !isSilence { flags.insert(.bridged) }
        if isAverage {
            averages.record(power, at: time, isSilence: isSilence, start: start, end: end)
        } else if let start, isBeforeEnd, time >= start {
            moments.record(power, at: time, start: start, seenSince: seenSince ?? time)
        }
        if let start, isBeforeEnd, time >= start { scatter.note(power) }
        hasFailedSinceGood = false
        // A sample of after the end does not stand for what was before.
        if isBeforeEnd || isAverage {
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
    }

    mutating func close(at time: MonotonicTime) {
        end = time
    }

    func result() -> AccountResult {
        guard let start, let end, end > start else { return .empty }
        let window = Window(start: start, end: end)
        var flags = flags
        var sum = isAverage ? averages.sum(window) : moments.sum(window)
        if sum == nil {
            // No sample was certainly made inside: what was known last stands for the window, and resolves nothing.
            sum = heldLast(window)
            flags.formUnion(sum == nil ? [] : [.staleEdges, .unresolved])
        }
        guard let sum else {
            return AccountResult(
                microjoules: 0, edgeVariance: 0, coverage: 0, flags: flags.union([.gap, .unresolved, .vanished]))
        }
        let coverage = min(1, Double(sum.coveredNanoseconds) / Double(end - start))
        if coverage < 1 - 1e-9 { flags.insert(.gap) }
        if let lastTime, end - lastTime > longestSilence { flags.insert(.vanished) }
        let shortest = 10 * max(meter.periodSeconds, meter.averagingSeconds)
        // Nothing, of what may rest, is resolved.
        let isAtRest = sum.microjoules == 0 && meter.mayStand(at: 0)
        let least = isAtRest ? 0 : 20 * meter.resolution * window.durationSeconds
        if window.durationSeconds < shortest || sum.microjoules < least {
            flags.insert(.unresolved)
        }
        let rounding = scatter.roundingUncertainty(resolution: meter.resolution) * window.durationSeconds
        return AccountResult(
            microjoules: sum.microjoules, edgeVariance: sum.variance + rounding * rounding,
            commonVariance: rounding * rounding, coverage: coverage, flags: flags)
    }

    private func heldLast(_ window: Window) -> GaugeSum? {
        guard let lastTime, let seenSince, window.end - lastTime <= longestSilence else { return nil }
        let held = window.end - max(window.start, seenSince)
        guard held > 0 else { return nil }
        let microjoules = lastMicrowatts * Double(held) / 1e9
        // Nobody knows whether it is of this window at all.
        return GaugeSum(microjoules: microjoules, coveredNanoseconds: held, variance: microjoules * microjoules / 3)
    }
}

/// What samples add up to over a window.
struct GaugeSum {
    /// µJ.
    var microjoules = 0.0
    var coveredNanoseconds: Int64 = 0
    /// The variance of what lies between the samples and beyond the outer ones, in µJ².
    var variance = 0.0
}

/// How far the samples of a window lie apart.
struct SampleScatter {
    private var count = 0.0
    private var mean = 0.0
    private var squares = 0.0

    mutating func note(_ power: Double) {
        count += 1
        let difference = power - mean
        mean += difference / count
        squares += difference * (power - mean)
    }

    /// The standard uncertainty of a mean power by the rounding of each sample: q/√12, the same in all samples of a steady power.
    /// Where the power scatters, the rounding averages out: what is left of it for a normal scatter σ is q/(π√2) · exp(−2π²σ²/q²) (the
    /// first term of the Fourier series of a quantizer's error: B. Widrow, I. Kollár, *Quantization Noise*, 2008), and is in the
    /// scatter itself, which is not added a second time.
    func roundingUncertainty(resolution q: Double) -> Double {
        guard q > 0 else { return 0 }
        let steady = q / 12.0.squareRoot()
        guard count >= 3 else { return steady }
        // The scatter of rounded samples holds that of the rounding, q²/12.
        let variance = max(0, squares / (count - 1) - q * q / 12)
        return min(steady, q / (Double.pi * 2.0.squareRoot()) * exp(-2 * Double.pi * Double.pi * variance / (q * q)))
    }
}
