import Core

/// The conditions under which a run was measured: what a reader must know, and whether the flags say it.
enum ConditionCheck {
    static func findings(
        _ run: RunRecord, _ meters: [String: MeterDescription], offsets: ClosedRange<Double>?
    ) -> [VerificationFinding] {
        flags(run) + conditions(run) + lengths(run, meters) + clock(run, offsets)
    }

    /// The flags that the figures of the record itself call for.
    private static func flags(_ run: RunRecord) -> [VerificationFinding] {
        let energy = run.energy
        let isContended = (run.otherCPUShare ?? 0) > 0.05 || (run.stealShare ?? 0) > 0.01
        let called: [(RunFlag, Bool)] = [
            (.contended, isContended),
            (.unresolved, energy.total.flags.contains(.unresolved)),
            (.lowCoverage, energy.total.coverage < 0.99),
            (.samplerLate, (energy.jitter ?? 0) > 0.2),
            (.metersDisagree, energy.total.flags.contains(.disagrees)),
            (.scopesContradict, energy.reconciliations.contains { $0.verdict == .contradiction }),
            (.suspended, energy.domains.contains { $0.flags.contains(.suspended) }),
            (.unproven, energy.total.flags.contains(.unproven)),
            (.deadMeter, energy.total.flags.contains(.dead)),
            (.incomplete, energy.total.flags.contains(.incomplete)),
        ]
        // The idle drift is told of the suite; what else there is only the runner could see.
        let others = run.flags.filter { flag in flag != .idleDrift && !called.contains { $0.0 == flag } }
        let told = others.map { VerificationFinding.warned(.method, "it is flagged `\($0.rawValue)`") }
        return told
            + called.compactMap { flag, isCalled in
                switch (isCalled, run.flags.contains(flag)) {
                case (true, false): .failed(.flags, "it is not flagged `\(flag.rawValue)`, and its figures call for it")
                case (false, true):
                    .failed(.flags, "it is flagged `\(flag.rawValue)`, and nothing in its figures calls for it")
                default: nil
                }
            }
    }

    private static func conditions(_ run: RunRecord) -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        let coverage = run.energy.total.coverage
        if coverage < 0.99 {
            findings.append(
                .warned(
                    .coverage,
                    "\(FigureText.percent(coverage, digits: 1)) of the window was seen; no figure comes of it"))
        }
        if let other = run.otherCPUShare, other > 0.05 {
            findings.append(
                .warned(.contended, "others used \(FigureText.percent(other, digits: 1)) of the CPU time"))
        }
        if let steal = run.stealShare, steal > 0.01 {
            findings.append(
                .warned(
                    .contended, "the hypervisor stole \(FigureText.percent(steal, digits: 1)) of the CPU time"))
        }
        if let jitter = run.energy.jitter, jitter > 0.2 {
            findings.append(
                .warned(
                    .samplerLate, "the sampler missed its interval by \(FigureText.percent(jitter, digits: 1))"))
        }
        if run.flags.contains(.suspended) || run.energy.domains.contains(where: { $0.flags.contains(.suspended) }) {
            findings.append(.warned(.suspended, "the machine slept in the window; no figure comes of it"))
        }
        if run.energy.domains.contains(where: { $0.flags.contains(.disagrees) }) {
            findings.append(.warned(.meters, "two meters of one thing disagree"))
        }
        for pair in run.energy.reconciliations where pair.verdict == .contradiction {
            findings.append(
                .warned(.meters, "`\(pair.inner.rawValue)` measured more than `\(pair.outer.rawValue)`, which holds it")
            )
        }
        return findings
    }

    /// Ten periods, and twenty resolutions, of each meter of the total; of windows that figures are made of.
    private static func lengths(_ run: RunRecord, _ meters: [String: MeterDescription]) -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        let seconds = run.energy.window.durationSeconds
        for domain in run.energy.domains where domain.inTotal {
            guard let meter = meters[domain.id] else { continue }
            let period = max(meter.periodSeconds, meter.averagingSeconds)
            let least = 20 * meter.resolution * (meter.kind == .gauge ? seconds : 1)
            let isShort = seconds < 10 * period
            let isSmall = Double(domain.energy.microjoules) < least - 1
            if isShort {
                findings.append(
                    .warned(
                        .tooShort,
                        "\(FigureText.short(seconds, digits: 3)) s is under ten times the \(FigureText.short(period, digits: 3)) s of "
                            + domain.id))
            }
            if isSmall {
                findings.append(.warned(.unresolved, "\(domain.id) saw less than 20 times its resolution"))
            }
            if isShort || isSmall {
                if !domain.flags.contains(.unresolved) {
                    findings.append(
                        .failed(.flags, "\(domain.id) is not flagged `unresolved`, and its energy calls for it"))
                }
            } else if domain.flags.contains(.unresolved) {
                findings.append(.warned(.unresolved, "\(domain.id) could not resolve the window"))
            }
        }
        return findings
    }

    /// Every sample has both times; the two clocks go on at one pace, but for the slewing of NTP (500 ppm at most).
    private static func clock(_ run: RunRecord, _ offsets: ClosedRange<Double>?) -> [VerificationFinding] {
        guard let (least, most) = offsets.map({ ($0.lowerBound, $0.upperBound) }) else { return [] }
        var findings: [VerificationFinding] = []
        if most - least > 0.1 + 5e-4 * run.energy.window.durationSeconds {
            findings.append(
                .warned(
                    .clockSkew,
                    "the wall clock moved by \(FigureText.short(most - least, digits: 3)) s against the monotonic one")
            )
        }
        // The wall time was read just before the window began.
        let skew = run.energy.window.start.seconds + least - run.startedAt
        let text = "it says that it began \(FigureText.short(abs(skew), digits: 3)) s from where its samples do"
        if abs(skew) > 60 + most - least {
            findings.append(.failed(.clockSkew, text))
        } else if abs(skew) > 10 + most - least {
            findings.append(.warned(.clockSkew, text))
        }
        return findings
    }
}
