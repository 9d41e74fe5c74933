import Core
import TestSupport
import Testing

@testable import Metering

/// Counters that are updated too seldom to set an edge on, as those of GPUs.
@Suite struct SlowCounterTests {
    struct Case: Sendable {
        var period: Double
        var interval: Double
        /// Whether the reader itself leaves out reads that could tell nothing new.
        var isPaced: Bool
    }

    /// Over many windows the error has no direction, and the interval of 95 % holds about 95 % of them.
    @Test(arguments: [
        Case(period: 0.1, interval: 0.1, isPaced: true), Case(period: 0.1, interval: 0.01, isPaced: true),
        Case(period: 0.05, interval: 0.1, isPaced: true), Case(period: 0.02, interval: 0.1, isPaced: false),
        Case(period: 0.1, interval: 0.1, isPaced: false), Case(period: 0.1, interval: 0.5, isPaced: false),
    ]) func theErrorHasNoDirectionAndIsAsLargeAsSaid(_ slow: Case) throws {
        var random = SeededRandom(seed: 5)
        let (power, windows) = (300.0, 300)
        var sum = 0.0
        var within = 0
        for seed in 0..<windows {
            let clock = SimulatedClock(start: 1000 + .random(in: 0..<1, using: &random), seed: UInt64(seed))
            let counter = SimulatedCounter(
                scope: .accelerator, waveform: Waveform(base: power), period: slow.period,
                phase: .random(in: 0..<slow.period, using: &random), unitMicrojoules: 1000, range: nil)
            var listing = counter.listing(clock)
            if slow.isPaced {
                listing.open = {
                    PacedReader(periodSeconds: slow.period, clock: clock) {
                        counter.reading(at: Double(clock.peek()) / 1e9)
                    }
                }
            }
            let energy = try measure(
                [listing], clock: clock, seconds: .random(in: 3..<4, using: &random), interval: slow.interval,
                before: .random(in: 2..<3, using: &random))
            let error = energy.total.energy.joules - counter.waveform.energy(energy.window)
            sum += error
            if abs(error) <= energy.total.uncertainty.joules { within += 1 }
        }
        #expect(abs(sum / Double(windows)) < 0.08 * power * slow.period)
        #expect(Double(within) / Double(windows) > 0.9)
    }
}
