import Glibc

/// The statistics of the table.
package enum Statistics {
    package static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The standard deviation of a sample (n − 1); `nil` of fewer than two values.
    package static func sampleStandardDeviation(_ values: [Double]) -> Double? {
        guard values.count >= 2, let mean = mean(values) else { return nil }
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }

    package static func median(_ values: [Double]) -> Double? {
        let sorted = values.sorted()
        guard let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : min(sorted[middle], last)
    }

    /// The two-sided 95 % quantile of Student's t: the t that |T| exceeds once in twenty times.
    ///
    /// - Parameter degreesOfFreedom: above 0; need not be whole (Welch–Satterthwaite).
    package static func studentT95(_ degreesOfFreedom: Double) -> Double {
        guard degreesOfFreedom > 0 else { return .infinity }
        // The tail shrinks as t grows, so bisection finds the one t whose tail is 5 %.
        var (low, high) = (0.0, 1e6)
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if tail(middle, degreesOfFreedom) > 0.05 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// P(|T| > t) = I_x(ν/2, 1/2) with x = ν / (ν + t²); Abramowitz and Stegun 26.7.1.
    package static func tail(_ t: Double, _ v: Double) -> Double {
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
