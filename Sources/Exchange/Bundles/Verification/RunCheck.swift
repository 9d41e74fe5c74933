import Core

/// One run of a bundle against its samples.
struct RunCheck {
    private(set) var result: Verification.Run
    /// The record with the energies that follow from the samples.
    private(set) var recomputed: RunRecord
    /// The share of the total's energy that the samples leave open.
    private(set) var relativeDoubt = 0.0

    /// - Parameters:
    ///   - number: the line of the run, from 1.
    ///   - descriptions: of the suite's meters, by their ids; one that was described differently at different times is there as often.
    init(
        _ run: RunRecord, number: Int, descriptions: [String: [MeterDescription]], samples: RunSamples,
        idle: IdleWindows
    ) {
        recomputed = run
        result = Verification.Run(
            number: number, stage: run.stage, task: run.workload?.task, model: run.workload?.model,
            repeatIndex: run.repeatIndex, status: run.status, recorded: run.energy.total.energy, recomputed: nil,
            allowed: nil, hasEdges: true, findings: [])
        // What failed is in no table, and has no window.
        guard run.status == .completed else { return }
        var series: [String: MeterSeries] = [:]
        for domain in run.energy.domains {
            guard let meter = Self.description(of: domain, in: descriptions[domain.id] ?? []) else {
                result.findings.append(.failed(.figures, "\(domain.id) is not among the meters of the bundle"))
                continue
            }
            series[domain.id] = MeterSeries(
                meter: meter, window: run.energy.window, intervalSeconds: run.energy.intervalSeconds,
                samples: samples.meters[domain.id] ?? MeterSamples())
        }
        for id in samples.strangers.sorted() {
            result.findings.append(.failed(.figures, "there are samples of \(id), and no energy of it"))
        }
        checkEnergies(run, series)
        result.findings += FigureCheck.findings(run, series.mapValues(\.meter))
        result.findings += ConditionCheck.findings(run, series.mapValues(\.meter), offsets: samples.offsets)
        checkIdle(run, series, idle)
    }

    /// The description whose accuracy is the domain's; else the last.
    private static func description(of domain: DomainEnergy, in all: [MeterDescription]) -> MeterDescription? {
        all.last { FigureCheck.accuracy(of: domain, by: $0) == nil } ?? all.last
    }

    // MARK: Energies

    private mutating func checkEnergies(_ run: RunRecord, _ series: [String: MeterSeries]) {
        var allowed: [String: Double] = [:]
        for (index, domain) in run.energy.domains.enumerated() {
            guard let own = series[domain.id] else { continue }
            guard let energies = own.energies(run.energy.window, recorded: domain.energy) else {
                // A meter that never answered has neither samples nor energy. A window of a moment may lie between two
                // samples, and no figure comes of it.
                let isMoment =
                    run.stage != .query && run.energy.window.end - run.energy.window.start < own.longestStretch
                if domain.coverage > 0 {
                    let text = "\(domain.id): there are no samples of it, so its energy cannot be checked"
                    result.findings.append(isMoment ? .warned(.samples, text) : .failed(.samples, text))
                }
                continue
            }
            result.findings += own.findings(coverage: domain.coverage)
            let energy = Energy(microjoules: Int64(saturating: energies.energy))
            // Without the edges the stated interval counts, but not however wide it was made.
            let stated = energies.hasEdges ? 0 : min(Double(domain.uncertainty.microjoules), 0.05 * energies.energy)
            allowed[domain.id] = max(energies.allowed, stated)
            if let wide = FigureCheck.wideInterval(of: domain, own) { result.findings.append(wide) }
            let difference = Double((domain.energy - energy).microjoules)
            if abs(difference) > max(energies.allowed, stated) {
                result.findings.append(
                    .failed(
                        .energy,
                        "\(domain.id): \(domain.energy.joules) J recorded, and \(energy.joules) J by the samples "
                            + "(± \(FigureText.short(max(energies.allowed, stated) / 1e6, digits: 2)) J)"))
            }
            if let second = own.roughly(run.energy.window), domain.coverage >= 1 - 1e-9,
                abs(Double(domain.energy.microjoules) - second.energy) > second.allowed
            {
                result.findings.append(
                    .failed(
                        .energy,
                        "\(domain.id): \(domain.energy.joules) J recorded, and about \(FigureText.short(second.energy / 1e6, digits: 4)) J "
                            + "by what was measured inside the window alone: power from outside is in it"))
            }
            if let coverage = energies.coverage, abs(coverage - domain.coverage) > (energies.hasEdges ? 1e-6 : 0.05) {
                result.findings.append(
                    .failed(.energy, "\(domain.id): its coverage is \(domain.coverage), and \(coverage) by the samples")
                )
            }
            if !energies.hasEdges { result.hasEdges = false }
            recomputed.energy.domains[index].energy = energy
        }
        if !result.hasEdges {
            result.findings.append(
                .warned(
                    .samples,
                    "the readings at the window's edges are not among the samples; the energies are checked by interpolation"
                ))
        }
        recomputed.energy.total = total(run.energy.total)
        recomputed.energy.otherScopes = run.energy.otherScopes.map(total)
        guard run.energy.total.domainIDs.contains(where: { allowed[$0] != nil }) else { return }
        result.recomputed = recomputed.energy.total.energy
        let doubt = run.energy.total.domainIDs.reduce(0.0) { $0 + (allowed[$1] ?? 0) }
        result.allowed = doubt / 1e6
        let energy = Double(recomputed.energy.total.energy.microjoules)
        if energy > 0 { relativeDoubt = doubt / energy }
    }

    /// A total over the recomputed energies.
    private func total(_ total: TotalEnergy) -> TotalEnergy {
        var total = total
        total.energy = recomputed.energy.domains.filter { total.domainIDs.contains($0.id) }
            .reduce(.zero) { $0 + $1.energy }
        return total
    }

    // MARK: Idle power

    private mutating func checkIdle(_ run: RunRecord, _ series: [String: MeterSeries], _ idle: IdleWindows) {
        guard let power = run.idlePower else { return }
        if [.idle, .idleAfter].contains(run.stage) {
            let total = run.energy.total
            let seen = total.seconds(seenOf: run.energy.window.durationSeconds)
            guard let expected = total.energy.over(seen) else { return }
            if abs(Double((power - expected).microwatts)) > 2 + 1e-6 * Double(expected.microwatts) {
                result.findings.append(
                    .failed(.idle, "the idle power is \(power.watts) W, and \(expected.watts) W by the window's energy")
                )
            }
            checkBlocks(run, series)
        } else if let before = idle.before?.idlePower {
            if power != before || run.idlePowerUncertainty != idle.before?.idlePowerUncertainty
                || run.idlePowerRounding != idle.before?.idlePowerRounding
                || run.idlePowerDegreesOfFreedom != idle.before?.idlePowerDegreesOfFreedom
            {
                result.findings.append(
                    .failed(
                        .idle,
                        "the idle power is \(power.watts) W, and the idle window before has \(before.watts) W, or another "
                            + "uncertainty"))
            }
        } else {
            result.findings.append(.failed(.idle, "it has an idle power, and the suite no idle window before it"))
        }
    }

    /// What the blocks of a second that an idle window is measured in make of its uncertainty.
    private mutating func checkBlocks(_ run: RunRecord, _ series: [String: MeterSeries]) {
        let members = run.energy.total.domainIDs.compactMap { series[$0] }
        guard let uncertainty = run.idlePowerUncertainty, members.count == run.energy.total.domainIDs.count,
            run.energy.total.coverage == 1,
            let blocks = members.first(where: { $0.meter.kind == .counter })?.innerWindows(
                most: BundleBounds.standard.blocks),
            blocks.count >= 2
        else { return }
        guard blocks.count <= BundleBounds.standard.blocks else {
            result.findings.append(
                .failed(.idle, "it has more than \(BundleBounds.standard.blocks) blocks, and no idle window is so long")
            )
            return
        }
        let powers = blocks.compactMap { block -> (watts: Double, seconds: Double)? in
            let parts = members.compactMap { $0.energyBetweenEdges(block) }
            guard parts.count == members.count else { return nil }
            let seconds = block.durationSeconds
            return (parts.reduce(0, +) / 1e6 / seconds, seconds)
        }
        guard powers.count == blocks.count,
            // A record from before rounding was in it has the scatter alone.
            let expected = IdlePower(
                power: .zero, blocks: powers, meters: run.idlePowerRounding == nil ? [] : members.map(\.meter)
            ).uncertainty?.watts
        else { return }
        if abs(uncertainty.watts - expected) > 1e-5 + 1e-4 * expected {
            result.findings.append(
                .failed(
                    .idle,
                    "the idle power's standard uncertainty is \(uncertainty.watts) W, and "
                        + "\(FigureText.short(expected, digits: 6)) W by \(powers.count) blocks"))
        }
    }
}
