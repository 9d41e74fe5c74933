import Core

/// A standard uncertainty with its degrees of freedom, made of parts (GUM, JCGM 100:2008, G.4).
struct CombinedUncertainty {
    var standard: Double
    /// Infinite of what has no scatter.
    var degrees: Double
    /// Parts by which the whole is to be no smaller. Welch and Satterthwaite's degrees of freedom are those of the parts'
    /// variances as they came out: where a part of few of them came out small by chance, the others seem to rule, and the
    /// interval is too narrow (three repeats against forty: equal means were called different in 7.6 % of pairs, and with this
    /// in 5.1 %).
    private var least: [Statistics.MeanUncertainty] = []

    init(standard: Double, degrees: Double = .infinity) {
        self.standard = standard
        self.degrees = degrees
    }

    init(_ mean: Statistics.MeanUncertainty) { self.init(standard: mean.standard, degrees: mean.degreesOfFreedom) }

    /// Of independent parts.
    ///
    /// A part that has less than half the degrees of freedom of the rest together is one by which the whole is no smaller.
    init(_ parts: [CombinedUncertainty]) {
        let parts = parts.filter { $0.standard > 0 }
        (standard, degrees) = Self.sum(parts[...])
        for (index, part) in parts.enumerated() {
            least += part.least
            let rest = Self.sum(parts[..<index] + parts[(index + 1)...]).degrees
            if parts.count > 1, 2 * part.degrees < rest {
                least.append(Statistics.MeanUncertainty(standard: part.standard, degreesOfFreedom: part.degrees))
            }
        }
    }

    /// Of parts of which nobody knows how far they go together: they add up, and so do their shares in 1/ν.
    init(together parts: [CombinedUncertainty]) {
        let parts = parts.filter { $0.standard > 0 }
        standard = parts.reduce(0) { $0 + $1.standard }
        let inverse = parts.reduce(0) { $0 + $1.standard / $1.degrees }
        degrees = inverse > 0 ? standard / inverse : .infinity
    }

    private static func sum(_ parts: ArraySlice<CombinedUncertainty>) -> (standard: Double, degrees: Double) {
        let variance = parts.reduce(0.0) { $0 + $1.standard * $1.standard }
        // Of a very small number the fourth power may be none.
        let fourth = parts.reduce(0.0) { sum, part in
            let share = variance > 0 ? part.standard * part.standard / variance : 0
            return sum + share * share / part.degrees
        }
        return (variance.squareRoot(), fourth > 0 ? 1 / fourth : .infinity)
    }

    /// The half-width of the 95 % interval.
    var halfWidth: Double {
        let own = standard > 0 ? Statistics.coverageFactor(degrees) * standard : 0
        return least.reduce(own) { max($0, $1.halfWidth) }
    }

    /// How often chance alone would bring a deviation from zero as large.
    func p(of deviation: Double) -> Double {
        if deviation == 0 { return 1 }
        guard standard > 0 else { return 0 }
        return least.reduce(Statistics.twoSidedP(t: deviation / standard, degreesOfFreedom: degrees)) {
            max($0, Statistics.twoSidedP(t: deviation / $1.standard, degreesOfFreedom: $1.degreesOfFreedom))
        }
    }

    /// The same in another unit.
    func scaled(by factor: Double) -> CombinedUncertainty {
        var scaled = self
        scaled.standard *= factor
        scaled.least = least.map {
            Statistics.MeanUncertainty(standard: $0.standard * factor, degreesOfFreedom: $0.degreesOfFreedom)
        }
        return scaled
    }
}
