/// Relative errors of the sampler's intervals in bins of 0.1 %, so that a percentile costs no memory as samples come.
struct JitterHistogram {
    private var bins = [UInt32](repeating: 0, count: 1001)
    private var count = 0

    /// - Parameter error: |actual − nominal| / nominal; a number.
    mutating func add(_ error: Double) {
        bins[Int(max(0, min(1000, error * 1000)))] &+= 1
        count += 1
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
