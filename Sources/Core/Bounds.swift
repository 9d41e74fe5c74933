/// What a number from outside may be, wherever it comes in: a plugin's answer, a bundle, an import, a device, the record itself. Each
/// range stands here once, with its reason; the JSON Schemas and the API's document have the same ones, by the keys that the numbers
/// have there.
///
/// The ranges are wide enough for everything that is real, and so narrow that sums and products of what is inside them are numbers:
/// a million windows of the most inferences fit into 64 bits, a mean divides by no number so small that it is infinite.
package enum Bounds {
    // MARK: Times

    /// Seconds of CLOCK_MONOTONIC: no machine has been up for thirty years, and a difference of two such times in nanoseconds fits
    /// into 64 bits nine times.
    package static let monotonicSeconds = 0.0...1e9
    /// Seconds since 1970, until the year 5138: later ones have no date that other programs read.
    package static let unixSeconds = 0.0...1e11
    /// A length of time in seconds: that of a window, a rest, a latency, a period. No longer than a machine is up.
    package static let seconds = 0.0...1e9

    // MARK: Energy and power

    /// Joules: 278 MWh, a megawatt for eleven days. In microjoules a ninth of what fits into 64 bits; sums end there.
    package static let joules = 0.0...1e12
    /// Watts: a data centre has a hundredth of it. A battery that is charged, and noise about zero, are below zero.
    package static let watts = -1e9...1e9
    /// Of what cannot be negative, such as an uncertainty.
    package static let positiveWatts = 0.0...1e9

    // MARK: Counts

    /// Inferences of one window: a million a second for eleven days. Nine million such windows fit into 64 bits.
    package static let inferences = 0...1_000_000_000_000
    /// The number of a repeat, and how often a window was measured again.
    package static let repeats = 0...1_000_000
    /// Inferences that are made at once.
    package static let batch = 1...1_000_000
    /// Inferences that are under way at once.
    package static let concurrency = 1...1_000_000
    /// Weights of a model: a million times the largest of today.
    package static let parameters: ClosedRange<Int64> = 0...1_000_000_000_000_000_000
    /// Operations of one inference; 0 is not known. From one, since a quotient by less is no number; up to what the fastest machine of
    /// today makes in eleven days.
    package static let operations = 1.0...1e24
    /// How often something happened since the machine was started.
    package static let events: ClosedRange<Int64> = 0...1_000_000_000_000_000

    /// The index of a job in its array; Slurm's end at its MaxArraySize, of four million at most.
    package static let jobIndices = 0...1_000_000_000
    /// Nodes of one job.
    package static let nodes = 0...10_000_000

    // MARK: Ratios

    /// A share of a whole, with what rounding leaves.
    package static let share = -1e-9...1.000001
    /// A ratio that may be above one, such as a relative interval or the error of a sampler's intervals.
    package static let ratio = 0.0...1e9
    /// The degrees of freedom of an estimate; above ten million they count as infinite.
    package static let degreesOfFreedom = 0.0...1e12
    /// A figure that a plugin names itself, such as tokens; squares of it are numbers.
    package static let metric = -1e100...1e100

    // MARK: What a machine is like

    /// °C, from absolute zero to where no sensor is whole.
    package static let celsius = -273.15...10_000.0
    /// MHz.
    package static let megahertz = 0.0...1e6
    /// The resolution of a meter in microjoules or microwatts: a kilowatt-hour, or a megawatt.
    package static let resolution = 0.0...3.6e12
    /// The value that a counter wraps at in microjoules.
    package static let counterRange: ClosedRange<Int64> = 0...Int64.max

    // MARK: Texts and lists

    /// A name, an id or a version, in bytes of UTF-8: a path is as long (PATH_MAX).
    package static let nameBytes = 4096
    /// A message for people, such as an error.
    package static let messageBytes = 64 << 10
    /// Meters, flags, metrics or sensors of one window.
    package static let listed = 10_000

    /// The same by the keys that JSON has for them. A key is one thing everywhere, and the schemas are held against this.
    package static let byKey: [String: ClosedRange<Double>] = {
        func whole<Value: BinaryInteger>(_ range: ClosedRange<Value>) -> ClosedRange<Double> {
            Double(range.lowerBound)...Double(range.upperBound)
        }
        let groups: [(ClosedRange<Double>, [String])] = [
            (monotonicSeconds, ["start_monotonic_s", "end_monotonic_s", "monotonic_s"]),
            (unixSeconds, ["started_at_unix_s", "ended_at_unix_s", "wall_unix_s"]),
            (
                seconds,
                [
                    "duration_s", "interval_s", "mean_s", "median_s", "p95_s", "min_s", "max_s", "latencies_s",
                    "needed_s",
                    "inference_s", "period_s", "averaging_s",
                ]
            ),
            (
                joules,
                [
                    "energy_j", "uncertainty_j", "accuracy_standard_uncertainty_j", "common_standard_uncertainty_j",
                    "scaled_energy_j", "outer_energy_j", "outer_accuracy_standard_uncertainty_j",
                    "inner_accuracy_standard_uncertainty_j",
                ]
            ),
            (-joules.upperBound...joules.upperBound, ["residual_j"]),
            (watts, ["power_w", "idle_power_w"]),
            (
                positiveWatts,
                [
                    "idle_power_standard_uncertainty_w", "idle_power_rounding_standard_uncertainty_w",
                    "plausible_power_w",
                ]
            ),
            (whole(inferences), ["completed_inferences", "failed_inferences", "completed", "failed", "count"]),
            (whole(repeats), ["repeat", "repeated_windows"]),
            (whole(batch), ["batch"]),
            (whole(parameters), ["parameter_count"]),
            // Below one there is only zero.
            (0...operations.upperBound, ["operations_per_inference"]),
            (whole(events), ["throttle_count"]),
            (whole(jobIndices), ["array_index"]),
            (whole(nodes), ["node_count"]),
            (share, ["coverage", "other_cpu_share", "steal_share"]),
            (ratio, ["jitter", "relative_interval_95", "relative_accuracy"]),
            (degreesOfFreedom, ["idle_power_degrees_of_freedom"]),
            (metric, ["metrics"]),
            (celsius, ["temperature_c", "temperatures_c"]),
            (megahertz, ["cpu_clock_mean_mhz", "cpu_clock_min_mhz", "cpu_clock_max_mhz", "sm_clock_mhz"]),
            (resolution, ["resolution"]),
        ]
        var keys: [String: ClosedRange<Double>] = [:]
        for (range, names) in groups { for name in names { keys[name] = range } }
        return keys
    }()
}

/// A number or a text from outside that cannot be: one line that names it and what it may be.
package struct OutOfBounds: UserFacingError, Sendable, Hashable {
    /// The key, such as `energy.total.energy_j`.
    package var key: String
    package var reason: String

    package init(key: String, reason: String) {
        self.key = key
        self.reason = reason
    }

    package var userError: UserError { UserError(.usage, "`\(key)` \(reason)") }
}

/// Looks at numbers one after the other, and keeps the first that cannot be.
package struct BoundsCheck: Sendable {
    /// `nil` while all can be.
    package private(set) var problem: OutOfBounds?
    private var path = ""

    package init() {}

    private mutating func fail(_ key: String, _ reason: @autoclosure () -> String) {
        if problem == nil { problem = OutOfBounds(key: path + key, reason: reason()) }
    }

    package mutating func number(_ key: String, _ value: Double?, _ range: ClosedRange<Double>) {
        // Not-a-number is in no range.
        guard let value, !range.contains(value) else { return }
        fail(key, "is \(value), and may be from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))")
    }

    package mutating func count<Value: BinaryInteger>(_ key: String, _ value: Value?, _ range: ClosedRange<Value>) {
        guard let value, !range.contains(value) else { return }
        fail(key, "is \(value), and may be from \(range.lowerBound) to \(range.upperBound)")
    }

    package mutating func energy(_ key: String, _ value: Energy?) { number(key, value?.joules, Bounds.joules) }

    package mutating func text(_ key: String, _ value: String?, most: Int = Bounds.nameBytes) {
        guard let value, value.utf8.count > most else { return }
        fail(key, "has \(value.utf8.count) bytes, and may have \(most)")
    }

    package mutating func list(_ key: String, _ count: Int, most: Int = Bounds.listed) {
        if count > most { fail(key, "has \(count) entries, and may have \(most)") }
    }

    package mutating func rule(_ key: String, _ isKept: Bool, _ reason: String) {
        if !isKept { fail(key, reason) }
    }

    /// What is inside of a value, under its key.
    package mutating func inside(_ key: String, _ body: (inout BoundsCheck) -> Void) {
        guard problem == nil else { return }
        let outer = path
        path += key + "."
        body(&self)
        path = outer
    }

    private static func text(_ limit: Double) -> String { Int64(exactly: limit).map(String.init) ?? "\(limit)" }
}
