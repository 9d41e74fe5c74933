import Accounting
import Core
import Metering
import Recording
import Reporting
import Running
package import TestSupport

/// What one row of the table said, and what was true.
package struct CoverageDraw: Sendable {
    /// Relative to the truth.
    package var error: Double
    /// The half-width of the stated interval, relative to the truth; `nil` where none was stated.
    package var interval: Double?
    /// The half-width that the spread alone makes.
    package var random: Double
    /// Whether the table says that the repeats drift.
    package var isDrifting: Bool
}

extension CoverageCell {
    /// Watts before a window and in it.
    static let (before, inside) = (50.0, 120.0)

    /// Measures the sessions of one row on an injected clock, by the real sampler, account and statistics.
    package func draw(_ random: inout SeededRandom) -> CoverageDraw? {
        var figures: [MeasuredWindow] = []
        var sessionMean = 0.0
        // A steady power lies anywhere between two steps of a meter that rounds.
        let before = Self.before + rounding * Double.random(in: -0.5..<0.5, using: &random)
        let inside = Self.inside + rounding * Double.random(in: -0.5..<0.5, using: &random)
        for session in 0..<sessions {
            let effect = between * random.normal()
            sessionMean += effect / Double(sessions)
            guard let measured = measure(before, inside * (1 + effect), &random) else { return nil }
            for window in measured.windows {
                figures.append(
                    MeasuredWindow(
                        Int64(figures.count), session: "session \(session)", window, idle: measured.idle,
                        inferences: 1000))
            }
        }
        // Of one session the interval is said to be that within it.
        let isWithin = sessions == 1
        let power = inside * (1 + (isWithin ? sessionMean : 0)) - (idle == nil ? 0 : before)
        let truth = power * periods * period / 3.6e6
        guard let row = RowMean(of: figures, net: idle != nil) else { return nil }
        let doubts = Statistics.doubts(of: figures.map { $0.total.energy.joules })
        return CoverageDraw(
            error: row.mean / truth - 1, interval: row.interval.map { $0 / truth }, random: row.random / truth,
            isDrifting: doubts.contains(.drift))
    }

    private func measure(
        _ before: Double, _ inside: Double, _ random: inout SeededRandom
    ) -> (windows: [WindowEnergy], idle: IdlePower?)? {
        let clock = BenchClock(start: 1000 + Double.random(in: 0..<1, using: &random))
        let power = SimulatedPower()
        power.change(at: 0, to: before)
        let (phase, polls) = (
            Double.random(in: 0..<period, using: &random), Double.random(in: 0..<period, using: &random)
        )
        let (cell, isAverage) = (self, device == .average)
        let listing = MeterListing(
            description: MeterDescription(
                id: "simulated/meter", name: "meter", scope: .wall, kind: device.isCounter ? .counter : .gauge,
                provenance: .measured, source: "simulated", periodSeconds: period,
                averagingSeconds: isAverage ? period : 0, resolution: device.isCounter ? 1 : max(1, rounding * 1e6),
                plausiblePower: Power(watts: 20_000), silicon: "meter"),
            availability: .available
        ) { SimulatedReader(cell, power, clock, phase: phase, polls: polls) }
        guard let session = try? MeteringSession(listings: [listing], intervalSeconds: 0.1, clock: clock),
            let selection = try? TotalSelection(meters: session.meters)
        else { return nil }
        run(session, clock, seconds: 4 * period + Double.random(in: 0..<period, using: &random))
        var baseline: IdlePower?
        if let idle {
            baseline = measure(idle, before, session, clock, selection, on: power, &random)
            if baseline == nil { return nil }
        }
        var windows: [WindowEnergy] = []
        var deviation = 0.0
        for index in 0..<repeats {
            deviation = noise.deviation(after: deviation, index, of: repeats, &random)
            // As between repeats: some time for the plugin, and the random wait of the method.
            let longest = session.meters[0].randomWait
            let wait = longest > 0 ? Double.random(in: 0..<longest, using: &random) : 0
            run(session, clock, seconds: 0.2 + wait)
            let id = session.openWindow()
            let start = clock.seconds
            let watts = inside * (1 + deviation)
            draws(watts, from: start, on: power, &random)
            run(session, clock, seconds: periods * period)
            power.change(at: clock.seconds, to: before)
            guard let energy = session.closeWindow(id, selection: selection) else { return nil }
            windows.append(energy)
        }
        return (windows, baseline)
    }

    /// The idle baseline, in blocks as the method measures it.
    private func measure(
        _ idle: SimulatedIdle, _ before: Double, _ session: MeteringSession, _ clock: BenchClock,
        _ selection: TotalSelection, on power: SimulatedPower, _ random: inout SeededRandom
    ) -> IdlePower? {
        let lengths = IdlePower.blocks(of: idle.seconds, meters: session.meters)
        let whole = session.openWindow()
        var (deviation, blocks) = (0.0, [WindowEnergy]())
        let start = clock.seconds
        // A block of a slow meter ends late, when its edge has settled.
        for second in 0..<Int(idle.seconds + Double(lengths.count) * (period + 1)) {
            deviation = idle.noise.deviation(after: deviation, second, of: Int(idle.seconds), &random)
            power.change(at: start + Double(second), to: before * (1 + deviation))
        }
        for seconds in lengths {
            let block = session.openWindow()
            run(session, clock, seconds: seconds)
            guard let energy = session.closeWindow(block, selection: selection) else { return nil }
            blocks.append(energy)
        }
        power.change(at: clock.seconds, to: before)
        return session.closeWindow(whole, selection: selection).flatMap { whole in
            IdleBaseline(whole: whole, blocks: blocks, meters: session.meters)?.idle
        }
    }

    /// The power of a window, all of whose steps are known before it begins.
    private func draws(_ watts: Double, from start: Double, on power: SimulatedPower, _ random: inout SeededRandom) {
        var burst = 0.0
        if case .bursts(let size) = noise { burst = size }
        guard ripple > 0 || burst > 0 else { return power.change(at: start, to: watts) }
        let count = Int((periods * 3).rounded())
        for step in 0..<count {
            // The mean of what is to be found holds the bursts too.
            let extra = (Double.random(in: 0..<1, using: &random) < 0.1 ? burst : 0) - 0.1 * burst
            power.change(
                at: start + Double(step) * period / 3, to: watts * (1 + extra + ripple * random.normal()))
        }
    }

    /// The sampler's loop.
    private func run(_ session: MeteringSession, _ clock: BenchClock, seconds: Double) {
        let end = MonotonicTime(seconds: clock.seconds + seconds)
        while clock.seconds < end.seconds {
            guard let next = session.tick() else { return }
            clock.sleep(until: min(next, end))
        }
    }
}
