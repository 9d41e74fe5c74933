import Glibc

/// The machine's power with no workload on it, and how sure it is.
package struct IdlePower: Sendable, Hashable {
    package var power: Power
    /// The standard uncertainty of the mean: scatter and rounding together; `nil` where a single block tells nothing of it.
    package var uncertainty: Power?
    /// Those of the scatter.
    package var degreesOfFreedom: Double?
    /// The part of the standard uncertainty that the meters' rounding makes, which no number of blocks makes smaller.
    package var rounding: Power

    package init(power: Power, uncertainty: Power?, degreesOfFreedom: Double?, rounding: Power) {
        self.power = power
        self.uncertainty = uncertainty
        self.degreesOfFreedom = degreesOfFreedom
        self.rounding = rounding
    }

    /// From blocks that were measured one after the other.
    ///
    /// - Parameters:
    ///   - power: of the whole window.
    ///   - blocks: the mean power of each in watts, and how long it was.
    ///   - meters: those of the total.
    package init(power: Power, blocks: [(watts: Double, seconds: Double)], meters: [MeterDescription]) {
        let joined = Self.joined(blocks, meters)
        let powers = joined.map(\.watts)
        let scatter = Statistics.uncertaintyOfMean(powers).map {
            let hidden = Self.hiddenVariance(joined.map(\.seconds), meters)
            return Statistics.MeanUncertainty(
                standard: $0.standard * hidden.squareRoot(), degreesOfFreedom: $0.degreesOfFreedom)
        }
        let rounding = Self.rounding(of: meters, powers)
        self.init(
            power: power,
            uncertainty: scatter.map {
                Power(watts: ($0.standard * $0.standard + rounding * rounding).squareRoot())
            }, degreesOfFreedom: scatter?.degreesOfFreedom, rounding: Power(watts: rounding))
    }

    /// How long the blocks are in which a time is measured, in seconds: about one each, or as long as two readings of the slowest meter,
    /// for of such a meter a block ends when its edge has settled, which may take as long as a reading.
    package static func blocks(of seconds: Double, meters: [MeterDescription]) -> [Double] {
        guard seconds > 0 else { return [] }
        let least = 2 * slowest(meters)
        let count = max(1, least > 1 ? (seconds / least).rounded(.down) : seconds.rounded())
        return Array(repeating: seconds / count, count: max(0, Int(count)))
    }

    /// The longest period or averaging time of the meters in seconds.
    private static func slowest(_ meters: [MeterDescription]) -> Double {
        meters.reduce(0) { max($0, $1.periodSeconds, $1.averagingSeconds) }
    }

    /// The powers of the blocks in watts, so many joined to one that it holds two readings of the slowest meter: the same reading seen
    /// twice is no second one. What is left over joins nothing.
    package static func independent(
        _ blocks: [(watts: Double, seconds: Double)], _ meters: [MeterDescription]
    ) -> [Double] { joined(blocks, meters).map(\.watts) }

    private static func joined(
        _ blocks: [(watts: Double, seconds: Double)], _ meters: [MeterDescription]
    ) -> [(watts: Double, seconds: Double)] {
        let least = 2 * slowest(meters)
        var joined: [(watts: Double, seconds: Double)] = []
        var (joules, seconds) = (0.0, 0.0)
        for block in blocks where block.seconds > 0 {
            joules += block.watts * block.seconds
            seconds += block.seconds
            // Blocks of a second are a hair more or less.
            guard seconds > 0.99 * least - 0.05 else { continue }
            joined.append((joules / seconds, seconds))
            (joules, seconds) = (0, 0)
        }
        return joined
    }

    /// By how much the variance of the mean is more than the blocks' scatter says: what a slow counter adds in a step that two blocks
    /// share makes them alike. Of blocks of k steps that is k/(k − 1 + (1 − w)² + w²) where a share w of the first one belongs to the block
    /// before; its mean over all w is about k/(k − 1/3). A gauge's blocks share no reading, for its first ones are not counted.
    private static func hiddenVariance(_ seconds: [Double], _ meters: [MeterDescription]) -> Double {
        let slowest = slowest(meters.filter { $0.kind == .counter })
        // A thousandth of nothing would make figures that are no longer whole.
        guard slowest > 0.01, let mean = Statistics.mean(seconds) else { return 1 }
        let steps = max(1, mean / slowest)
        return steps / (steps - 1 / 3)
    }

    /// The standard uncertainty in watts that gauges' rounding leaves. A change between two neighbouring values alone, which damps
    /// nothing, scatters by up to q/2.
    private static func rounding(of meters: [MeterDescription], _ powers: [Double]) -> Double {
        let deviation = Statistics.sampleStandardDeviation(powers) ?? 0
        let n = Double(powers.count)
        return meters.filter { $0.kind == .gauge }.reduce(0.0) { sum, meter in
            let q = meter.resolution / 1e6
            guard q > 0 else { return sum }
            let noise = n > 1 ? deviation * deviation / (q * q) - n / (n - 1) / 4 : 0
            let rounding = Statistics.roundingUncertainty(step: q, relativeScatter: noise)
            return sum + rounding * rounding
        }.squareRoot()
    }

    /// The degrees of freedom of a baseline of so many seconds in a record that does not say them: it was measured in blocks of about a
    /// second.
    package static func degreesOfOldRecord(seconds: Double) -> Double { max(1, seconds.rounded() - 1) }

    /// The standard uncertainty that the scatter of the blocks makes, in watts.
    package var scatter: Double? {
        guard let u = uncertainty?.watts else { return nil }
        return max(0, u * u - rounding.watts * rounding.watts).squareRoot()
    }

    /// The half-width of the 95 % interval in watts.
    package var halfWidth: Double? {
        guard let scatter, let degreesOfFreedom, let u = uncertainty?.watts else { return nil }
        guard scatter > 0 else { return normalCoverageFactor * u }
        // Welch and Satterthwaite: rounding has no degrees of freedom.
        let ratio = u / scatter
        let factor = Statistics.coverageFactor(ratio * ratio * ratio * ratio * degreesOfFreedom)
        // Which can make the whole narrower than the scatter alone.
        return max(factor * u, Statistics.coverageFactor(degreesOfFreedom) * scatter)
    }

    /// Whether two baselines differ by more than chance makes once in fifty times: the t quantile for 2 % at Welch and
    /// Satterthwaite's degrees of freedom, times the scatter of both, and beyond that what rounding alone can make (half a
    /// resolution each). Where an uncertainty is not known, nothing can be said.
    package func differs(from other: IdlePower) -> Bool {
        guard let a = scatter, let b = other.scatter, let va = degreesOfFreedom, let vb = other.degreesOfFreedom
        else { return false }
        let variance = a * a + b * b
        let rounding = 3.0.squareRoot() * (rounding.watts + other.rounding.watts)
        let chance =
            variance > 0
            ? variance.squareRoot()
                * Statistics.studentT(
                    exceededWith: 0.02,
                    degreesOfFreedom: variance * variance / (a * a * a * a / va + b * b * b * b / vb))
            : 0
        // Powers are kept in whole microwatts.
        return abs(power.watts - other.power.watts) > chance + rounding + 1e-6
    }
}

extension RunRecord {
    /// The idle power that applies to this run, or that this window measured.
    package var idle: IdlePower? {
        get {
            idlePower.map { power in
                IdlePower(
                    power: power, uncertainty: idlePowerUncertainty,
                    degreesOfFreedom: idlePowerDegreesOfFreedom ?? degreesOfOldRecord,
                    rounding: idlePowerRounding ?? .zero)
            }
        }
        set {
            idlePower = newValue?.power
            idlePowerUncertainty = newValue?.uncertainty
            idlePowerDegreesOfFreedom = newValue?.degreesOfFreedom
            idlePowerRounding = newValue?.rounding
        }
    }

    private var degreesOfOldRecord: Double? {
        guard stage == .idle || stage == .idleAfter, idlePowerUncertainty != nil else { return nil }
        return IdlePower.degreesOfOldRecord(seconds: energy.window.durationSeconds)
    }
}
