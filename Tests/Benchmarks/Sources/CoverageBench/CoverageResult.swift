import TestSupport

/// What a cell came to over many draws.
package struct CoverageResult: Sendable {
    package var cell: CoverageCell
    package var draws: Int
    /// The share of the stated intervals that hold the truth; of repeats that drift, of those that hold it or whose table says that
    /// they drift.
    package var coverage: Double
    /// The median of the relative half-widths.
    package var width: Double
    /// The narrowest relative half-width that would hold 95 % of these errors, were it the same for all.
    package var narrowest: Double
    /// The mean relative error.
    package var bias: Double
    /// The median share of the interval that the spread of repeats or sessions makes.
    package var randomShare: Double

    /// One-sided, at 99.9 %.
    private static let quantile = 3.09

    /// Why the cell fails; `nil` where it holds what the method promises.
    package var problem: String? {
        guard let promise = cell.promise else { return nil }
        let n = Double(draws)
        if coverage < promise - Self.quantile * (promise * (1 - promise) / n).squareRoot() {
            return "holds under \(Int(promise * 100)) %"
        }
        // What the drift makes is in the interval, which is wider for it.
        if cell.isDrifting { return nil }
        if randomShare > 0.9, !cell.isCoarse {
            // The width of an interval of few repeats follows t and cannot be compared with one width for all.
            if coverage > 0.98 + Self.quantile * (0.98 * 0.02 / n).squareRoot() { return "holds over 98 %" }
        } else if width > 1.5 * narrowest {
            return "wider than 1.5 × what would hold 95 %"
        }
        return nil
    }

    /// - Parameter seed: the same draws for the same seed.
    package init?(_ cell: CoverageCell, draws: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (errors, widths, shares): ([Double], [Double], [Double]) = ([], [], [])
        var inside = 0
        for _ in 0..<draws {
            guard let draw = cell.draw(&random), let interval = draw.interval else { continue }
            errors.append(draw.error)
            widths.append(interval)
            shares.append(interval > 0 ? draw.random / interval : 1)
            if abs(draw.error) <= interval || cell.isDrifting && draw.isDrifting { inside += 1 }
        }
        guard !errors.isEmpty else { return nil }
        self.cell = cell
        self.draws = errors.count
        coverage = Double(inside) / Double(errors.count)
        width = Self.quantile(0.5, widths)
        narrowest = Self.quantile(0.95, errors.map(abs))
        bias = errors.reduce(0, +) / Double(errors.count)
        randomShare = Self.quantile(0.5, shares)
    }

    private static func quantile(_ share: Double, _ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }
}
