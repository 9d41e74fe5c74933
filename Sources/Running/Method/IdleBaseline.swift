package import Core

/// The machine's power with no workload on it, from a window that was measured in blocks of a second.
package struct IdleBaseline: Sendable, Hashable {
    package var power: Power
    /// The standard uncertainty of the mean, from the scatter of the blocks; `nil` with fewer than two.
    package var uncertainty: Power?
    package var scope: TotalScope
    package var provenance: Provenance

    /// - Returns: `nil` if the window's total was not seen well enough to say anything.
    package init?(whole: WindowEnergy, blocks: [WindowEnergy]) {
        guard let power = Self.power(whole) else { return nil }
        self.power = power
        scope = whole.total.scope
        provenance = whole.total.provenance
        let powers = blocks.compactMap { Self.power($0)?.watts }
        if powers.count >= 2 {
            let mean = powers.reduce(0, +) / Double(powers.count)
            let squares = powers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let n = Double(powers.count)
            uncertainty = Power(watts: (squares / (n - 1) / n).squareRoot())
        } else {
            uncertainty = nil
        }
    }

    /// The mean power over the part of a window that was seen; `nil` if that is less than half of it.
    private static func power(_ window: WindowEnergy) -> Power? {
        let duration = window.window.durationSeconds
        let seen = window.total.seconds(seenOf: duration)
        return seen > 0.5 * duration ? window.total.energy.over(seen) : nil
    }

    /// Whether two baselines differ by more than 3 standard uncertainties of the two together.
    /// Where an uncertainty is not known, nothing can be said.
    package func differs(from other: IdleBaseline) -> Bool {
        guard let a = uncertainty?.watts, let b = other.uncertainty?.watts else { return false }
        return abs(power.watts - other.power.watts) > 3 * (a * a + b * b).squareRoot()
    }
}
