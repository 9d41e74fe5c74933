import Core
import Metering
import Recording
import Reporting
package import TestSupport

/// What one row of the table said, and what was true.
package struct CoverageDraw: Sendable {
    /// Relative to the truth.
    package var error: Double
    /// The half-width of the stated interval, relative to the truth; `nil` where none was stated.
    package var interval: Double?
    /// The half-width that the spread alone makes.
    package var random: Double
}

extension CoverageCell {
    /// Watts before a window and in it.
    static let (before, inside) = (50.0, 120.0)

    /// Measures the sessions of one row on an injected clock, by the real sampler, account and statistics.
    package func draw(_ random: inout SeededRandom) -> CoverageDraw? {
        var figures: [WindowFigures] = []
        var sessionMean = 0.0
        // A steady power lies anywhere between two steps of a meter that rounds.
        let inside = Self.inside + rounding * Double.random(in: -0.5..<0.5, using: &random)
        for session in 0..<sessions {
            let effect = between * random.normal()
            sessionMean += effect / Double(sessions)
            guard let windows = measure(inside, effect, &random) else { return nil }
            for window in windows {
                figures.append(
                    WindowFigures(Int64(figures.count), session: "session \(session)", window, inferences: 1000))
            }
        }
        // Of one session the interval is said to be that within it.
        let isWithin = sessions == 1
        let truth = inside * (1 + (isWithin ? sessionMean : 0)) * periods * period / 3.6e6
        guard let row = RowMean(of: figures) else { return nil }
        return CoverageDraw(
            error: row.mean / truth - 1, interval: row.interval.map { $0 / truth }, random: row.random / truth)
    }

    private func measure(_ inside: Double, _ effect: Double, _ random: inout SeededRandom) -> [WindowEnergy]? {
        let clock = BenchClock(start: 1000 + Double.random(in: 0..<1, using: &random))
        let power = SimulatedPower()
        power.change(at: 0, to: Self.before)
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
        var windows: [WindowEnergy] = []
        var deviation = 0.0
        for index in 0..<repeats {
            deviation = next(deviation, index, &random)
            // As between repeats: some time for the plugin, and the random wait of the method.
            let longest = session.meters[0].randomWait
            let wait = longest > 0 ? Double.random(in: 0..<longest, using: &random) : 0
            run(session, clock, seconds: 0.2 + wait)
            let id = session.openWindow()
            let start = clock.seconds
            let watts = inside * (1 + effect) * (1 + deviation)
            draws(watts, from: start, on: power, &random)
            run(session, clock, seconds: periods * period)
            power.change(at: clock.seconds, to: Self.before)
            guard let energy = session.closeWindow(id, selection: selection) else { return nil }
            windows.append(energy)
        }
        return windows
    }

    /// The relative deviation of the next repeat.
    private func next(_ last: Double, _ index: Int, _ random: inout SeededRandom) -> Double {
        switch noise {
        case .white(let deviation): deviation * random.normal()
        case .autocorrelated(let deviation, let rho):
            index == 0
                ? deviation * random.normal() : rho * last + (1 - rho * rho).squareRoot() * deviation * random.normal()
        case .bursts: 0.005 * random.normal()
        case .drift(let size): size * (Double(index) - Double(repeats - 1) / 2) + 0.01 * random.normal()
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
