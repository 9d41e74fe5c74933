import Glibc

/// What is chance, and what is not.
extension Statistics {
    /// Where values lie far off the others, by their places, with their modified z-scores; something is named in 5 % of sets of
    /// normal values, whatever their size.
    ///
    /// M = 0.6745 · (x − median) / MAD, with the median of the absolute deviations from the median (B. Iglewicz and
    /// D. C. Hoaglin, *How to Detect and Handle Outliers*, ASQC 1993, 3.3), against `outlierCut`; their fixed 3.5 names one in
    /// 21 % of normal sets of five and in 39 % of a thousand. Where more than half of the values are the same, and the MAD so
    /// zero, a coarse meter rounds their spread away: then the scale is 1.2533 times the mean absolute deviation, and no less
    /// than the smallest step that is there. Of fewer than five values none is far off: their MAD says too little.
    package static func outliers(_ values: [Double]) -> [(index: Int, score: Double)] {
        guard values.count >= 5, let middle = median(values) else { return [] }
        let deviations = values.map { abs($0 - middle) }
        guard let mad = median(deviations), let meanDeviation = mean(deviations),
            let step = deviations.filter({ $0 > 0 }).min()
        else { return [] }
        let scale = mad > 0 ? mad / 0.6745 : max(1.253314 * meanDeviation, step)
        let cut = outlierCut(values.count)
        return values.enumerated().compactMap { index, value in
            let score = (value - middle) / scale
            return abs(score) > cut ? (index, score) : nil
        }
    }

    /// The modified z-score that the farthest of n normal values exceeds in 5 % of sets.
    ///
    /// Simulated: 200,000 sets of each n up to 50, eight million values of larger ones. Up to 20 as they came out; above, the
    /// normal quantile of Bonferroni's 0.05/n times 1 + (6.2 + 0.9 ln(n/10))/n, which fits them up to 1,000 within 1 % on the
    /// side of naming fewer.
    static func outlierCut(_ n: Int) -> Double {
        guard n >= 5 else { return .infinity }
        if n - 5 < smallCuts.count { return smallCuts[n - 5] }
        let n = Double(n)
        return normalQuantile(exceededWith: 0.05 / n) * (1 + (6.2 + 0.9 * log(n / 10)) / n)
    }

    /// Of 5, 6, … 20 values. With an odd number of them one is the median itself, so the cuts go up and down.
    private static let smallCuts = [
        7.93, 5.56, 5.87, 4.92, 5.10, 4.59, 4.67, 4.39, 4.44, 4.25, 4.29, 4.13, 4.19, 4.07, 4.09, 4.01,
    ]
}
