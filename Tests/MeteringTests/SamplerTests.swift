import Core
import Synchronization
import TestSupport
import Testing

@testable import Accounting
@testable import Metering

@Suite struct SamplerTests {
    @Test func deadlinesStayOnTheirGrid() throws {
        let clock = SimulatedClock(latenessNanoseconds: 3_000_000)
        let session = try MeteringSession(
            listings: [SimulatedCounter().listing(clock)], intervalSeconds: 0.1, clock: clock)
        let begin = clock.now()
        var ticks = 0
        while clock.now().seconds(since: begin) < 60 {
            clock.sleep(until: try #require(session.tick()))
            ticks += 1
        }
        // Work-then-sleep would lose 1.5 ms a tick, which is nine ticks a minute.
        #expect(abs(ticks - 600) <= 2)
    }

    @Test func aSamplerThatWasHeldUpDoesNotMakeUpForItInABurst() throws {
        let clock = SimulatedClock()
        let session = try MeteringSession(
            listings: [SimulatedCounter().listing(clock)], intervalSeconds: 0.1, clock: clock)
        clock.sleep(until: clock.now().advanced(bySeconds: 10))
        let next = try #require(session.tick())
        #expect(next > clock.now())
        #expect(session.takeSamples().count == 2)
    }

    /// A busy machine takes the processor away between a reading and the look at the clock; nobody then knows when it was made.
    @Test func aReadingThatWasHeldUpSetsNoEdge() throws {
        let clock = SimulatedClock()
        let counter = SimulatedCounter(waveform: Waveform(base: 80))
        let random = Mutex(SeededRandom(seed: 7))
        let listing = MeterListing(description: counter.listing(clock).description, availability: .available) {
            ClosureReader {
                let value = counter.reading(at: Double(clock.peek()) / 1e9)
                let isHeldUp = random.withLock { Int.random(in: 0..<5, using: &$0) == 0 }
                if isHeldUp { clock.sleep(until: MonotonicTime(nanoseconds: clock.peek() + 8_000_000)) }
                return value
            }
        }
        for _ in 0..<40 {
            let energy = try measure([listing], clock: clock, seconds: 0.1, before: 0.1)
            let truth = 80 * energy.window.durationSeconds
            // A reading that was held up for 8 ms is wrong by 4 ms and more: 0.32 J.
            #expect(abs(energy.total.energy.joules - truth) < 0.3)
        }
    }

    @Test func samplesAreEnergyThatOnlyGrows() throws {
        let clock = SimulatedClock()
        var counter = SimulatedCounter(waveform: Waveform(base: 100), range: 210_000_000)
        counter.plausibleWatts = 150
        let session = try MeteringSession(listings: [counter.listing(clock)], intervalSeconds: 0.1, clock: clock)
        for _ in 0..<300 { clock.sleep(until: try #require(session.tick())) }
        let samples = session.takeSamples()
        // The first reading is made as the session begins.
        #expect(samples.count == 300)
        #expect(
            zip(samples, samples.dropFirst()).allSatisfy {
                $0.time < $1.time && ($0.energy ?? .zero) <= ($1.energy ?? .zero)
            })
        let powers = samples.compactMap(\.power?.watts)
        #expect(powers.count == 299)
        #expect(powers.allSatisfy { abs($0 - 100) < 3 })
        #expect(session.takeSamples().isEmpty)
    }

    /// When nobody takes the samples, memory stays what it is and the newest are kept.
    @Test func theRingKeepsTheNewest() {
        var ring = SampleRing(capacity: 3)
        for index in 0..<5 {
            ring.append(
                RawSample(meter: index, time: MonotonicTime(nanoseconds: Int64(index)), energy: nil, power: nil))
        }
        #expect(ring.drain().map(\.meter) == [2, 3, 4])
        #expect(ring.drain().isEmpty)
    }

    @Test func jitterIsTheNinetyFifthPercentile() {
        var histogram = JitterHistogram()
        for _ in 0..<19 { histogram.add(0.001) }
        #expect(histogram.quantile(0.95) == nil)
        for _ in 0..<77 { histogram.add(0.001) }
        for _ in 0..<4 { histogram.add(0.5) }
        #expect(histogram.quantile(0.95) == 0.002)
        for _ in 0..<4 { histogram.add(.infinity) }
        #expect((histogram.quantile(0.95) ?? 0) > 0.4)
    }

    @Test func windowsAreIndependentOfEachOther() throws {
        let clock = SimulatedClock()
        let counter = SimulatedCounter(waveform: Waveform(base: 100))
        let session = try MeteringSession(listings: [counter.listing(clock)], intervalSeconds: 0.1, clock: clock)
        let selection = try TotalSelection(meters: session.meters)
        let outer = session.openWindow()
        clock.sleep(until: clock.now().advanced(bySeconds: 1))
        let inner = session.openWindow()
        clock.sleep(until: clock.now().advanced(bySeconds: 1))
        let short = try #require(session.closeWindow(inner, selection: selection))
        let long = try #require(session.closeWindow(outer, selection: selection))
        #expect(abs(short.total.energy.joules - 100 * short.window.durationSeconds) < 0.1)
        #expect(abs(long.total.energy.joules - 100 * long.window.durationSeconds) < 0.1)
        #expect(session.closeWindow(outer, selection: selection) == nil)
        session.discardWindow(inner)
    }

    /// Its thread may sleep for a minute longer; the meters' files shall not stay open for so long.
    @Test func aSessionThatIsLetGoLetsGoOfItsMeters() throws {
        let openReaders = OpenReaders()
        var listing = SimulatedCounter().listing(SimulatedClock())
        listing.open = { CountedReader(openReaders) }
        do {
            let session = try MeteringSession(listings: [listing], intervalSeconds: 60)
            session.start()
            #expect(openReaders.count.withLock { $0 } == 1)
        }
        #expect(openReaders.count.withLock { $0 } == 0)
    }
}

private final class OpenReaders: Sendable {
    let count = Mutex(0)
}

/// Counts as open for as long as it lives.
private final class CountedReader: MeterReader {
    private let readers: OpenReaders

    init(_ readers: OpenReaders) {
        self.readers = readers
        readers.count.withLock { $0 += 1 }
    }

    deinit { readers.count.withLock { $0 -= 1 } }

    func read() -> Reading { .counter(microjoules: 0) }
}
