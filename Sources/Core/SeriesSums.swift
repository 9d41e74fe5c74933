/// Count, mean and sum of squared deviations of values: what a mean and a standard deviation need, added to one value at a time and
/// merged without loss (T. F. Chan, G. H. Golub and R. J. LeVeque, *Updating Formulae and a Pairwise Algorithm for Computing Sample
/// Variances*, 1979).
package struct Moments: Sendable, Hashable {
    package var count = 0.0
    package var mean = 0.0
    /// Σ (x − mean)².
    package var squares = 0.0

    package init() {}

    package mutating func add(_ value: Double) {
        count += 1
        let deviation = value - mean
        mean += deviation / count
        squares += deviation * (value - mean)
    }

    package mutating func merge(_ other: Moments) {
        if other.count == 0 { return }
        if count == 0 {
            self = other
            return
        }
        let whole = count + other.count
        let deviation = other.mean - mean
        mean += deviation * (other.count / whole)
        squares += other.squares + deviation * deviation * (count * other.count / whole)
        count = whole
    }

    /// The standard deviation of a sample (n − 1); `nil` of fewer than two values.
    package var deviation: Double? { count > 1 ? (max(0, squares) / (count - 1)).squareRoot() : nil }
}

/// The same of values in their order in time, with what their trend and the correlation of neighbours need. Two series one behind the
/// other make the sums of the whole.
package struct SeriesSums: Sendable, Hashable {
    package var moments = Moments()
    package var least = Double.infinity
    package var most = -Double.infinity
    package var first = 0.0
    package var last = 0.0
    /// Σ (xᵢ − mean) (xᵢ₊₁ − mean).
    package var neighbours = 0.0
    /// Σ (i − (n − 1)/2) (xᵢ − mean).
    package var trend = 0.0

    package init() {}

    package init(_ values: some Sequence<Double>) {
        for value in values { add(value) }
    }

    package var count: Double { moments.count }
    package var mean: Double { moments.mean }

    package mutating func add(_ value: Double) {
        let before = self
        moments.add(value)
        if before.count > 0 {
            neighbours = before.neighbours(around: mean) + (before.last - mean) * (value - mean)
            trend += (before.count + 1) / 2 * (value - mean)
        } else {
            first = value
        }
        last = value
        least = min(least, value)
        most = max(most, value)
    }

    /// The values of another series behind these.
    package mutating func append(_ other: SeriesSums) {
        if other.count == 0 { return }
        if count == 0 {
            self = other
            return
        }
        let before = self
        moments.merge(other.moments)
        neighbours =
            before.neighbours(around: mean) + (before.last - mean) * (other.first - mean)
            + other.neighbours(around: mean)
        // The middles of the two lie half of the whole length apart.
        trend += other.trend + (other.mean - before.mean) * (before.count * other.count / 2)
        last = other.last
        least = min(least, other.least)
        most = max(most, other.most)
    }

    /// Σ (xᵢ − m) (xᵢ₊₁ − m) of another mean, from the deviations of the first and last value: those of all add up to zero.
    private func neighbours(around other: Double) -> Double {
        let shift = other - mean
        return neighbours + shift * ((first - mean) + (last - mean)) + (count - 1) * shift * shift
    }
}
