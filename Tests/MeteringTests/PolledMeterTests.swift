import Accounting
import Core
import Metering
import Testing

/// Meters that are polled in the background: a reading has its own time, comes in late, or not at all.
@Suite struct PolledMeterTests {
    private func listing(_ base: MeterListing, _ reader: @escaping @Sendable () -> any MeterReader) -> MeterListing {
        MeterListing(description: base.description, availability: .available, open: reader)
    }

    @Test(arguments: 0..<10) func aPlugsCounterIsSharedOutAtTheEdges(tenth: Int) throws {
        let clock = SimulatedClock(start: 1000 + Double(tenth) * 0.1, seed: UInt64(tenth + 1))
        let counter = SimulatedCounter(
            name: "plug", scope: .wall, waveform: Waveform(base: 100), period: 0.05, unitMicrojoules: 1000, range: nil)
        let polled = listing(counter.listing(clock)) {
            MailboxReader(clock, period: 1, latency: 0.2) { counter.reading(at: $0) }
        }
        let energy = try measure([polled], clock: clock, seconds: 10, before: 3)
        let domain = try #require(energy.domains.first)
        #expect(abs(domain.energy.joules - counter.waveform.energy(energy.window)) < 0.01 * domain.energy.joules)
        #expect(domain.coverage == 1)
        #expect(Set(domain.flags).isSubset(of: [.rangeUnknown, .staleEdges]))
    }

    @Test(arguments: 0..<10) func aPlugsPowerIsTimedByThePoll(tenth: Int) throws {
        let clock = SimulatedClock(start: 1000 + Double(tenth) * 0.1, seed: UInt64(tenth + 1))
        let wave = Waveform(base: 60, sine: 25, sinePeriod: 20)
        let gauge = SimulatedGauge(name: "plug", scope: .wall, waveform: wave, period: 1)
        let polled = listing(gauge.listing(clock)) {
            MailboxReader(clock, period: 1, latency: 0.3) { gauge.reading(at: $0) }
        }
        let energy = try measure([polled], clock: clock, seconds: 20, before: 3)
        let domain = try #require(energy.domains.first)
        #expect(abs(domain.energy.joules / wave.energy(energy.window) - 1) < 0.01)
        #expect(domain.coverage == 1)
    }

    /// A BMC that answers every 10 s is not waited for that long: its last value holds, and says that it is uncertain.
    @Test func aSlowBMCHoldsItsLastValue() throws {
        let clock = SimulatedClock(start: 1003)
        let gauge = SimulatedGauge(name: "bmc", waveform: Waveform(base: 200), period: 10)
        let polled = listing(gauge.listing(clock)) {
            MailboxReader(clock, period: 10, latency: 0.5) { gauge.reading(at: $0) }
        }
        let begin = clock.peek()
        let energy = try measure([polled], clock: clock, seconds: 15, before: 12)
        let domain = try #require(energy.domains.first)
        #expect(Double(clock.peek() - begin) / 1e9 < 12 + 15 + 2)
        #expect(domain.coverage == 1)
        #expect(abs(domain.energy.joules / gauge.waveform.energy(energy.window) - 1) < 0.001)
    }

    /// Silent for longer than it may be: that is a gap, and nothing is made up.
    @Test func aPlugThatIsGoneLeavesAGap() throws {
        let clock = SimulatedClock()
        let gauge = SimulatedGauge(name: "plug", scope: .wall, waveform: Waveform(base: 50), period: 1)
        let polled = listing(gauge.listing(clock)) {
            MailboxReader(clock, period: 1, latency: 0.1) { $0 >= 1008 ? .nothingNew : gauge.reading(at: $0) }
        }
        let energy = try measure([polled], clock: clock, seconds: 20, before: 3)
        let domain = try #require(energy.domains.first)
        #expect(domain.flags.contains(.gap))
        #expect(abs(domain.coverage - 4.0 / 20) < 0.03)
        let seen = 50 * energy.window.durationSeconds * domain.coverage
        #expect(abs(domain.energy.joules - seen) < 0.01 * seen)
    }

    /// The plug is switched off and on, and its counter begins anew.
    @Test func aCounterThatResetsWithThePlugIsAGap() throws {
        let clock = SimulatedClock()
        var counter = SimulatedCounter(
            name: "plug", scope: .wall, waveform: Waveform(base: 100), period: 0.05, unitMicrojoules: 1000, range: nil)
        counter.faults.stepsBack = [(at: 1010, joules: 100 * 1010)]
        let polled = listing(counter.listing(clock)) { [counter] in
            MailboxReader(clock, period: 1, latency: 0.1) { counter.reading(at: $0) }
        }
        let energy = try measure([polled], clock: clock, seconds: 20, before: 3)
        let domain = try #require(energy.domains.first)
        #expect(domain.flags.contains(.gap))
        #expect(abs(domain.coverage - 19.0 / 20) < 0.005)
        #expect(abs(domain.energy.joules - 100 * energy.window.durationSeconds * domain.coverage) < 20)
    }

    /// A session waits for the first answers, so that the first window has them from its start.
    @Test func theFirstWindowWaitsForTheFirstAnswer() throws {
        let clock = SimulatedClock(start: 1000.45)
        let gauge = SimulatedGauge(name: "plug", scope: .wall, waveform: Waveform(base: 50), period: 1)
        let polled = listing(gauge.listing(clock)) {
            MailboxReader(clock, period: 1, latency: 0.1) { $0 > 1000.5 ? gauge.reading(at: $0) : .nothingNew }
        }
        let session = try MeteringSession(listings: [polled], intervalSeconds: 0.1, clock: clock)
        session.waitForFirstReadings()
        #expect((1001.1...1001.2).contains(Double(clock.peek()) / 1e9))
        // One that never answers is not waited for for ever.
        let silent = listing(gauge.listing(clock)) {
            MailboxReader(clock, period: 1, latency: 0.1) { _ in .nothingNew }
        }
        let other = try MeteringSession(listings: [silent], intervalSeconds: 0.1, clock: clock)
        let begin = clock.peek()
        other.waitForFirstReadings()
        #expect((4.9...5.2).contains(Double(clock.peek() - begin) / 1e9))
    }
}
