import Accounting
import Core
import Metering
import Testing

@Suite struct GaugeTests {
    /// A square wave between 50 and 150 W that the chip averages over 1 s, at every phase of chip and wave. The readings that the
    /// edges may cut are left out, so where the wave steps just there the neighbours stand for some seconds of another power; that has
    /// no direction, and the interval knows of it.
    @Test func averagesOverASecond() throws {
        var errors: [Double] = []
        for tenth in 0..<20 {
            let wave = Waveform(base: 50, square: 100, squarePeriod: 10, squarePhase: Double(tenth) / 2)
            let clock = SimulatedClock(seed: UInt64(tenth + 1))
            let gauge = SimulatedGauge(waveform: wave, period: 1, phase: Double(tenth * 7 % 20) * 0.049, averaging: 1)
            let energy = try measure([gauge.listing(clock)], clock: clock, seconds: 60, before: 3)
            let truth = wave.energy(energy.window)
            errors.append(energy.total.energy.joules / truth - 1)
            #expect(abs(energy.total.energy.joules - truth) <= 1.5 * energy.total.uncertainty.joules)
            #expect(energy.total.coverage > 0.9999)
            #expect(energy.total.flags.isEmpty)
        }
        #expect(abs(errors.reduce(0, +) / 20) < 0.005)
        #expect(errors.allSatisfy { abs($0) < 0.04 })
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

    /// A chip or a plug that says a million terawatts, once: no power, no energy, and no end of the program.
    @Test func aValueThatCannotBeIsAFailedRead() throws {
        let clock = SimulatedClock()
        let honest = SimulatedGauge(name: "power1", waveform: Waveform(base: 50))
        var absurd = SimulatedGauge(name: "power2", scope: .wall, waveform: Waveform(base: 50)).listing(clock)
        let reading = SimulatedGauge(waveform: Waveform(base: 50))
        absurd.open = {
            ClosureReader {
                let time = Double(clock.peek()) / 1e9
                return (1006...1009).contains(time) ? .gauge(microwatts: .max) : reading.reading(at: time)
            }
        }
        let energy = try measure([honest.listing(clock), absurd], clock: clock, seconds: 15)
        let domain = try #require(energy.domains.last)
        #expect(domain.flags.contains(.gap) && abs(domain.coverage - 0.8) < 0.02)
        #expect(abs(domain.energy.joules - 50 * energy.window.durationSeconds * domain.coverage) < 0.1)
    }

    /// While nothing is known the latest power is not the one before, and not zero.
    @Test func aMeterThatFailsHasNoPower() throws {
        let clock = SimulatedClock()
        var gauge = SimulatedGauge(waveform: Waveform(base: 50))
        gauge.faults.failures = [1003...1005]
        var counter = SimulatedCounter(waveform: Waveform(base: 80))
        counter.faults.failures = [1003...1005]
        let session = try MeteringSession(
            listings: [gauge.listing(clock), counter.listing(clock)], intervalSeconds: 0.1, clock: clock)
        var seen: [Double: [Double?]] = [:]
        for moment in [1002.0, 1004, 1007] {
            while Double(clock.peek()) / 1e9 < moment, let next = session.tick() { clock.sleep(until: next) }
            let power = session.latestPower()
            seen[moment] = ["simulated/power1", "simulated/package-0"].map { power[$0]?.watts }
        }
        #expect(seen[1002]?.map { $0.map { $0.rounded() } } == [50, 80])
        #expect(seen[1004] == [nil, nil])
        #expect(seen[1007]?.map { $0.map { $0.rounded() } } == [50, 80])
        // Of the seconds without a reading the record holds no power either.
        let silent = session.takeSamples().filter { (1003.2...1004.8).contains($0.time.seconds) }
        #expect(!silent.isEmpty && silent.allSatisfy { $0.power == nil })
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
