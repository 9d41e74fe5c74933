import Core
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Accounting
@testable import Metering

/// A value, none now, a failure that may pass, a device that is gone: four results, and what the sampler makes of each.
@Suite struct ReadingResultTests {
    /// What a reader was asked, and how many of it are open.
    private final class Log: Sendable {
        let reads = Mutex<[Double]>([])
        let open = Mutex(0)
        let result = Mutex<Reading?>(nil)

        var count: Int { reads.withLock(\.count) }
        /// What is read from now on; `nil` for the counter's value.
        func say(_ reading: Reading?) { result.withLock { $0 = reading } }
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
    private let log = Log()

    /// A counter that says what the log says instead.
    ///
    /// - Parameter seconds: how long a read takes that has no value.
    private func listing(failsIn seconds: Double = 0) -> MeterListing {
        var listing = counter.listing(clock)
        let (clock, counter, log) = (clock, counter, log)
        listing.open = {
            LoggedReader(log) {
                let now = clock.peek()
                log.reads.withLock { $0.append(Double(now) / 1e9) }
                guard let reading = log.result.withLock({ $0 }) else { return counter.reading(at: Double(now) / 1e9) }
                if seconds > 0 { clock.sleep(until: MonotonicTime(nanoseconds: now + Int64(seconds * 1e9))) }
                return reading
            }
        }
        return listing
    }

    /// - Returns: how often the sampler woke up.
    @discardableResult
    private func run(_ session: MeteringSession, seconds: Double) throws -> Int {
        let end = clock.peek() + Int64(seconds * 1e9)
        var ticks = 0
        while clock.peek() < end {
            let next = try #require(session.tick())
            clock.sleep(until: min(next, MonotonicTime(nanoseconds: end)))
            ticks += 1
        }
        return ticks
    }

    private func scrapes(_ session: MeteringSession) throws -> MeterScrapes {
        try #require(session.tallies().first).scrapes
    }

    private func result(_ session: MeteringSession) -> MeterCondition.Result? {
        session.conditions().first??.result
    }

    // MARK: What an errno means

    @Test(arguments: [
        (ENODEV, Reading.gone(errno: ENODEV), FailureReason.gone), (ENOENT, .gone(errno: ENOENT), .gone),
        (ENOTDIR, .gone(errno: ENOTDIR), .gone), (EIO, .failed(errno: EIO), .io),
        // A chip of I²C that did not acknowledge for once is there.
        (ENXIO, .failed(errno: ENXIO), .io), (EAGAIN, .failed(errno: EAGAIN), .busy),
        (EBUSY, .failed(errno: EBUSY), .busy), (ETIMEDOUT, .failed(errno: ETIMEDOUT), .timeout),
        (EACCES, .failed(errno: EACCES), .permission), (EPERM, .failed(errno: EPERM), .permission),
        (ECONNREFUSED, .failed(errno: ECONNREFUSED), .unreachable), (EBADMSG, .failed(errno: EBADMSG), .invalid),
        (0, .failed(errno: 0), .invalid), (.max, .failed(errno: .max), .io), (.min, .failed(errno: .min), .io),
    ])
    func anErrnoIsOneOfThem(errno: Int32, reading: Reading, reason: FailureReason) {
        #expect(Reading(errno: errno) == reading)
        #expect(FailureReason(errno: errno) == reason)
        #expect(reading.value == nil && reading.isAnswer)
        let condition = MeterCondition(reading)
        #expect(condition.result == (reason == .gone ? .gone : .failed))
        #expect(condition.reason?.isEmpty == false)
    }

    @Test func noDataIsNoFailure() {
        #expect(Reading(errno: ENODATA) == .noData(.noValue))
        for why in NoData.allCases {
            let condition = MeterCondition(.noData(why))
            #expect(condition.result == .noData && condition.reason?.isEmpty == false)
            // Only what is on its way is waited for.
            #expect(Reading.noData(why).isAnswer == (why != .notAnswered))
        }
        #expect(MeterCondition(.gauge(microwatts: 5)) == MeterCondition(.counter(microjoules: 7)))
        #expect(MeterCondition(.gauge(microwatts: .min), isPlausible: false).result == .failed)
    }

    // MARK: Gone

    @Test func aFileThatVanishesIsClosedAndReadAgainWhenItIsFoundAgain() throws {
        let file = "/sys/class/powercap/intel-rapl:0/energy_uj"
        let tree = try TemporaryDirectory([file: "1000000\n"])
        let host = tree.host
        var listing = counter.listing(clock)
        listing.open = { CounterFileReader(host: host, path: file) }
        let session = try MeteringSession(listings: [listing], intervalSeconds: 0.1, clock: clock)
        #expect(result(session) == .value)
        // An open file of a test's tree outlives its name, one of /sys does not: what is no number lets it go.
        try tree.write(file, "")
        try run(session, seconds: 0.15)
        #expect(result(session) == .failed)
        try FileManager.default.removeItem(atPath: tree.path + file)
        try run(session, seconds: 0.3)
        #expect(result(session) == .gone)
        try tree.write(file, "2000000\n")
        try run(session, seconds: 5)
        // Nobody looked for it.
        #expect(result(session) == .gone)
        var elsewhere = listing
        elsewhere.description.source = "elsewhere"
        session.reopen([elsewhere])
        #expect(result(session) == .gone)
        session.reopen([listing])
        #expect(result(session) == .value)
        #expect(try scrapes(session).failures(.gone) == 1)
        #expect(session.latestPower().isEmpty)
        try run(session, seconds: 0.3)
        #expect(session.latestPower().count == 1)
    }

    @Test func whatIsGoneIsToldOnceAndCostsNothing() throws {
        let session = try MeteringSession(listings: [listing()], intervalSeconds: 0.001, clock: clock)
        try run(session, seconds: 0.1)
        _ = session.takeSamples()
        log.say(.gone(errno: ENODEV))
        let before = log.count
        let ticks = try run(session, seconds: 20)
        #expect(log.count == before + 1)
        #expect(log.open.withLock { $0 } == 0)
        #expect(ticks < 25, "the sampler wakes once a second")
        #expect(session.takeSamples().map(\.power) == [nil])
        #expect(try scrapes(session).failures(.gone) == 1)
        // The time that it is not seen counts.
        let tally = try #require(session.tallies().first)
        #expect(Double(tally.elapsedNanoseconds) / 1e9 > 18 && Double(tally.seenNanoseconds) / 1e9 < 0.2)
        // None of it is an error of the sampler.
        #expect(session.jitter.count(upTo: 0.5) == session.jitter.count)
    }

    @Test func aDeviceThatIsGoneIsAGapAndIsLookedForWhenAWindowBegins() throws {
        let session = try MeteringSession(listings: [listing()], intervalSeconds: 0.1, clock: clock)
        let selection = try TotalSelection(meters: session.meters)
        try run(session, seconds: 1)
        let window = session.openWindow()
        try run(session, seconds: 3)
        log.say(.gone(errno: ENODEV))
        try run(session, seconds: 3)
        let lost = try #require(session.closeWindow(window, selection: selection)?.domains.first)
        #expect(lost.flags.contains(.gap) && lost.flags.contains(.vanished))
        #expect(abs(lost.coverage - 0.5) < 0.05)
        #expect(abs(lost.energy.joules - 80 * 3) < 15)
        try run(session, seconds: 1)
        log.say(nil)
        let next = session.openWindow()
        try run(session, seconds: 2)
        let energy = try #require(session.closeWindow(next, selection: selection))
        let found = try #require(energy.domains.first)
        #expect(found.coverage == 1)
        #expect(abs(found.energy.joules - counter.waveform.energy(energy.window)) < 0.1)
    }

    @Test func whatIsGoneAtTheDoorIsNoMeter() throws {
        log.say(.gone(errno: ENODEV))
        let tree = try TemporaryDirectory()
        let found = try #require(
            Admission(tree.host, clock: clock).examine([listing()], known: [:]).listings.first)
        #expect(!found.availability.isAvailable)
        log.say(.failed(errno: EIO))
        let failing = try #require(
            Admission(tree.host, clock: clock).examine([listing()], known: [:]).listings.first)
        #expect(failing.availability.isAvailable)
    }

    // MARK: Failures

    @Test func twoErrorsAndThenAValueAreBridged() throws {
        let left = Mutex(2)
        var listing = counter.listing(clock)
        let (clock, counter) = (clock, counter)
        listing.open = {
            ClosureReader {
                let time = Double(clock.peek()) / 1e9
                let fails =
                    time > 1003
                    && left.withLock { left in
                        left -= 1
                        return left >= 0
                    }
                return fails ? Reading(errno: EIO) : counter.reading(at: time)
            }
        }
        let session = try MeteringSession(listings: [listing], intervalSeconds: 0.1, clock: clock)
        let selection = try TotalSelection(meters: session.meters)
        try run(session, seconds: 1)
        let window = session.openWindow()
        try run(session, seconds: 5)
        let energy = try #require(session.closeWindow(window, selection: selection))
        let domain = try #require(energy.domains.first)
        #expect(domain.flags == [.bridged])
        #expect(domain.coverage == 1)
        #expect(abs(domain.energy.joules - counter.waveform.energy(energy.window)) < 0.05)
        let scrapes = try scrapes(session)
        #expect(scrapes.failures(.io) == 2 && scrapes.failures == 2 && scrapes.noData == 0)
        #expect(result(session) == .value)
    }

    /// 0.1 s is what a failing meter costs a sampler of a thousand readings a second, and what it adds to a gap.
    @Test func aMeterThatFailsDoesNotCostEveryTick() throws {
        let session = try MeteringSession(listings: [listing()], intervalSeconds: 0.001, clock: clock)
        log.say(.failed(errno: EIO))
        let before = log.count
        let ticks = try run(session, seconds: 10)
        #expect((90...125).contains(log.count - before), "\(log.count - before)")
        #expect(ticks < 130, "\(ticks)")
        #expect(result(session) == .failed)
        log.say(nil)
        try run(session, seconds: 0.11)
        #expect(result(session) == .value)
        // At once at its own rhythm again.
        let good = log.count
        try run(session, seconds: 1)
        #expect(log.count - good > 900)
        #expect(session.jitter.count(upTo: 0.5) == session.jitter.count)
    }

    @Test func whoeverSamplesSlowlyTriesAtEveryReading() throws {
        let session = try MeteringSession(listings: [listing()], intervalSeconds: 1, clock: clock)
        log.say(.failed(errno: EIO))
        let before = log.count
        try run(session, seconds: 20)
        #expect((19...21).contains(log.count - before))
    }

    /// A driver that waits half a second for its hardware has a tenth of the sampler's time, and no more at a window's edges.
    @Test func aReadThatFailsSlowlyIsTriedSeldom() throws {
        let session = try MeteringSession(listings: [listing(failsIn: 0.5)], intervalSeconds: 0.01, clock: clock)
        log.say(.failed(errno: ETIMEDOUT))
        let before = log.count
        try run(session, seconds: 55)
        #expect((9...12).contains(log.count - before), "\(log.count - before)")
        let edge = log.count
        let window = session.openWindow()
        #expect(log.count - edge <= 1)
        session.discardWindow(window)
        #expect(try scrapes(session).failures(.timeout) == log.count - 1)
        #expect(Double(try scrapes(session).nanoseconds) / 1e9 > 0.5 * Double(log.count - 1))
    }

    /// Cheap failures do not keep an edge from being set on the counter's own updates.
    @Test func anEdgeMindsNoCheapFailures() throws {
        let session = try MeteringSession(listings: [listing()], intervalSeconds: 0.1, clock: clock)
        log.say(.failed(errno: EAGAIN))
        try run(session, seconds: 1)
        let before = log.count
        let window = session.openWindow()
        #expect(log.count - before > 50)
        session.discardWindow(window)
    }

    @Test func theStepsOfTheBackOff() {
        let schedule = RetrySchedule(first: 3, longest: 100)
        #expect((0...8).map { schedule.pause(failures: $0) } == [0, 3, 6, 12, 24, 48, 96, 100, 100])
        #expect(schedule.pause(failures: .max) == 100 && schedule.pause(failures: .min) == 0)
        #expect(RetrySchedule(first: .max, longest: .max).pause(failures: .max) == .max)
        // Its first pause may be its longest.
        #expect(RetrySchedule(first: 200, longest: 200).pause(failures: 50) == 200)
    }

    @Test func anOutageFromItsFirstFailureToItsEnd() {
        let interval: Int64 = 1_000_000
        var outage = Outage(intervalNanoseconds: interval)
        let time = MonotonicTime(seconds: 5)
        func mayRead(after nanoseconds: Int64, isEdge: Bool = false) -> Bool {
            outage.mayRead(at: time.advanced(byNanoseconds: nanoseconds), isEdge: isEdge)
        }
        #expect(outage.mayRead(at: MonotonicTime(nanoseconds: .min), isEdge: false))
        outage.noteFailure(at: time, took: 0)
        // The first one may be chance.
        #expect(mayRead(after: 0) && mayRead(after: 0, isEdge: true))
        outage.noteFailure(at: time, took: 0)
        outage.noteFailure(at: time, took: 0)
        #expect(!mayRead(after: interval) && mayRead(after: 2 * interval))
        for _ in 0..<1000 { outage.noteFailure(at: time, took: 2000) }
        #expect(!mayRead(after: 99_000_000) && mayRead(after: 100_000_000))
        #expect(!mayRead(after: 19_000, isEdge: true) && mayRead(after: 20_000, isEdge: true))
        // However long it took, and however often.
        outage.noteFailure(at: time, took: .max)
        #expect(!mayRead(after: Outage.longestRest - 1) && mayRead(after: Outage.longestRest))
        outage.noteFailure(at: MonotonicTime(nanoseconds: .max), took: .min)
        outage.end()
        #expect(outage.failures == 0 && mayRead(after: -1))
    }

    // MARK: No data

    /// ENODATA of a device that sleeps for a while: a gap, no failure, and a value as soon as there is one.
    @Test func noDataIsAGapAndIsReadInItsOwnRhythm() throws {
        let session = try MeteringSession(listings: [listing()], intervalSeconds: 0.001, clock: clock)
        try run(session, seconds: 0.1)
        log.say(Reading(errno: ENODATA))
        let before = log.count
        try run(session, seconds: 1)
        #expect(log.count - before > 900)
        #expect(result(session) == .noData)
        #expect(session.latestPower().isEmpty)
        let scrapes = try scrapes(session)
        #expect(scrapes.noData == log.count - before && scrapes.failures == 0)
        #expect(session.takeSamples().suffix(100).allSatisfy { $0.power == nil })
        log.say(nil)
        try run(session, seconds: 0.01)
        #expect(result(session) == .value)
    }

    /// What the driver says while its device falls asleep or wakes is no failure of the meter; when it is awake it is one.
    @Test(arguments: [
        ("suspending\n", Reading.noData(.asleep)), ("resuming\n", .noData(.asleep)), ("suspended\n", .noData(.asleep)),
        ("active\n", .failed(errno: EPERM)), ("error\n", .failed(errno: EPERM)),
        ("unsupported\n", .failed(errno: EPERM)),
        ("", .failed(errno: EPERM)),
    ])
    func aDeviceThatSleepsHasNoData(status: String, reading: Reading) throws {
        let silicon = "0000:03:00.0"
        let tree = try TemporaryDirectory(["/sys/bus/pci/devices/\(silicon)/power/runtime_status": status])
        var gpu = SimulatedCounter(name: "gpu", scope: .accelerator, silicon: silicon).listing(clock)
        gpu.open = { ClosureReader { .failed(errno: EPERM) } }
        let watched = try #require(RuntimeSuspend(host: tree.host).watched([gpu]).first)
        #expect(watched.open().read() == reading)
    }

    /// One that has not answered yet is no answer: its session waits for it, and its first window has it.
    @Test func whatHasNotAnsweredYetIsWaitedFor() throws {
        log.say(.noData(.notAnswered))
        let session = try MeteringSession(listings: [listing()], intervalSeconds: 0.1, clock: clock)
        #expect(result(session) == .noData)
        let before = clock.peek()
        session.waitForFirstReadings(seconds: 2)
        #expect(Double(clock.peek() - before) / 1e9 > 1.9)
        #expect(try scrapes(session) == .zero)
        log.say(nil)
        session.waitForFirstReadings(seconds: 2)
        #expect(result(session) == .value)
        #expect(try scrapes(session).values == 1)
    }

    // MARK: Counters

    @Test func everyReadingIsCountedOnce() throws {
        let session = try MeteringSession(listings: [listing()], intervalSeconds: 0.1, clock: clock)
        for reading: Reading? in [
            nil, .nothingNew, .noData(.noValue), .failed(errno: EACCES), nil, .counter(microjoules: -1),
            .gauge(microwatts: 5),
        ] {
            log.say(reading)
            try run(session, seconds: 1)
        }
        let scrapes = try scrapes(session)
        #expect(scrapes.values > 15 && scrapes.noData > 5 && scrapes.failures(.permission) > 5)
        // Below zero, and a power of what counts energy.
        #expect(scrapes.failures(.implausible) > 15)
        #expect(scrapes.failures == FailureReason.allCases.reduce(0) { $0 + scrapes.failures($1) })
        let nothingNew = log.count - scrapes.count
        #expect((8...12).contains(nothingNew), "\(nothingNew)")
        // A look at the clock is a microsecond here.
        #expect(scrapes.nanoseconds == Int64(scrapes.count) * 1000)
        #expect(result(session) == .failed)
    }

    @Test func scrapesAddUp() {
        var one = MeterScrapes()
        for reason in [ENODEV, EACCES, ETIMEDOUT, EBUSY, EPIPE, EBADMSG, EIO] {
            one.note(.failed(errno: reason), isPlausible: true, took: 5)
        }
        one.note(.counter(microjoules: 1), isPlausible: true, took: .max)
        one.note(.gauge(microwatts: 1), isPlausible: false, took: .min)
        one.note(.noData(.asleep), isPlausible: true, took: 0)
        #expect(one.count == 10 && one.failures == 8)
        #expect(FailureReason.allCases.allSatisfy { one.failures($0) == 1 })
        let two = one + one
        #expect(two.count == 20 && FailureReason.allCases.allSatisfy { two.failures($0) == 2 })
        #expect(two - one == one && one - one == .zero)
        let tally = MeterTally(energy: .zero, seenNanoseconds: 0, elapsedNanoseconds: 0, scrapes: one)
        #expect((tally + tally).scrapes == two && (tally - tally).scrapes == .zero)
    }
}
