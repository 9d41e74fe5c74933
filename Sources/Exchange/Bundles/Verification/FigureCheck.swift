import Core

/// Whether the parts of a record fit each other: what is said twice must be the same twice.
enum FigureCheck {
    static func findings(_ run: RunRecord, _ meters: [String: MeterDescription]) -> [VerificationFinding] {
        var problems: [String] = []
        for domain in run.energy.domains {
            guard let meter = meters[domain.id] else { continue }
            if let problem = accuracy(of: domain, by: meter) { problems.append(problem) }
            problems += description(domain, meter)
        }
        for total in [run.energy.total] + run.energy.otherScopes {
            problems += self.total(total, run, meters)
        }
        problems += counts(run)
        return problems.map { .failed(.figures, $0) } + disagreements(run, meters)
    }

    /// The standard uncertainty by the stated accuracy is a · E / √3, and the interval holds it and the resolution at least.
    static func accuracy(of domain: DomainEnergy, by meter: MeterDescription) -> String? {
        let energy = Double(domain.energy.microjoules)
        let accuracy = (meter.relativeAccuracy ?? 0) * energy / 3.0.squareRoot()
        // The energy was rounded to a microjoule after this was computed.
        if abs(Double(domain.accuracyUncertainty.microjoules) - accuracy) > 2 {
            return "\(domain.id): the uncertainty by its accuracy is \(domain.accuracyUncertainty.joules) J, and "
                + "\(FigureText.short(accuracy / 1e6, digits: 6)) J by its meter"
        }
        let resolution = meter.kind == .counter ? meter.resolution * meter.resolution / 6 : 0
        let least = normalCoverageFactor * (resolution + accuracy * accuracy).squareRoot()
        if Double(domain.uncertainty.microjoules) < least - 4 {
            return
                "\(domain.id): its interval of ± \(domain.uncertainty.joules) J is narrower than its meter's resolution and "
                + "accuracy allow"
        }
        return nil
    }

    /// An interval that is wider than half the energy, what the meter's accuracy makes, and all that could have come in the
    /// time that an edge may be off: it would make any difference look like none.
    static func wideInterval(of domain: DomainEnergy, _ series: MeterSeries) -> VerificationFinding? {
        let meter = series.meter
        let accuracy = normalCoverageFactor * Double(domain.accuracyUncertainty.microjoules)
        // A polled meter is waited for, for 1.5 s.
        let off = 2 * Double(series.interval) / 1e9 + 6 * meter.periodSeconds + 2 * meter.averagingSeconds + 3
        let most =
            accuracy + Double(domain.energy.microjoules) / 2 + series.mostPower * off + 20 * meter.resolution + 4
        guard Double(domain.uncertainty.microjoules) > most else { return nil }
        return .failed(
            .figures,
            "\(domain.id): its interval of ± \(domain.uncertainty.joules) J is wider than any edge could make it")
    }

    private static func description(_ domain: DomainEnergy, _ meter: MeterDescription) -> [String] {
        var problems: [String] = []
        if domain.scope != meter.scope || domain.kind != meter.kind || domain.provenance != meter.provenance {
            problems.append("\(domain.id): scope, kind or provenance is not that of its meter")
        }
        if domain.coverage < 1 - 1e-9, !domain.flags.contains(.gap), !domain.flags.contains(.unresolved) {
            problems.append("\(domain.id): its coverage is \(domain.coverage), and no gap is flagged")
        }
        return problems
    }

    /// Said once more, and not asked of `MeterScope`: what accounting gets wrong is found here.
    private static func isPart(_ scope: MeterScope, of total: TotalScope) -> Bool {
        switch scope {
        case .package, .dram, .accelerator: total == .components
        case .system: total == .system
        case .wall, .battery: total == .wall
        case .core, .uncore, .rail: false
        }
    }

    private static func total(
        _ total: TotalEnergy, _ run: RunRecord, _ meters: [String: MeterDescription]
    ) -> [String] {
        let name = "the total `\(total.scope.rawValue)`"
        let parts = run.energy.domains.filter { total.domainIDs.contains($0.id) }
        guard !parts.isEmpty, parts.count == Set(total.domainIDs).count, parts.count == total.domainIDs.count else {
            // A window whose meters were all gone.
            if total.domainIDs.isEmpty, total.energy == .zero, total.coverage == 0 { return [] }
            return ["\(name) adds up other domains than there are"]
        }
        var problems: [String] = []
        if parts.reduce(Energy.zero, { $0 + $1.energy }) != total.energy {
            problems.append("\(name) is \(total.energy.joules) J, and its domains are another sum")
        }
        if parts.contains(where: { !isPart($0.scope, of: total.scope) }) {
            problems.append("\(name) holds a domain of another scope")
        }
        if parts.map(\.provenance).max(by: { $0.rank < $1.rank }) != total.provenance {
            problems.append("\(name) is called \(total.provenance.rawValue), and its worst domain is not")
        }
        // Of an incomplete total it is less, by the share of the parts that were not read.
        let isIncomplete = total.flags.contains(.incomplete)
        let seen = isIncomplete ? parts.filter { $0.coverage > 0 } : parts
        let least = seen.map(\.coverage).min() ?? 0
        if abs(least - total.coverage) > 1e-9, !isIncomplete || total.coverage > least {
            problems.append("\(name) has the coverage \(total.coverage), and its domains have \(least)")
        }
        if let scaled = total.scaledEnergy {
            // Each domain by its own coverage.
            let expected = parts.reduce(0.0) { $0 + ($1.coverage > 0 ? $1.energy.joules / $1.coverage : .infinity) }
            if !(abs(scaled.joules - expected) <= 2e-6 + 1e-9 * expected) {
                problems.append(
                    "\(name) stands for \(scaled.joules) J, and for \(expected) J by its domains' coverages")
            }
        }
        let common = parts.reduce(0.0) { $0 + $1.commonUncertainty.joules * $1.commonUncertainty.joules }.squareRoot()
        if abs(common - total.commonUncertainty.joules) > 2e-6 + 1e-6 * common
            || parts.contains(where: {
                $0.commonUncertainty.joules * normalCoverageFactor > $0.uncertainty.joules + 4e-6
            })
        {
            problems.append("\(name): what is common to all repeats does not fit its domains' intervals")
        }
        // What no domain shows is that of an accelerator that has none.
        if Set(parts.flatMap(\.flags)) != Set(total.flags).subtracting([.incomplete]) {
            problems.append("\(name) has other flags than its domains")
        }
        if total.scope == run.energy.total.scope,
            run.energy.domains.contains(where: { $0.inTotal != total.domainIDs.contains($0.id) })
        {
            problems.append("\(name) holds other domains than are marked")
        }
        let accuracy = parts.reduce(0.0) { $0 + $1.accuracyUncertainty.joules }
        let edges = parts.reduce(0.0) { sum, part in
            let standard = part.uncertainty.joules / normalCoverageFactor
            let own = standard * standard - part.accuracyUncertainty.joules * part.accuracyUncertainty.joules
            return sum + max(0, own)
        }
        let expected = normalCoverageFactor * (edges + accuracy * accuracy).squareRoot()
        if abs(expected - total.uncertainty.joules) > 2e-6 + 1e-6 * expected {
            problems.append(
                "\(name) has an interval of ± \(total.uncertainty.joules) J, and ± \(FigureText.short(expected, digits: 6)) J by "
                    + "its domains")
        }
        return problems + left(total, parts, run, meters)
    }

    /// Silicon that was measured and is in no part of the total that should hold it.
    private static func left(
        _ total: TotalEnergy, _ parts: [DomainEnergy], _ run: RunRecord, _ meters: [String: MeterDescription]
    ) -> [String] {
        guard total.scope == .components, total.provenance != .estimated else { return [] }
        let counted = Set(parts.compactMap { meters[$0.id]?.silicon })
        return run.energy.domains.filter { domain in
            guard let meter = meters[domain.id] else { return false }
            return isPart(domain.scope, of: .components) && domain.provenance != .estimated
                && !counted.contains(meter.silicon)
        }.map { "\($0.id) was measured and is not in the total `components`" }
    }

    /// One inference after the other cannot take longer than the window.
    private static func counts(_ run: RunRecord) -> [String] {
        guard run.workload?.batch == 1, let latency = run.latency, run.completedInferences > 0 else { return [] }
        let seconds = latency.mean * Double(run.completedInferences)
        let window = run.energy.window.durationSeconds
        if seconds <= (1.01 * window + 0.1) * Double(run.workload?.concurrency ?? 1) { return [] }
        return [
            "\(run.completedInferences) inferences of \(FigureText.short(latency.mean, digits: 3)) s do not fit into "
                + "\(FigureText.short(window, digits: 4)) s"
        ]
    }

    /// Two meters of one piece of silicon that differ by more than 2 % and both intervals are to be flagged.
    private static func disagreements(
        _ run: RunRecord, _ meters: [String: MeterDescription]
    ) -> [VerificationFinding] {
        let comparable = run.energy.domains.filter {
            $0.provenance != .estimated && $0.coverage >= 0.99 && !$0.flags.contains(.unresolved)
        }
        var findings: [VerificationFinding] = []
        for (index, a) in comparable.enumerated() {
            for b in comparable.dropFirst(index + 1) {
                guard let first = meters[a.id], let second = meters[b.id], first.silicon == second.silicon,
                    first.scope == second.scope, first.parentID != second.id, second.parentID != first.id
                else { continue }
                let difference = abs(a.energy.joules - b.energy.joules)
                let interval =
                    (a.uncertainty.joules * a.uncertainty.joules + b.uncertainty.joules * b.uncertainty.joules)
                    .squareRoot()
                guard difference > interval, difference > 0.02 * max(a.energy.joules, b.energy.joules) else { continue }
                if !a.flags.contains(.disagrees) || !b.flags.contains(.disagrees) {
                    findings.append(.failed(.flags, "\(a.id) and \(b.id) disagree, and are not flagged"))
                }
            }
        }
        return findings
    }
}
