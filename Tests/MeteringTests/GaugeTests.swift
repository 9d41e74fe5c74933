import Core
import Metering
import Testing

@Suite struct GaugeTests {
    /// A square wave that the chip averages over 1 s: within 0.5 % over 60 s, at every phase of chip and wave.
    @Test(arguments: 0..<10) func averagesOverASecond(tenth: Int) throws {
        let wave = Waveform(base: 50, square: 100, squarePeriod: 10, squarePhase: Double(tenth))
        let clock = SimulatedClock(seed: UInt64(tenth + 1))
        let gauge = SimulatedGauge(waveform: wave, period: 1, phase: Double(tenth) * 0.093, averaging: 1)
        let energy = try measure([gauge.listing(clock)], clock: clock, seconds: 60, before: 3)
        let truth = wave.energy(energy.window)
        #expect(abs(energy.total.energy.joules / truth - 1) < 0.005)
        #expect(energy.total.coverage > 0.9999)
        #expect(energy.total.flags.isEmpty)
    }

    @Test func trapezoidsOverAMoment() throws {
        let wave = Waveform(base: 60, sine: 25, sinePeriod: 4)
        let clock = SimulatedClock()
        let gauge = SimulatedGauge(waveform: wave, period: 0.05)
        let energy = try measure([gauge.listing(clock)], clock: clock, seconds: 30)
        #expect(abs(energy.total.energy.joules / wave.energy(energy.window) - 1) < 0.002)
    }

    @Test func aSilenceIsAGapAndNotExtrapolated() throws {
        var gauge = SimulatedGauge(waveform: Waveform(base: 50))
        gauge.faults.failures = [1006...1009]
        let clock = SimulatedClock()
        let energy = try measure([gauge.listing(clock)], clock: clock, seconds: 15)
        #expect(energy.total.flags.contains(.gap))
        #expect(abs(energy.total.coverage - 0.8) < 0.02)
        #expect(abs(energy.total.energy.joules - 50 * energy.window.durationSeconds * energy.total.coverage) < 0.1)
    }

    @Test func oneFailedReadIsBridged() throws {
        var gauge = SimulatedGauge(waveform: Waveform(base: 50))
        gauge.faults.failures = [1006.01...1006.11]
        let clock = SimulatedClock()
        let energy = try measure([gauge.listing(clock)], clock: clock, seconds: 15)
        #expect(energy.total.flags == [.bridged])
        #expect(energy.total.coverage == 1)
    }

    /// A gauge is not polled faster than it changes.
    @Test func thePollingRateIsTheSensorsOwn() throws {
        let clock = SimulatedClock()
        let gauge = SimulatedGauge(waveform: Waveform(base: 50), period: 1)
        let session = try MeteringSession(listings: [gauge.listing(clock)], intervalSeconds: 0.01, clock: clock)
        let next = try #require(session.tick())
        #expect(next.seconds(since: clock.now()) > 0.9)
    }
}
