import Core

/// What the latencies of a warm-up tell.
enum Settling {
    /// Whether the latency had settled: it had not, where the last three inferences were all faster, or all slower, than
    /// each of the three before them, and the medians of the two threes lie more than 10 % apart.
    ///
    /// Inputs of different lengths scatter without any trend, and that is not what a warm-up is for. Without a trend the two
    /// threes lie apart by chance once in ten times, as 2 of the 20 ways to choose three of six.
    /// - Parameter latencies: in seconds, in order.
    /// - Returns: `nil` of fewer than six latencies.
    static func isSettled(_ latencies: [Double]) -> Bool? {
        guard latencies.count >= 6 else { return nil }
        let last = latencies.suffix(3).sorted()
        let before = latencies.dropLast(3).suffix(3).sorted()
        let overlap = last[0] <= before[2] && before[0] <= last[2]
        return overlap || abs(last[1] - before[1]) <= 0.1 * before[1]
    }

    /// The time of one batch when the warm-up ended: the median of its second half.
    static func finalLatency(_ latencies: [Double]) -> Double? {
        Statistics.median(Array(latencies.suffix((latencies.count + 1) / 2)))
    }
}
