import Core

/// The samples of a gauge that were certainly made inside a window, added up.
struct GaugeSum {
    /// What they come to.
    struct Result {
        /// µJ.
        var microjoules = 0.0
        var coveredNanoseconds: Int64 = 0
        /// The variance of what lies between the samples and beyond the outer ones, in µJ².
        var variance = 0.0
    }

    /// A sample counts from so many nanoseconds after the window's start: then all of what it tells is of the window.
    let memory: Int64
    /// The known averaging time in nanoseconds; 0 of a value of the moment.
    private let averaging: Int64
    private let longestSilence: Int64
    /// No two times are known better than this, in nanoseconds.
    private static let shortest = 50_000.0

    private var first: (time: MonotonicTime, power: Double)?
    private var last: (time: MonotonicTime, power: Double) = (MonotonicTime(nanoseconds: 0), 0)
    private var found = Result()
    /// The squared steps from sample to sample, to tell how much the power may differ where no sample is.
    private var squaredSteps = 0.0
    private var steps = 0.0
    private(set) var scatter = SampleScatter()
    /// The most of the samples.
    private(set) var most: Double?

    init(memory: Int64, averaging: Int64, longestSilence: Int64) {
        self.memory = memory
        self.averaging = averaging
        self.longestSilence = longestSilence
    }

    /// - Parameters:
    ///   - time: in the window.
    ///   - seenSince: from when on samples came without a silence.
    /// - Returns: whether it counts.
    mutating func record(
        _ power: Double, at time: MonotonicTime, start: MonotonicTime, seenSince: MonotonicTime
    ) -> Bool {
        guard time - start >= memory else { return false }
        count(power, at: time, start: start, seenSince: seenSince)
        return true
    }

    private mutating func count(
        _ power: Double, at time: MonotonicTime, start: MonotonicTime, seenSince: MonotonicTime
    ) {
        defer { last = (time, power) }
        scatter.note(power)
        most = max(most ?? power, power)
        guard first != nil else {
            first = (time, power)
            let held = time - max(start, seenSince)
            found.microjoules = power * Double(held) / 1e9
            found.coveredNanoseconds = held
            return
        }
        var length = time - last.time
        let isSilence = length > longestSilence
        // After a silence an average tells of its own time at least.
        if isSilence { length = averaging }
        guard length > 0 else { return }
        let mean = averaging > 0 ? power : (last.power + power) / 2
        found.microjoules += mean * Double(length) / 1e9
        found.coveredNanoseconds += length
        guard !isSilence else { return }
        let step = power - last.power
        squaredSteps += step * step
        steps += 1
        if averaging > 0 {
            // It was read so much earlier or later than its averaging time after the one before.
            let doubt = step * max(abs(Double(length - averaging)), Self.shortest) / 1e9
            found.variance += doubt * doubt
        } else {
            // Power that wanders between two samples: each of them may be off what it stands for as much as they differ.
            let doubt = step * Double(length) / 1e9
            found.variance += doubt * doubt / 2
        }
    }

    /// - Returns: `nil` where no sample was certainly made in the window.
    func result(_ window: Window) -> Result? {
        guard let first else { return nil }
        var sum = found
        let after = window.end - last.time
        if after <= longestSilence {
            sum.microjoules += last.power * Double(after) / 1e9
            sum.coveredNanoseconds += after
        }
        let usual = steps > 0 ? squaredSteps / steps : 0
        let before = Double(min(first.time - window.start, memory + longestSilence)) / 1e9
        let beyond = Double(min(after, longestSilence)) / 1e9
        sum.variance += usual * (before * before + beyond * beyond) / 2
        // What is seen lags by up to three quarters of the memory, which counts where the power drifts.
        let lag = (last.power - first.power) * 0.75 * Double(memory) / 1e9
        sum.variance += lag * lag / 3
        return sum
    }
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

    /// What the rounding of each sample to steps of q leaves in their mean.
    func roundingUncertainty(resolution q: Double) -> Double {
        guard q > 0 else { return 0 }
        // The scatter of rounded samples holds that of the rounding, q²/12. Of two it is not known.
        let scatter = count >= 3 ? squares / (count - 1) / (q * q) - 1.0 / 12 : 0
        return Statistics.roundingUncertainty(step: q, relativeScatter: scatter)
    }
}
