/// Two nested scopes of one window side by side: what the outer one measured beyond the inner.
package struct Reconciliation: Sendable, Hashable, Codable {
    package enum Verdict: String, Sendable, Hashable, Codable {
        /// The two agree within their stated uncertainties.
        case explained
        /// The outer one holds more, such as fans, disks and the losses of the power supply.
        case unmetered
        /// The inner one says more than what contains it: one of the two is wrong, or sees something else than it says.
        case contradiction
    }

    package var outer: TotalScope
    package var inner: TotalScope
    /// The outer scope's energy less the inner's.
    package var residual: Energy
    /// The half-width of the residual's 95 % interval, from the stated uncertainties of both.
    package var uncertainty: Energy
    /// The standard uncertainties by the accuracy of each scope's meters, which err alike in every window.
    package var outerAccuracy: Energy
    package var innerAccuracy: Energy
    package var outerEnergy: Energy
    package var verdict: Verdict

    /// - Returns: `nil` where less than 99 % of the window was seen by one of the two, for then they do not compare.
    package init?(outer: TotalEnergy, inner: TotalEnergy) {
        guard outer.isSeen, inner.isSeen else { return nil }
        self.init(
            outer: outer.scope, inner: inner.scope, residual: outer.energy - inner.energy,
            reading: outer.readingVariance + inner.readingVariance, outerAccuracy: outer.accuracyUncertainty,
            innerAccuracy: inner.accuracyUncertainty, outerEnergy: outer.energy)
    }

    /// Several windows together: what the meters of a scope have in common adds up linearly, for a plug that reads 2 % too much
    /// does so in all of them; edges and resolution, which differ from window to window, in quadrature.
    ///
    /// - Parameter parts: of the same two scopes; `nil` of none.
    package init?(sumOf parts: [Reconciliation]) {
        guard let first = parts.first else { return nil }
        func sum(_ energy: (Reconciliation) -> Energy) -> Energy { parts.reduce(.zero) { $0 + energy($1) } }
        self.init(
            outer: first.outer, inner: first.inner, residual: sum(\.residual),
            reading: parts.reduce(0) { $0 + $1.readingVariance }, outerAccuracy: sum(\.outerAccuracy),
            innerAccuracy: sum(\.innerAccuracy), outerEnergy: sum(\.outerEnergy))
    }

    /// - Parameter reading: the variance in J² of what differs from window to window.
    package init(
        outer: TotalScope, inner: TotalScope, residual: Energy, reading: Double, outerAccuracy: Energy,
        innerAccuracy: Energy, outerEnergy: Energy
    ) {
        let common = Self.square(outerAccuracy) + Self.square(innerAccuracy)
        let uncertainty = Energy(joules: normalCoverageFactor * (reading + common).squareRoot())
        self.outer = outer
        self.inner = inner
        self.residual = residual
        self.uncertainty = uncertainty
        self.outerAccuracy = outerAccuracy
        self.innerAccuracy = innerAccuracy
        self.outerEnergy = outerEnergy
        let isWithin = residual <= uncertainty && Energy.zero - residual <= uncertainty
        verdict = isWithin ? .explained : residual > .zero ? .unmetered : .contradiction
    }

    /// In J².
    package var readingVariance: Double {
        let standard = uncertainty.joules / normalCoverageFactor
        return max(0, standard * standard - Self.square(outerAccuracy) - Self.square(innerAccuracy))
    }

    private static func square(_ energy: Energy) -> Double { energy.joules * energy.joules }

    /// The residual as a share of the outer scope's energy; `nil` where that is zero.
    package var share: Double? { outerEnergy > .zero ? residual.joules / outerEnergy.joules : nil }

    enum CodingKeys: String, CodingKey {
        case outer, inner, verdict
        case outerEnergy = "outer_energy_j"
        case residual = "residual_j"
        case uncertainty = "uncertainty_j"
        case outerAccuracy = "outer_accuracy_standard_uncertainty_j"
        case innerAccuracy = "inner_accuracy_standard_uncertainty_j"
    }
}

extension TotalEnergy {
    /// Whether so much was seen that it stands for the whole window; else it is no figure to compare.
    package var isSeen: Bool { coverage >= Thresholds.leastCoverage }

    /// The seconds, of a window's, that its energy is of. The coverage of an incomplete total is a share of parts too, by which no power
    /// is made up for those that were not read.
    package func seconds(seenOf duration: Double) -> Double {
        if coverage <= 0 { return 0 }
        return flags.contains(.incomplete) ? duration : duration / scale
    }
}

extension WindowEnergy {
    /// Each scope that was measured with the next one inside it: wall ⊃ system ⊃ components.
    package var reconciliations: [Reconciliation] { total.reconciliations(with: otherScopes) }
}

extension TotalEnergy {
    /// The same of a total and the others beside it.
    package func reconciliations(with otherScopes: [TotalEnergy]) -> [Reconciliation] {
        let totals = [self] + otherScopes
        let nested = [TotalScope.wall, .system, .components].compactMap { scope in totals.first { $0.scope == scope } }
        return zip(nested, nested.dropFirst()).compactMap { Reconciliation(outer: $0, inner: $1) }
    }
}
