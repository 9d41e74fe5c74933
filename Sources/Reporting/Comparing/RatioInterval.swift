/// An interval of a ratio of two means, and what it says.
package struct RatioInterval: Sendable, Hashable, Codable {
    /// The ends of the 95 % interval.
    package var low: Double
    package var high: Double
    /// The probability of a ratio as far from 1 by chance.
    package var p: Double
    /// Whether the interval leaves out 1.
    package var isSignificant: Bool

    enum CodingKeys: String, CodingKey {
        case p
        case low = "low_95"
        case high = "high_95"
        case isSignificant = "significant"
    }

    /// What the repeats alone tell of B / A: as if the meters had no error, or the same factor in both.
    ///
    /// - Parameters:
    ///   - interval: of the repeats alone.
    ///   - whole: the one with the meters' accuracy in it.
    /// - Returns: `nil` where nothing is known of the repeats, and where the accuracy adds nothing: one interval is enough then.
    init?(ofRepeats interval: MeanRatio.Interval?, beside whole: MeanRatio.Interval) {
        guard let interval, interval.high > interval.low,
            whole.high / whole.low > 1.001 * interval.high / interval.low
        else { return nil }
        (low, high, p) = (interval.low, interval.high, interval.p)
        isSignificant = low > 1 || high < 1
    }
}
