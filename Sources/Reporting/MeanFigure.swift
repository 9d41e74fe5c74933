import Core
import Recording

/// A mean over runs with its uncertainty, in kWh per 1,000 inferences.
struct MeanFigure {
    var mean: Double
    /// Sample standard deviation of all runs; `nil` of one.
    var std: Double?
    /// The variance of the mean but for the meters' accuracy.
    var variance: Double
    /// Σ u⁴/ν over the parts of the variance: with it, u⁴ / Σ are the effective degrees of freedom.
    var fourth: Double
    /// The half-width of the 95 % interval that the spread of the repeats alone makes.
    var spreadInterval: Double
    /// The standard uncertainty that is common to all runs.
    var accuracy: Double
    /// Whether anything is known of how far off the mean may be: not of a single run whose log states no uncertainty.
    var isKnown: Bool

    /// The mean of exactly these models and datasets: its uncertainty is that of measuring them again.
    ///
    /// The repeats of one model on one dataset are a sample, and the models and datasets themselves are not, so the variance is
    /// that of a stratified mean, Σ (n_g/n)² s_g²/n_g (Cochran, *Sampling Techniques*, 5.3). The spread of the repeats holds
    /// edges and resolution already; where a model has one run only they are its own. What is the same in all repeats joins it:
    /// of net figures the idle baseline, once for each suite that has its own.
    ///
    /// - Parameter baselines: the degrees of freedom of each suite's idle baseline.
    init?(_ runs: [RunFigure], _ baselines: [String: Double]) {
        let values = runs.map(\.kilowattHours)
        guard let mean = Statistics.mean(values) else { return nil }
        self.mean = mean
        std = Statistics.sampleStandardDeviation(values)
        let n = Double(runs.count)
        var (variance, spread, fourth, isKnown) = (0.0, 0.0, 0.0, false)
        for members in Dictionary(grouping: runs, by: { [$0.model, $0.dataset] }).values {
            let weight = Double(members.count) / n
            if let s = Statistics.sampleStandardDeviation(members.map(\.kilowattHours)) {
                let part = weight * weight * s * s / Double(members.count)
                spread += part
                fourth += part * part / Double(members.count - 1)
                isKnown = true
            } else {
                variance += weight * weight * members.map(\.ownVariance).reduce(0, +)
            }
        }
        variance += spread
        spreadInterval = Self.interval(variance: spread, fourth: fourth)
        for (suiteRun, members) in Dictionary(grouping: runs, by: \.window.suiteRun) {
            let idle = members.map(\.idle).reduce(0, +) / n
            variance += idle * idle
            if let degrees = baselines[suiteRun] { fourth += idle * idle * idle * idle / degrees }
        }
        accuracy = runs.map(\.accuracy).reduce(0, +) / n
        self.variance = variance
        self.fourth = fourth
        self.isKnown = isKnown || variance > 0 || accuracy > 0
    }

    /// The half-width of the 95 % interval (GUM, JCGM 100:2008, G.4): the degrees of freedom are Welch and Satterthwaite's;
    /// accuracy has no spread, so it has as many as one likes. Of few repeats that formula can make the whole narrower than the
    /// part that they alone make, because what joins them has so many degrees of freedom; then the part stands.
    var interval: Double {
        max(Self.interval(variance: variance + accuracy * accuracy, fourth: fourth), spreadInterval)
    }

    static func interval(variance: Double, fourth: Double) -> Double {
        guard variance > 0 else { return 0 }
        return coverageFactor(variance * variance / fourth) * variance.squareRoot()
    }

    /// Student's t; above ten million degrees it is the factor of the normal distribution by which single windows are stated.
    static func coverageFactor(_ degrees: Double) -> Double {
        degrees < 1e7 ? Statistics.studentT95(degrees) : normalCoverageFactor
    }
}
