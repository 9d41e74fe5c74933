import Core

/// Relative errors of the sampler's intervals in bins of 0.1 %, so that a percentile costs no memory as samples come.
package struct JitterHistogram: Sendable {
    private var bins = [UInt32](repeating: 0, count: 1001)
    package private(set) var count = 0
    /// Of the errors, for their mean; one that is beyond all measure counts as ten intervals.
    package private(set) var sum = 0.0

    package init() {}

    /// - Parameter error: |actual − nominal| / nominal; a number.
    mutating func add(_ error: Double) {
        bins[Int(saturating: max(0, min(1000, (error * 1000).rounded(.down))))] &+= 1
        count += 1
        sum += max(0, min(10, error))
    }

    /// How many errors were at most this large, a multiple of 0.1 % and less than 1.
    package func count(upTo error: Double) -> Int {
        bins[..<max(0, min(1000, Int(saturating: error * 1000)))].reduce(0) { $0 + Int($1) }
    }

    /// All of both.
    package static func + (a: Self, b: Self) -> Self {
        var sum = a
        for index in sum.bins.indices { sum.bins[index] &+= b.bins[index] }
        sum.count += b.count
        sum.sum += b.sum
        return sum
    }

    /// The upper limit of the bin that the quantile falls in; `nil` with fewer than 20 intervals, which say nothing of
    /// a 95th percentile.
    func quantile(_ q: Double) -> Double? {
        guard count >= 20 else { return nil }
        var seen = 0
        for (index, bin) in bins.enumerated() {
            seen += Int(bin)
            if Double(seen) >= q * Double(count) { return Double(index + 1) / 1000 }
        }
        return 1
    }
}
