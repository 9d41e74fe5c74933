import Core
import Synchronization
import Testing

@testable import Accounting
@testable import Metering

/// What the group of the daemon gets to know of a counter, however many sessions it has (PLATYPUS, CVE-2020-8694).
@Suite struct SharedReadingsTests {
    /// When a meter was read, whoever opened it.
    private final class Log: Sendable {
        let times = Mutex<[Int64]>([])
        let open = Mutex(0)

        /// The most in any second.
        var mostInASecond: Int { Self.most(times.withLock { $0 }) }

        static func most(_ times: [Int64]) -> Int {
            let times = times.sorted()
            var (first, most) = (0, 0)
            for (last, time) in times.enumerated() {
                while time - times[first] >= 1_000_000_000 { first += 1 }
                most = max(most, last - first + 1)
            }
            return most
        }
    }

    private final class LoggedReader: MeterReader {
        private let log: Log
        private let body: () -> Reading
        init(_ log: Log, _ body: @escaping () -> Reading) {
            (self.log, self.body) = (log, body)
            log.open.withLock { $0 += 1 }
        }
        deinit { log.open.withLock { $0 -= 1 } }
        func read() -> Reading { body() }
    }

    private let clock = SimulatedClock()
    private let counter = SimulatedCounter(waveform: Waveform(base: 80))

    private func listing(_ log: Log, id: String? = nil) -> MeterListing {
        var listing = counter.listing(clock)
        if let id { listing.description.id = id }
        let (clock, counter) = (clock, counter)
        listing.open = {
            LoggedReader(log) {
                log.times.withLock { $0.append(clock.peek()) }
                return counter.reading(at: Double(clock.peek()) / 1e9)
            }
        }
        return listing
    }

    /// Ticks all of them, in the order of their time, for so many seconds.
    private func run(_ sessions: [MeteringSession], seconds: Double) throws {
        var due = sessions.map { _ in clock.now() }
        let end = clock.peek() + Int64(seconds * 1e9)
        while clock.peek() < end {
            let next = try #require(due.indices.min { due[$0] < due[$1] })
            clock.sleep(until: due[next])
            due[next] = try #require(sessions[next].tick())
        }
    }

    @Test func sixteenSessionsReadNoMoreThanOne() throws {
        let log = Log()
        let shared = SharedReadings(clock: clock).sharing([listing(log)])
        var sessions: [MeteringSession] = []
        for _ in 0..<16 {
            sessions.append(try MeteringSession(listings: shared, intervalSeconds: 0.001, clock: clock))
            clock.sleep(until: clock.now().advanced(byNanoseconds: 60_000))
        }
        let selection = try TotalSelection(meters: sessions[0].meters)
        for _ in 0..<20 {
            let windows = sessions.map { $0.openWindow() }
            try run(sessions, seconds: 0.1)
            for (session, window) in zip(sessions, windows) {
                #expect(session.closeWindow(window, selection: selection) != nil)
            }
        }
        #expect(log.mostInASecond <= 1000)
        #expect(log.open.withLock { $0 } == 1)
        // Nor do all together get to know more than what was read.
        let told = sessions.map { $0.takeSamples().filter { $0.edge == nil }.map(\.time.nanoseconds) }
        #expect(Log.most(Array(Set(told.joined()))) <= 1000)
        #expect(told.allSatisfy { $0.count > 500 })
        sessions = []
        #expect(log.open.withLock { $0 } == 0)
    }

    @Test func twoMetersOfOneSiliconAreOne() throws {
        let log = Log()
        let shared = SharedReadings(clock: clock).sharing([listing(log, id: "a"), listing(log, id: "b")])
        var sessions = [try MeteringSession(listings: [shared[0]], intervalSeconds: 0.001, clock: clock)]
        // By turns: half of the interval lies between them.
        clock.sleep(until: clock.now().advanced(byNanoseconds: 500_000))
        sessions.append(try MeteringSession(listings: [shared[1]], intervalSeconds: 0.001, clock: clock))
        try run(sessions, seconds: 3)
        #expect(log.mostInASecond <= 1000)
        // Together they are read in one instant, each at the full rate.
        let both = Log()
        let pair = SharedReadings(clock: clock).sharing([listing(both, id: "a"), listing(both, id: "b")])
        try run([try MeteringSession(listings: pair, intervalSeconds: 0.01, clock: clock)], seconds: 2)
        #expect(both.times.withLock(\.count) >= 2 * 195)
    }

    /// A budget that took its edges away would be dear.
    @Test(arguments: [0.1, 0.001])
    func aSessionAloneHasItsEdges(interval: Double) throws {
        let shared = SharedReadings(clock: clock)
        for _ in 0..<10 {
            let energy = try measure(
                shared.sharing([listing(Log())]), clock: clock, seconds: 0.4, interval: interval, before: 0.2)
            let domain = try #require(energy.domains.first)
            #expect(!domain.flags.contains(.staleEdges))
            #expect(abs(energy.total.energy.joules - 80 * energy.window.durationSeconds) < 0.02)
        }
    }

    @Test func samplesComeAtTheRateThatIsAskedFor() throws {
        let log = Log()
        let session = try MeteringSession(
            listings: SharedReadings(clock: clock).sharing([listing(log)]), intervalSeconds: 0.001, clock: clock)
        try run([session], seconds: 2)
        // One second's share of edges is left out, evenly.
        let samples = session.takeSamples().map(\.time)
        #expect(samples.count > 1750 && samples.count <= 1810, "\(samples.count)")
        #expect(zip(samples, samples.dropFirst()).allSatisfy { $1.seconds(since: $0) < 0.003 })
    }

    @Test func edgesTakeWhatIsLeft() {
        var budget = ReadingBudget()
        func taken(_ from: Double, _ to: Double, every: Double, isEdge: Bool) -> Int {
            stride(from: from, to: to, by: every).count { time in
                budget.take(at: MonotonicTime(seconds: time), isEdge: isEdge, lastRead: budget.instant)
            }
        }
        #expect(taken(10, 11, every: 0.000_1, isEdge: true) == 1000)
        #expect(taken(11, 11.05, every: 0.000_1, isEdge: true) <= 500)
        var other = ReadingBudget()
        let samples = stride(from: 10.0, to: 11, by: 0.000_3).count { time in
            other.take(at: MonotonicTime(seconds: time), isEdge: false, lastRead: other.instant)
        }
        #expect((890...903).contains(samples), "\(samples)")
    }

    /// A reading that took long may have been made at any time meanwhile: nobody else sets an edge by it.
    @Test func aReadingThatWasHeldUpIsNotHandedOn() throws {
        let clock = clock
        var slow = counter.listing(clock)
        slow.open = {
            ClosureReader {
                let now = clock.peek()
                clock.sleep(until: MonotonicTime(nanoseconds: now + 900_000))
                return .counter(microjoules: now / 1000)
            }
        }
        let shared = SharedReadings(clock: clock).sharing([slow])
        let (first, second) = (shared[0].open(), shared[0].open())
        #expect(first.read() != .nothingNew)
        // Within the spacing: nothing is read anew.
        #expect(second.read() == .nothingNew)
        #expect(first.read() == .nothingNew)
    }

    /// What is polled in the background has a poller for all already, which tells each reader once.
    @Test func whatIsPolledIsLeftAlone() {
        final class Polled: MeterReader {
            func read() -> Reading { .gauge(microwatts: 1) }
            var isPolled: Bool { true }
        }
        var listing = listing(Log())
        listing.open = { Polled() }
        #expect(SharedReadings(clock: clock).sharing([listing])[0].open() is Polled)
    }
}
