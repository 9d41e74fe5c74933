import Core
import Testing

@testable import Accounting
@testable import Metering

/// What a meter saw since its session began, whatever windows there were.
@Suite struct TallyTests {
    /// Lets the sampler run, with a window in the middle, which shall change nothing.
    private func tally(
        _ listing: MeterListing, _ clock: SimulatedClock, seconds: Int
    ) throws -> (tally: MeterTally, begin: Double, end: Double) {
        let begin = Double(clock.peek()) / 1e9
        let session = try MeteringSession(listings: [listing], intervalSeconds: 1, clock: clock)
        let selection = try TotalSelection(meters: session.meters)
        var before = MeterTally.zero
        for second in 0..<seconds {
            let next = try #require(session.tick())
            if second == seconds / 3 {
                let window = session.openWindow()
                _ = session.closeWindow(window, selection: selection)
            }
            clock.sleep(until: next)
            let now = try #require(session.tallies().first)
            #expect(now.energy >= before.energy && now.seenNanoseconds >= before.seenNanoseconds)
            before = now
        }
        session.tick()
        return (try #require(session.tallies().first), begin, Double(clock.peek()) / 1e9)
    }

    @Test func aCounterThatWraps() throws {
        let clock = SimulatedClock()
        var counter = SimulatedCounter(waveform: Waveform(base: 100), range: 2_100_000_000)
        counter.plausibleWatts = 150
        let (tally, begin, end) = try tally(counter.listing(clock), clock, seconds: 100)
        #expect(abs(tally.energy.joules - 100 * (end - begin)) < 1)
        #expect(abs(Double(tally.seenNanoseconds) / 1e9 - (end - begin)) < 0.01)
        #expect(abs(tally.elapsedNanoseconds - tally.seenNanoseconds) < 10_000_000)
    }

    @Test func aGaugeIsIntegrated() throws {
        let wave = Waveform(base: 50, sine: 20, sinePeriod: 30)
        let clock = SimulatedClock()
        let (tally, begin, end) = try tally(SimulatedGauge(waveform: wave).listing(clock), clock, seconds: 100)
        #expect(abs(tally.energy.joules / wave.energy(from: begin, to: end) - 1) < 0.01)
        #expect(abs(Double(tally.seenNanoseconds) / 1e9 - (end - begin)) < 0.01)
    }

    @Test func anAveragingGaugeIsIntegrated() throws {
        let clock = SimulatedClock()
        let gauge = SimulatedGauge(waveform: Waveform(base: 50), period: 1, averaging: 1)
        let (tally, begin, end) = try tally(gauge.listing(clock), clock, seconds: 50)
        // Its first average is of the second before.
        #expect(abs(tally.energy.joules - 50 * (end - begin + 1)) < 5)
    }

    @Test func whatWasNotSeenIsNoEnergyAndNoCoverage() throws {
        var gauge = SimulatedGauge(waveform: Waveform(base: 50))
        gauge.faults.failures = [1020...1040]
        let clock = SimulatedClock()
        let (tally, begin, end) = try tally(gauge.listing(clock), clock, seconds: 100)
        let seen = Double(tally.seenNanoseconds) / 1e9
        #expect(abs(seen - (end - begin - 21)) < 2)
        #expect(abs(tally.energy.joules - 50 * seen) < 0.1)
        #expect(abs(Double(tally.elapsedNanoseconds) / 1e9 - (end - begin)) < 0.01)
    }

    @Test func aCounterThatIsResetLosesNothingButTheGap() throws {
        var counter = SimulatedCounter(waveform: Waveform(base: 40), range: nil)
        counter.faults.stepsBack = [(at: 1030, joules: 1000)]
        let clock = SimulatedClock()
        let (tally, begin, end) = try tally(counter.listing(clock), clock, seconds: 100)
        #expect(abs(tally.energy.joules - 40 * (end - begin - 1)) < 2)
        #expect(abs(Double(tally.seenNanoseconds) / 1e9 - (end - begin - 1)) < 0.1)
    }

    @Test func jitterOfTwoSessionsAddsUp() {
        var one = JitterHistogram()
        for error in [0.0005, 0.005, 0.05, 0.5, 5] { one.add(error) }
        var two = JitterHistogram()
        two.add(0.0015)
        let sum = one + two
        #expect(sum.count == 6)
        #expect(abs(sum.sum - 5.557) < 1e-9)
        #expect([0.001, 0.002, 0.01, 0.1, 1].map(sum.count(upTo:)) == [1, 2, 3, 4, 5])
    }
}
