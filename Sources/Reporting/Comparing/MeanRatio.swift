import Core
import Glibc

/// The ratio of two means, B / A, by Welch's test on the logarithms of the means.
///
/// ln(B/A) has the variance u_A²/A² + u_B²/B² (GUM, JCGM 100:2008, 5.1.6: the relative variances of a quotient add up), with
/// Welch and Satterthwaite's degrees of freedom (G.4.1, in relative terms for a quotient). The interval is B/A · e^(±t·u), and
/// p is how often |T| would be over |ln(B/A)|/u. The accuracy of one and the same meter is in both means by the same factor, so
/// it cancels but for what the two shares differ by; that of different meters adds up.
struct MeanRatio {
    struct Interval {
        var low: Double
        var high: Double
        var p: Double
    }

    var value: Double
    /// `nil` where nothing is known of the uncertainty of a side.
    var interval: Interval?

    /// - Returns: `nil` where a mean is not above zero.
    init?(_ a: MeanFigure, _ b: MeanFigure, accuracyIsCommon: Bool) {
        guard a.mean > 0, b.mean > 0 else { return nil }
        value = b.mean / a.mean
        guard a.isKnown, b.isKnown else { return }
        let (accuracyA, accuracyB) = (a.accuracy / a.mean, b.accuracy / b.mean)
        let difference = accuracyA - accuracyB
        let accuracy = accuracyIsCommon ? difference * difference : accuracyA * accuracyA + accuracyB * accuracyB
        let variance = a.variance / (a.mean * a.mean) + b.variance / (b.mean * b.mean) + accuracy
        let fourth = a.fourth / pow(a.mean, 4) + b.fourth / pow(b.mean, 4)
        let logarithm = log(value)
        guard variance > 0 else {
            interval = Interval(low: value, high: value, p: logarithm == 0 ? 1 : 0)
            return
        }
        let degrees = variance * variance / fourth
        let (u, t) = (variance.squareRoot(), MeanFigure.coverageFactor(degrees))
        interval = Interval(
            low: exp(logarithm - t * u), high: exp(logarithm + t * u),
            p: Statistics.twoSidedP(t: abs(logarithm) / u, degreesOfFreedom: degrees))
    }
}
