package import Core

/// Power over the time of one workload, thinned out to what a picture can show without losing a peak.
///
/// Samples go through one at a time; what is kept is a fixed number of bins, each with its mean, its minimum and its maximum
/// value.
package struct PowerTrace: Sendable, Hashable, Codable {
    /// One column of the picture.
    package struct Bin: Sendable, Hashable, Codable {
        /// The middle of the times of its values: seconds on CLOCK_MONOTONIC.
        package var time: Double
        package var mean: Double
        package var minimum: Double
        package var maximum: Double

        package init(time: Double, mean: Double, minimum: Double, maximum: Double) {
            self.time = time
            self.mean = mean
            self.minimum = minimum
            self.maximum = maximum
        }

        enum CodingKeys: String, CodingKey {
            case time = "monotonic_s"
            case mean = "mean_w"
            case minimum = "min_w"
            case maximum = "max_w"
        }
    }

    /// One window: a stage, or one repeat of it. Its bins are in the order of time.
    package struct Stretch: Sendable, Hashable, Codable {
        package var run: Int64
        package var stage: RunStage
        package var repeatIndex: Int?
        package var window: Window
        package var bins: [Bin]

        package init(run: Int64, stage: RunStage, repeatIndex: Int?, window: Window, bins: [Bin]) {
            self.run = run
            self.stage = stage
            self.repeatIndex = repeatIndex
            self.window = window
            self.bins = bins
        }

        enum CodingKeys: String, CodingKey {
            case run, stage, window, bins
            case repeatIndex = "repeat"
        }
    }

    package var stretches: [Stretch]

    package init(stretches: [Stretch]) { self.stretches = stretches }

    package var start: Double { stretches.map(\.window.start.seconds).min() ?? 0 }
    package var end: Double { stretches.map(\.window.end.seconds).max() ?? 0 }
    package var maximum: Double? { stretches.flatMap(\.bins).map(\.maximum).max() }
    package var minimum: Double? { stretches.flatMap(\.bins).map(\.minimum).min() }
}

/// Adds up the meters of a total, sample by sample.
package struct PowerAccumulator {
    private let meters: Set<String>
    /// How long a meter's value holds, in seconds: 2.5 τ + w, as the method has it, and two intervals at least.
    private let holds: [String: Double]
    private let interval: Double
    private let width: Double
    private let origin: Double

    private var latest: [String: (time: Double, watts: Double)] = [:]
    /// The meters whose values belong to the sampler's present round.
    private var round: Set<String> = []
    /// Outside of it meters' values are kept, and no sum is.
    package var window: Window?
    private var roundStart = 0.0
    private var bins: [Int: Sum] = [:]

    private struct Sum {
        var time = 0.0
        var watts = 0.0
        var count = 0.0
        var minimum = Double.infinity
        var maximum = -Double.infinity
    }

    /// - Parameters:
    ///   - meters: the ids of those that the total adds up.
    ///   - origin: where the first bin begins, in seconds on CLOCK_MONOTONIC.
    ///   - width: of a bin, in seconds.
    package init(
        meters: [String], descriptions: [MeterDescription], interval: Double, origin: Double, width: Double
    ) {
        self.meters = Set(meters)
        self.interval = max(interval, 1e-6)
        self.origin = origin
        self.width = max(width, 1e-9)
        var holds: [String: Double] = [:]
        for meter in descriptions {
            holds[meter.id] = max(2.5 * meter.periodSeconds + meter.averagingSeconds, 2 * interval)
        }
        self.holds = holds
    }

    /// A slow meter's first value may come after a fast one's, and it held before it was read: so it is told beforehand.
    ///
    /// - Returns: whether all meters of the total have a value.
    package mutating func begin(with sample: Sample) -> Bool {
        if meters.contains(sample.meterID), latest[sample.meterID] == nil, let power = sample.power {
            latest[sample.meterID] = (sample.time.seconds, power.watts)
        }
        return latest.count == meters.count
    }

    package mutating func add(_ sample: Sample) {
        guard meters.contains(sample.meterID), let power = sample.power else { return }
        let time = sample.time.seconds
        // The meters are read one after the other; the next round begins where one comes again, or a while later.
        if round.contains(sample.meterID) || (!round.isEmpty && time - roundStart > interval / 2) { endRound() }
        if round.isEmpty { roundStart = time }
        round.insert(sample.meterID)
        latest[sample.meterID] = (time, power.watts)
    }

    private mutating func endRound() {
        defer { round = [] }
        if let window, roundStart < window.start.seconds || roundStart > window.end.seconds { return }
        var watts = 0.0
        for meter in meters {
            guard let value = latest[meter], abs(roundStart - value.time) <= holds[meter] ?? 2 * interval else {
                return
            }
            watts += value.watts
        }
        let place = ((roundStart - origin) / width).rounded(.down)
        guard place.isFinite, abs(place) < 1e9 else { return }
        var bin = bins[Int(saturating: place)] ?? Sum()
        bin.time += roundStart
        bin.watts += watts
        bin.count += 1
        bin.minimum = min(bin.minimum, watts)
        bin.maximum = max(bin.maximum, watts)
        bins[Int(saturating: place)] = bin
    }

    /// What has come since the last call; meters' values go on holding into the next window.
    package mutating func take() -> [PowerTrace.Bin] {
        if !round.isEmpty { endRound() }
        defer { bins = [:] }
        return bins.sorted { $0.key < $1.key }.map { _, sum in
            PowerTrace.Bin(
                time: sum.time / sum.count, mean: sum.watts / sum.count, minimum: sum.minimum, maximum: sum.maximum)
        }
    }
}
