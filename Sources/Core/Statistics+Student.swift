import Glibc

/// Student's t, and the normal distribution that it becomes.
extension Statistics {
    /// The two-sided 95 % quantile of Student's t: the t that |T| exceeds once in twenty times.
    ///
    /// - Parameter degreesOfFreedom: above 0; need not be whole (Welch–Satterthwaite).
    package static func studentT95(_ degreesOfFreedom: Double) -> Double {
        studentT(exceededWith: 0.05, degreesOfFreedom: degreesOfFreedom)
    }

    /// The t that |T| exceeds with the probability `p`: infinite of no degrees of freedom, a million at most of few.
    package static func studentT(exceededWith p: Double, degreesOfFreedom v: Double) -> Double {
        guard v > 0 else { return .infinity }
        if v > manyDegrees { return normalQuantile(exceededWith: p) }
        let logDensity = lgamma((v + 1) / 2) - lgamma(v / 2) - 0.5 * log(v * .pi)
        // Its tails are the heavier ones, so the normal quantile lies below.
        return quantile(p, from: normalQuantile(exceededWith: p)) { t in
            (tail(t, v), 2 * exp(logDensity - (v + 1) / 2 * log1p(t * t / v)))
        }
    }

    /// The factor of a 95 % interval: Student's t, and where the degrees of freedom are as good as infinite that of the normal
    /// distribution, by which the uncertainties of single windows are stated.
    package static func coverageFactor(_ degreesOfFreedom: Double) -> Double {
        degreesOfFreedom > manyDegrees ? normalCoverageFactor : studentT95(degreesOfFreedom)
    }

    /// The z that |Z| of a normal distribution exceeds with the probability `p`.
    static func normalQuantile(exceededWith p: Double) -> Double {
        quantile(p, from: 0) { z in (erfc(z / 2.0.squareRoot()), (2 / Double.pi).squareRoot() * exp(-z * z / 2)) }
    }

    /// P(|T| > t): how often chance alone would bring as much; 0 of infinite t.
    ///
    /// - Parameter degreesOfFreedom: above 0.
    package static func twoSidedP(t: Double, degreesOfFreedom: Double) -> Double {
        guard t.isFinite, degreesOfFreedom > 0 else { return t.isNaN ? .nan : 0 }
        if degreesOfFreedom > manyDegrees { return erfc(abs(t) / 2.0.squareRoot()) }
        return tail(t, degreesOfFreedom)
    }

    /// Degrees of freedom above this are taken for infinite.
    private static let manyDegrees = 1e7

    /// Newton's method. Two-sided tails are convex, so from below the quantile it comes nearer at each step and never passes it.
    private static func quantile(
        _ p: Double, from start: Double, _ tail: (Double) -> (probability: Double, density: Double)
    ) -> Double {
        var x = start
        for _ in 0..<200 where x < 1e6 {
            let (probability, density) = tail(x)
            let step = (probability - p) / density
            guard step.isFinite else { break }
            x += step
            if step <= 1e-12 * x { break }
        }
        return min(x, 1e6)
    }

    /// P(|T| > t) = I_x(ν/2, 1/2) with x = ν / (ν + t²); Abramowitz and Stegun 26.7.1.
    private static func tail(_ t: Double, _ v: Double) -> Double {
        regularizedIncompleteBeta(v / (v + t * t), v / 2, 0.5)
    }

    /// The continued fraction of Abramowitz and Stegun 26.5.8, evaluated by Lentz's method.
    private static func regularizedIncompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        // The fraction converges where x is below the mean; beyond it the complement is taken.
        if x > (a + 1) / (a + b + 2) { return 1 - regularizedIncompleteBeta(1 - x, b, a) }
        let logBeta: Double = lgamma(a) + lgamma(b) - lgamma(a + b)
        let logPower: Double = a * log(x) + b * log(1 - x)
        let front = exp(logPower - logBeta) / a
        let tiny = 1e-300
        var c = 1.0
        var d = 1 / nonZero(1 - (a + b) * x / (a + 1), tiny)
        var fraction = d
        for m in 1...500 {
            let m = Double(m)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / nonZero(1 + even * d, tiny)
            c = nonZero(1 + even / c, tiny)
            fraction *= d * c
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / nonZero(1 + odd * d, tiny)
            c = nonZero(1 + odd / c, tiny)
            fraction *= d * c
            if abs(d * c - 1) < 1e-14 { break }
        }
        return front * fraction
    }

    private static func nonZero(_ value: Double, _ tiny: Double) -> Double { abs(value) < tiny ? tiny : value }
}
