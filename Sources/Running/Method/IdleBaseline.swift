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
        let total = whole.total
        let seen = whole.window.durationSeconds * total.coverage
        guard total.coverage > 0.5, seen > 0 else { return nil }
        power = Power(watts: total.energy.joules / seen)
        scope = total.scope
        provenance = total.provenance
        let powers = blocks.compactMap { $0.total.energy.over($0.window.durationSeconds)?.watts }
        if powers.count >= 2 {
            let mean = powers.reduce(0, +) / Double(powers.count)
            let squares = powers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let n = Double(powers.count)
            uncertainty = Power(watts: (squares / (n - 1) / n).squareRoot())
        } else {
            uncertainty = nil
        }
    }

    /// Whether two baselines differ by more than 3 standard uncertainties of the two together.
    package func differs(from other: IdleBaseline) -> Bool {
        let a = uncertainty?.watts ?? 0
        let b = other.uncertainty?.watts ?? 0
        let together = (a * a + b * b).squareRoot()
        return together > 0 && abs(power.watts - other.power.watts) > 3 * together
    }
}
