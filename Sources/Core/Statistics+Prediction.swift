import Glibc

/// Whether a value is one like those before it.
extension Statistics {
    /// Where the next value of a series lies if nothing has changed.
    package struct PredictionInterval: Sendable, Hashable {
        package var mean: Double
        package var halfWidth: Double

        package func holds(_ value: Double) -> Bool { abs(value - mean) <= halfWidth }
    }

    /// Of fewer earlier values the interval is so wide that it holds nearly everything: t is 3.5 of eight and 9.9 of three.
    package static let fewestForPrediction = 8

    /// The two-sided prediction interval of the next one of independent normal values of one mean and deviation, which holds it with the
    /// probability 1 − p: x̄ ± t(p, n − 1) · s · √(1 + 1/n) (G. J. Hahn and W. Q. Meeker, *Statistical Intervals*, Wiley 1991, 4.7).
    ///
    /// s is taken for no less than a thousandth of the mean. Where a coarse meter rounds the scatter away s is 0, and any value would be
    /// outside; and no less of an energy is worth an alarm.
    ///
    /// - Parameters:
    ///   - earlier: the values before, in any order and unit.
    ///   - p: how often chance alone puts the next value outside.
    /// - Returns: `nil` of fewer than `fewestForPrediction` values, and where one of them is no number.
    package static func predictionInterval(after earlier: [Double], exceededWith p: Double = 0.01)
        -> PredictionInterval?
    {
        guard earlier.count >= fewestForPrediction, earlier.allSatisfy(\.isFinite), let mean = mean(earlier),
            let deviation = sampleStandardDeviation(earlier)
        else { return nil }
        let n = Double(earlier.count)
        let s = max(deviation, abs(mean) / 1000)
        let halfWidth = studentT(exceededWith: p, degreesOfFreedom: n - 1) * s * (1 + 1 / n).squareRoot()
        return halfWidth.isFinite ? PredictionInterval(mean: mean, halfWidth: halfWidth) : nil
    }
}
