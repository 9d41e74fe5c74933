package import Core

/// What a meter has seen since its session began, and for how long.
package struct MeterTally: Sendable, Hashable, AdditiveArithmetic {
    /// Wraps taken out; of a gauge the integral. Only grows.
    package var energy: Energy
    /// How long the meter was really seen.
    package var seenNanoseconds: Int64
    /// From its first regular reading to its last, seen or not.
    package var elapsedNanoseconds: Int64
    /// Its readings.
    package var scrapes: MeterScrapes

    package init(
        energy: Energy, seenNanoseconds: Int64, elapsedNanoseconds: Int64, scrapes: MeterScrapes = .zero
    ) {
        self.energy = energy
        self.seenNanoseconds = seenNanoseconds
        self.elapsedNanoseconds = elapsedNanoseconds
        self.scrapes = scrapes
    }

    package static let zero = MeterTally(energy: .zero, seenNanoseconds: 0, elapsedNanoseconds: 0)

    package static func + (a: Self, b: Self) -> Self {
        MeterTally(
            energy: a.energy + b.energy, seenNanoseconds: a.seenNanoseconds.addingSaturated(b.seenNanoseconds),
            elapsedNanoseconds: a.elapsedNanoseconds.addingSaturated(b.elapsedNanoseconds),
            scrapes: a.scrapes + b.scrapes)
    }

    package static func - (a: Self, b: Self) -> Self {
        MeterTally(
            energy: a.energy - b.energy, seenNanoseconds: a.seenNanoseconds.subtractingSaturated(b.seenNanoseconds),
            elapsedNanoseconds: a.elapsedNanoseconds.subtractingSaturated(b.elapsedNanoseconds),
            scrapes: a.scrapes - b.scrapes)
    }
}
