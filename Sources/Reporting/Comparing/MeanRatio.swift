import Core
import Glibc

/// The ratio of two means, B / A, and its interval, by the logarithms of the means.
///
/// The interval is B/A · e^(±U) with the half-width U of what `RatioSpread` says that chance does, of the idle baselines, of
/// what is common to each side's runs and of the meters' accuracy; p is how often chance alone would bring a ratio as far from 1.
/// The accuracy of one and the same meter is in both means by the same factor, so it cancels but for what the two shares differ
/// by, and so is an idle baseline that both have; those of different ones add up in quadrature.
struct MeanRatio {
    struct Interval {
        var low: Double
        var high: Double
        var p: Double
    }

    var value: Double
    /// `nil` where nothing is known of how far the values scatter.
    var interval: Interval?

    /// - Returns: `nil` where a mean is not above zero.
    init?(_ a: MeanFigure, _ b: MeanFigure, _ spread: RatioSpread, accuracyIsCommon: Bool) {
        guard a.mean > 0, b.mean > 0 else { return nil }
        value = b.mean / a.mean
        guard let random = spread.uncertainty else { return }
        func relative(_ part: (MeanFigure) -> Double) -> (a: Double, b: Double) { (part(a) / a.mean, part(b) / b.mean) }
        let (accuracy, common) = (relative(\.accuracy), relative(\.common))
        var parts = [
            random, CombinedUncertainty(standard: common.a), CombinedUncertainty(standard: common.b),
        ]
        if accuracyIsCommon {
            parts.append(CombinedUncertainty(standard: abs(accuracy.a - accuracy.b)))
        } else {
            parts += [CombinedUncertainty(standard: accuracy.a), CombinedUncertainty(standard: accuracy.b)]
        }
        if spread.basis == .oneSession {
            let idle = relative(\.idle.standard)
            parts.append(CombinedUncertainty(standard: abs(idle.a - idle.b), degrees: a.idle.degrees))
        } else {
            parts += [a.idle.scaled(by: 1 / a.mean), b.idle.scaled(by: 1 / b.mean)]
        }
        let whole = CombinedUncertainty(parts)
        let (logarithm, width) = (log(value), whole.halfWidth)
        interval = Interval(low: exp(logarithm - width), high: exp(logarithm + width), p: whole.p(of: logarithm))
    }
}
