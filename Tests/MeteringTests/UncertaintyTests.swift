import Core
import Metering
import TestSupport
import Testing

/// The stated 95 % interval holds: of 100 windows with random phases, edges and powers the truth lies inside in at least 89
/// (fewer happens by chance once in 100 times where the interval is a true 95 %).
@Suite struct UncertaintyTests {
    private func covered(_ seed: UInt64, _ make: (Int, inout SeededRandom, SimulatedClock) -> (MeterListing, Waveform))
        throws -> Int
    {
        var inside = 0
        var random = SeededRandom(seed: seed)
        for trial in 0..<100 {
            let clock = SimulatedClock(start: .random(in: 500...600, using: &random), seed: UInt64(trial + 1))
            let (listing, waveform) = make(trial, &random, clock)
            let seconds = Double.random(in: 3...5, using: &random)
            let energy = try measure([listing], clock: clock, seconds: seconds)
            let domain = try #require(energy.domains.first)
            let error = abs(domain.energy.joules - waveform.energy(energy.window))
            if error <= domain.uncertainty.joules { inside += 1 }
        }
        return inside
    }

    private func waveform(_ random: inout SeededRandom) -> Waveform {
        Waveform(
            base: .random(in: 20...60, using: &random), square: .random(in: 20...80, using: &random),
            squarePeriod: .random(in: 0.8...7, using: &random), squarePhase: .random(in: 0...7, using: &random))
    }

    @Test(arguments: 0..<8 as Range<UInt64>) func fastCounters(seed: UInt64) throws {
        let inside = try covered(seed) { _, random, clock in
            let wave = waveform(&random)
            let counter = SimulatedCounter(waveform: wave, phase: .random(in: 0...0.001, using: &random))
            return (counter.listing(clock), wave)
        }
        #expect(inside >= 89)
    }

    /// Too slow to watch an update at the edges: the staleness is in the uncertainty.
    @Test(arguments: 0..<8 as Range<UInt64>) func slowCounters(seed: UInt64) throws {
        let inside = try covered(seed) { _, random, clock in
            let wave = waveform(&random)
            let counter = SimulatedCounter(waveform: wave, period: 0.1, phase: .random(in: 0...0.1, using: &random))
            return (counter.listing(clock), wave)
        }
        #expect(inside >= 89)
    }

    @Test(arguments: 0..<8 as Range<UInt64>) func gaugesOfTheMoment(seed: UInt64) throws {
        let inside = try covered(seed) { _, random, clock in
            let wave = waveform(&random)
            let gauge = SimulatedGauge(waveform: wave, period: 0.05, phase: .random(in: 0...0.05, using: &random))
            return (gauge.listing(clock), wave)
        }
        #expect(inside >= 89)
    }

    @Test(arguments: 0..<8 as Range<UInt64>) func gaugesThatAverage(seed: UInt64) throws {
        let inside = try covered(seed) { _, random, clock in
            let wave = waveform(&random)
            let gauge = SimulatedGauge(
                waveform: wave, period: 0.25, phase: .random(in: 0...0.25, using: &random), averaging: 0.25)
            return (gauge.listing(clock), wave)
        }
        #expect(inside >= 89)
    }

    /// An interval that always holds because it is absurdly wide says nothing.
    @Test func theIntervalIsNotWiderThanItNeedsToBe() throws {
        let clock = SimulatedClock()
        let counter = SimulatedCounter(waveform: Waveform(base: 100), phase: 0.0004)
        let fast = try measure([counter.listing(clock)], clock: clock, seconds: 15)
        #expect(fast.total.uncertainty.joules < 0.1)
        #expect(fast.total.uncertainty.joules > 0)
    }

    @Test func accuracyIsCommonAndScalesWithTheEnergy() throws {
        let clock = SimulatedClock()
        let counter = SimulatedCounter(waveform: Waveform(base: 100), accuracy: 0.05)
        let domain = try #require(try measure([counter.listing(clock)], clock: clock, seconds: 10).domains.first)
        let expected = 0.05 * domain.energy.joules / 3.0.squareRoot()
        #expect(abs(domain.accuracyUncertainty.joules - expected) < 0.001)
        #expect(abs(domain.uncertainty.joules / (1.959964 * expected) - 1) < 0.001)
    }
}
