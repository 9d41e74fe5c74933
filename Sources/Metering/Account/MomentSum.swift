import Core

/// The energy of a gauge that tells the power of a moment, or an average over an unknown time of up to one period.
struct MomentSum {
    /// A sample counts from so many nanoseconds after the window's start: then all of what it tells is of the window.
    private let memory: Int64
    private let longestSilence: Int64

    private var first: (time: MonotonicTime, power: Double)?
    private var last: (time: MonotonicTime, power: Double) = (MonotonicTime(nanoseconds: 0), 0)
    private var found = GaugeSum()
    /// The squared steps from sample to sample, to tell how much the power may differ where no sample is.
    private var squaredSteps = 0.0
    private var steps = 0.0

    init(memory: Int64, longestSilence: Int64) {
        self.memory = memory
        self.longestSilence = longestSilence
    }

    /// - Parameters:
    ///   - time: in the window.
    ///   - seenSince: from when on samples came without a silence.
    mutating func record(_ power: Double, at time: MonotonicTime, start: MonotonicTime, seenSince: MonotonicTime) {
        guard time - start >= memory else { return }
        defer { last = (time, power) }
        guard first != nil else {
            first = (time, power)
            let held = time - max(start, seenSince)
            found.microjoules = power * Double(held) / 1e9
            found.coveredNanoseconds = held
            return
        }
        let length = time - last.time
        guard length > 0, length <= longestSilence else { return }
        let step = power - last.power
        squaredSteps += step * step
        steps += 1
        found.microjoules += (last.power + power) / 2 * Double(length) / 1e9
        found.coveredNanoseconds += length
        // Power that wanders between two samples: each of them may be off what it stands for as much as they differ.
        let doubt = step * Double(length) / 1e9
        found.variance += doubt * doubt / 2
    }

    /// - Returns: `nil` where no sample was certainly made in the window.
    func sum(_ window: Window) -> GaugeSum? {
        guard let first else { return nil }
        var sum = found
        let after = window.end - last.time
        if after <= longestSilence {
            sum.microjoules += last.power * Double(after) / 1e9
            sum.coveredNanoseconds += after
        }
        let usual = steps > 0 ? squaredSteps / steps : 0
        let before = Double(min(first.time - window.start, memory + longestSilence)) / 1e9
        let held = before * before + Double(min(after, longestSilence)) / 1e9 * Double(min(after, longestSilence)) / 1e9
        sum.variance += usual * held / 2
        // What is seen lags by up to three quarters of the memory, which counts where the power drifts.
        let lag = (last.power - first.power) * 0.75 * Double(memory) / 1e9
        sum.variance += lag * lag / 3
        return sum
    }
}
