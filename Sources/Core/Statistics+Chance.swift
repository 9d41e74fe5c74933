import Glibc

/// What is chance, and what is not.
extension Statistics {
    /// Where values lie far off the others: their modified z-scores, beyond 3.5 either way, by their places.
    ///
    /// M = 0.6745 · (x − median) / MAD, with the median of the absolute deviations from the median; where more than half of the
    /// values are the same, and the MAD so zero, M = (x − median) / (1.2533 · mean absolute deviation). B. Iglewicz and
    /// D. C. Hoaglin, *How to Detect and Handle Outliers*, ASQC 1993, 3.3. Of fewer than five values none is far off: their
    /// MAD says too little.
    package static func outliers(_ values: [Double]) -> [(index: Int, score: Double)] {
        guard values.count >= 5, let middle = median(values) else { return [] }
        let deviations = values.map { abs($0 - middle) }
        guard let mad = median(deviations), let meanDeviation = mean(deviations), meanDeviation > 0 else { return [] }
        let scale = mad > 0 ? mad / 0.6745 : 1.253314 * meanDeviation
        return values.enumerated().compactMap { index, value in
            let score = (value - middle) / scale
            return abs(score) > 3.5 ? (index, score) : nil
        }
    }

    /// P(|T| > t): how often chance alone would bring as much; 0 of infinite t.
    ///
    /// - Parameter degreesOfFreedom: above 0; above ten million they are taken for infinite.
    package static func twoSidedP(t: Double, degreesOfFreedom: Double) -> Double {
        guard t.isFinite, degreesOfFreedom > 0 else { return t.isNaN ? .nan : 0 }
        if degreesOfFreedom > 1e7 { return erfc(abs(t) / 2.0.squareRoot()) }
        return tail(t, degreesOfFreedom)
    }
}
