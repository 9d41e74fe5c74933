import Core
import Testing

@testable import Accounting
@testable import Metering

/// What is kept of a window's edges is enough to find its energy again.
@Suite struct EdgeSampleTests {
    /// Measures a window and returns it with the samples from then on.
    private func window(
        _ listings: [MeterListing], _ clock: SimulatedClock, seconds: Double = 4
    ) throws -> (energy: WindowEnergy, samples: [Sample]) {
        let session = try MeteringSession(listings: listings, intervalSeconds: 0.1, clock: clock)
        let selection = try TotalSelection(meters: session.meters)
        func run(_ seconds: Double) throws {
            let end = clock.now().advanced(bySeconds: seconds)
            while clock.now() < end { clock.sleep(until: min(try #require(session.tick()), end)) }
        }
        try run(2.03)
        _ = session.takeSamples()
        let id = session.openWindow()
        try run(seconds)
        let energy = try #require(session.closeWindow(id, selection: selection))
        return (energy, session.takeSamples())
    }

    private func edges(_ samples: [Sample], _ meter: String) throws -> (start: Sample, end: Sample) {
        let own = samples.filter { $0.meterID == meter && $0.energy != nil }
        let starts = own.filter { $0.edge == .start }
        let ends = own.filter { $0.edge == .end }
        #expect(starts.count == 1 && ends.count == 1)
        return (try #require(starts.first), try #require(ends.first))
    }

    @Test(arguments: [0.001, 0.0107, 0.5, 1.3])
    func aCountersEnergyIsTheDifferenceOfItsEdges(period: Double) throws {
        let clock = SimulatedClock()
        let counter = SimulatedCounter(
            waveform: Waveform(base: 40, square: 60, squarePeriod: 1.7), period: period, range: 350_000_000,
            plausibleWatts: 150)
        let (energy, samples) = try window([counter.listing(clock)], clock)
        let (start, end) = try edges(samples, counter.id)
        #expect(start.time == energy.window.start && end.time == energy.window.end)
        let difference = try #require(end.energy) - (try #require(start.energy))
        #expect(abs((difference - energy.total.energy).microjoules) <= 1)
        #expect(energy.total.energy.joules > 100)
    }

    @Test func aCounterThatIsResetInsideTheWindowHasTheEnergyThatWasSeen() throws {
        let clock = SimulatedClock()
        var counter = SimulatedCounter(waveform: Waveform(base: 100), range: nil)
        counter.faults.stepsBack = [(at: 1004, joules: 90_000)]
        let (energy, samples) = try window([counter.listing(clock)], clock)
        #expect(energy.total.coverage < 1)
        let (start, end) = try edges(samples, counter.id)
        let difference = try #require(end.energy) - (try #require(start.energy))
        #expect(abs((difference - energy.total.energy).microjoules) <= 1)
    }

    /// By hand: trapezoids between the samples from two periods after the start on, the outer ones held to the edges.
    @Test func aGaugesSamplesInsideTheWindowAreItsEnergy() throws {
        let clock = SimulatedClock()
        let gauge = SimulatedGauge(waveform: Waveform(base: 50, sine: 30, sinePeriod: 1.3), period: 0.01)
        let (energy, samples) = try window([gauge.listing(clock)], clock)
        let window = energy.window
        let own = samples.sorted { $0.time < $1.time }.filter {
            $0.time >= window.start.advanced(bySeconds: 0.02) && $0.time <= window.end
        }
        func watts(_ sample: Sample?) throws -> Double { try #require(sample?.power?.watts) }
        var joules = try watts(own.first) * (try #require(own.first).time.seconds(since: window.start))
        joules += try watts(own.last) * window.end.seconds(since: try #require(own.last).time)
        for (a, b) in zip(own, own.dropFirst()) {
            joules += (try watts(a) + watts(b)) / 2 * b.time.seconds(since: a.time)
        }
        #expect(abs(joules - energy.total.energy.joules) < 2e-6)
    }

    /// The reading before the window tells that it was seen from its start on.
    @Test func theReadingBeforeTheWindowIsKept() throws {
        let clock = SimulatedClock()
        let gauge = SimulatedGauge(
            waveform: Waveform(base: 50, square: 30, squarePeriod: 1.7), period: 0.5, averaging: 0.5)
        let (energy, samples) = try window([gauge.listing(clock)], clock)
        let first = try #require(samples.first { $0.edge == .start })
        #expect(first.time <= energy.window.start && first.power != nil && first.energy == nil)
        #expect(energy.total.coverage == 1)
    }
}
