import Core
import TestSupport
import Testing

@testable import Accounting
@testable import Metering

/// Power steps at a window's edges, since work begins and ends there: no meter may take a part of what is outside into it, and none
/// may lose a part of what is inside.
@Suite struct EdgeStepTests {
    /// How a device makes the values that it is asked for.
    enum Device: CaseIterable, Sendable {
        /// Refreshes a value by a clock of its own.
        case latched
        /// Measures when it is asked.
        case onRequest
        /// An average over the time since the refresh before.
        case tumbling
        /// An average over the last 0.4 of a period, when it is asked.
        case sliding
        /// A counter that is refreshed by a clock of its own.
        case counter
    }

    /// 50 W, in the window 120 W, and 70 W after it.
    private struct Step {
        var start: Double
        var end: Double

        func energy(_ from: Double, _ to: Double) -> Double {
            func until(_ t: Double) -> Double {
                50 * min(t, start) + 120 * max(0, min(t, end) - start) + 70 * max(0, t - end)
            }
            return until(to) - until(from)
        }

        func reading(_ device: Device, _ period: Double, _ phase: Double, at time: Double) -> Reading {
            let refreshed = ((time - phase) / period).rounded(.down) * period + phase
            func mean(_ to: Double, over span: Double) -> Reading {
                .gauge(microwatts: Int64(energy(to - span, to) / span * 1e6))
            }
            switch device {
            case .latched: return mean(refreshed, over: 1e-6)
            case .onRequest: return mean(time, over: 1e-6)
            case .tumbling: return mean(refreshed, over: period)
            case .sliding: return mean(time, over: 0.4 * period)
            case .counter: return .counter(microjoules: Int64(energy(0, refreshed) * 1e6))
            }
        }
    }

    private func relativeError(
        _ device: Device, period: Double, seconds: Double, _ random: inout SeededRandom
    ) throws -> Double {
        let clock = SimulatedClock(start: 1000 + .random(in: 0..<1, using: &random), seed: random.next())
        let phase = Double.random(in: 0..<period, using: &random)
        let before = 6 * period + .random(in: 0..<period, using: &random)
        let start = Double(clock.peek()) / 1e9 + before
        let step = Step(start: start, end: start + seconds)
        let description = MeterDescription(
            id: "simulated/plug", name: "plug", scope: .wall, kind: device == .counter ? .counter : .gauge,
            provenance: .measured, source: "simulated", periodSeconds: period, resolution: 1,
            plausiblePower: Power(watts: 20_000), silicon: "plug")
        let polls = Double.random(in: 0..<period, using: &random)
        let listing = MeterListing(description: description, availability: .available) {
            MailboxReader(clock, period: period, phase: polls, latency: 0.05) {
                step.reading(device, period, phase, at: $0)
            }
        }
        let energy = try measure([listing], clock: clock, seconds: seconds, before: before)
        #expect(energy.total.coverage == 1)
        return energy.total.energy.joules / (120 * energy.window.durationSeconds) - 1
    }

    /// The trapezoid across the edges made it −1.6 % here, and holding back a value of before the start −2 %.
    @Test(arguments: Device.allCases, [1.0, 5.0]) func aStepAtTheEdgesHasNoBias(_ device: Device, period: Double) throws
    {
        var random = SeededRandom(seed: 16)
        let errors = try (0..<60).map { _ in
            try relativeError(device, period: period, seconds: 12 * period, &random)
        }
        let mean = errors.reduce(0, +) / 60
        #expect(abs(mean) < (device == .counter ? 0.006 : 1e-4), "\(device), \(period) s: \(mean)")
        // Each counter window errs by up to a period at both ends, and no more.
        #expect(errors.allSatisfy { abs($0) < (device == .counter ? 0.11 : 1e-3) })
    }

    /// A device that makes a new value every 5 s and is asked each second, as nobody told: what it shows first is of before the window.
    /// The energy may be off by that, and the interval knows of it.
    @Test func aDeviceThatIsSlowerThanItIsSaidToBeIsUncertain() throws {
        var random = SeededRandom(seed: 17)
        var held = 0
        for trial in 0..<40 {
            let clock = SimulatedClock(start: 1000 + random.uniform(), seed: UInt64(trial + 1))
            let (phase, noise) = (5 * random.uniform(), random.next())
            let begin = Double(clock.peek()) / 1e9 + 20
            let step = Step(start: begin, end: begin + 30)
            let plug = MeterDescription(
                id: "simulated/plug", name: "plug", scope: .wall, kind: .gauge, provenance: .measured,
                source: "simulated",
                periodSeconds: 1, resolution: 1, plausiblePower: Power(watts: 20_000), silicon: "plug")
            let listing = MeterListing(description: plug, availability: .available) {
                MailboxReader(clock, period: 1, latency: 0.05) { time in
                    let refreshed = ((time - phase) / 5).rounded(.down) * 5 + phase
                    var own = SeededRandom(seed: noise &+ UInt64(refreshed))
                    let watts = step.energy(refreshed - 1e-6, refreshed) * 1e6 + own.normal(0, 0.3)
                    return .gauge(microwatts: Int64(watts * 1e6))
                }
            }
            let energy = try measure([listing], clock: clock, seconds: 30, before: 20)
            #expect(energy.total.flags.contains(.staleEdges) && energy.total.flags.contains(.unresolved))
            #expect(energy.total.commonUncertainty.joules > 100)
            let error = energy.total.energy.joules - 120 * energy.window.durationSeconds
            if abs(error) <= energy.total.uncertainty.joules { held += 1 }
        }
        #expect(held >= 36)
    }

    /// Work that begins with a burst, as a program does that loads a model first: 190 W in the first 1.8 of 12 s. A plug of one second
    /// cannot tell it from what was before the window, and its interval says so.
    @Test(arguments: [Device.latched, .onRequest]) func aBurstAtTheStartIsInTheInterval(_ device: Device)
        throws
    {
        var random = SeededRandom(seed: 18)
        var held = 0
        for _ in 0..<40 {
            let clock = SimulatedClock(start: 1000 + random.uniform(), seed: random.next())
            let begin = Double(clock.peek()) / 1e9 + 20
            let burst = Step(start: begin, end: begin + 1.8)
            // 50 W before, 190 W in the burst, 90 W after it.
            @Sendable func energy(_ from: Double, _ to: Double) -> Double {
                2 * burst.energy(from, to) - 50 * (to - from)
            }
            let (phase, polls) = (random.uniform(), random.uniform())
            let plug = MeterDescription(
                id: "simulated/plug", name: "plug", scope: .wall, kind: .gauge, provenance: .measured,
                source: "simulated", periodSeconds: 1, resolution: 1,
                plausiblePower: Power(watts: 20_000), silicon: "plug")
            let listing = MeterListing(description: plug, availability: .available) {
                MailboxReader(clock, period: 1, phase: polls, latency: 0.05) { time in
                    let at = device == .onRequest ? time : (time - phase).rounded(.down) + phase
                    return .gauge(microwatts: Int64(energy(at - 1e-6, at) * 1e12))
                }
            }
            let measured = try measure([listing], clock: clock, seconds: 12, before: 20)
            let truth = energy(measured.window.start.seconds, measured.window.end.seconds)
            if abs(measured.total.energy.joules - truth) <= measured.total.uncertainty.joules { held += 1 }
        }
        #expect(held >= 36, "\(held)")
    }
}
