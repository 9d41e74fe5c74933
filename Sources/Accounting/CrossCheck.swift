package import Core

/// Several meters of one piece of silicon checked against each other, such as powercap and perf, or a GPU's own library and
/// its hwmon chip.
package enum CrossCheck {
    /// Flags those that differ by more than 2 % and more than their stated uncertainties.
    ///
    /// - Parameter meters: one for each domain, in the same order.
    package static func flag(_ domains: inout [DomainEnergy], meters: [MeterDescription]) {
        let comparable = domains.indices.filter { index in
            let domain = domains[index]
            return domain.provenance != .estimated && domain.coverage >= Thresholds.leastCoverage
                && !domain.flags.contains(.unresolved)
        }
        let groups = Dictionary(grouping: comparable) { Silicon(name: meters[$0].silicon, scope: meters[$0].scope) }
        for group in groups.values where group.count > 1 {
            for (position, first) in group.enumerated() {
                for second in group.dropFirst(position + 1)
                where differ(
                    domains[first], domains[second], haveOneSensor: areOfOneSensor(meters[first], meters[second]))
                    && !isNested(meters[first], meters[second])
                {
                    for index in [first, second] where !domains[index].flags.contains(.disagrees) {
                        domains[index].flags.append(.disagrees)
                    }
                }
            }
        }
    }

    private struct Silicon: Hashable {
        var name: String
        var scope: MeterScope
    }

    /// A part is less than what holds it, and disagrees with nothing by that.
    private static func isNested(_ a: MeterDescription, _ b: MeterDescription) -> Bool {
        a.parentID == b.id || b.parentID == a.id
    }

    /// Whether both read the same sensor by two ways, so that its error is in both alike.
    private static func areOfOneSensor(_ a: MeterDescription, _ b: MeterDescription) -> Bool {
        a.accuracy != nil && a.accuracy == b.accuracy
    }

    private static func differ(_ a: DomainEnergy, _ b: DomainEnergy, haveOneSensor: Bool) -> Bool {
        let difference = abs(a.energy.joules - b.energy.joules)
        let own = normalCoverageFactor * normalCoverageFactor * (a.readingVariance + b.readingVariance)
        let all = a.uncertainty.joules * a.uncertainty.joules + b.uncertainty.joules * b.uncertainty.joules
        return difference > (haveOneSensor ? own : all).squareRoot()
            && difference > Thresholds.meterDisagreement * max(a.energy.joules, b.energy.joules)
    }
}
