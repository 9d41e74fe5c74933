import Accounting
import Core
import Foundation
import Glibc
import Host
import Metering
import Synchronization
import TestSupport
import Testing

@testable import PolledMeters

@Suite struct PolledReaderTests {
    private func plug(_ server: TestServer, period: Double, quantity: String = "power") async throws -> MeterListing {
        try #require(
            try await discover(
                "meters: [{name: m, type: tasmota, address: \"\(server.url)\", period_s: \(period), "
                    + "quantity: \(quantity)}]"
            ).first)
    }

    private static func watts(_ watts: Double) -> Answer { .json(#"{"StatusSNS":{"ENERGY":{"Power":\#(watts)}}}"#) }

    /// A gauge whose figure is the number of the poll.
    private final class Counting: Sendable {
        let polls = Mutex<[MonotonicTime]>([])
        let time = StandingTime()
        var count: Int { polls.withLock(\.count) }

        func poll(_ limit: Double) async throws(DeviceError) -> DeviceValue {
            let number = polls.withLock { polls in
                polls.append(time.now())
                return polls.count
            }
            return DeviceValue(Double(number), .watt, step: 1)
        }
    }

    /// Two sessions of one process measure with one plug: it is asked once a period for both.
    @Test func readersOfOneNameShareThePolls() async throws {
        let device = Counting()
        let name = UUID().uuidString
        let schedule = PollSchedule(periodSeconds: 0.1)
        func reader() -> PolledReader {
            PolledReader(kind: .gauge, schedule: schedule, sharedAs: name, time: device.time.time, poll: device.poll)
        }
        var first: PolledReader? = reader()
        await device.time.go(seconds: 0.55)
        #expect(device.count == 6)
        let second = reader()
        // It begins with what is known.
        #expect(second.read() == .gauge(microwatts: 6_000_000))
        await device.time.go(seconds: 0.5)
        #expect(device.count == 11)
        #expect(first?.read() == .gauge(microwatts: 8_000_000))
        // The end of one is not the end of the other.
        first = nil
        while second.read().isAnswer {}
        await device.time.go(seconds: 0.1)
        #expect(second.read() == .gauge(microwatts: 12_000_000))
    }

    @Test func eachReadingIsTakenOnceWithTheTimeOfItsRequest() async throws {
        let server = try TestServer { _ in Self.watts(12) }
        // The first reading is the one by which it was found; it is asked again when there can be something new.
        let before = Clocks.monotonic()
        let listing = try await plug(server, period: 60)
        let reader = listing.open()
        #expect(await next(reader) == .gauge(microwatts: 12_000_000))
        let time = try #require(reader.readTime)
        #expect(time > before && time < Clocks.monotonic())
        #expect(reader.read() == .nothingNew)
        #expect(reader.readTime == time)
    }

    /// The time is the middle of the request, for the device made its figure somewhere in it.
    @Test func aSlowAnswerIsTimedInItsMiddle() async throws {
        let time = StandingTime()
        let begin = time.now()
        let reader = PolledReader(kind: .gauge, schedule: PollSchedule(periodSeconds: 60), time: time.time) { _ in
            time.pass(seconds: 0.4)
            return DeviceValue(1, .watt, step: 1)
        }
        #expect(await next(reader) == .gauge(microwatts: 1_000_000))
        #expect(reader.readTime == begin.advanced(bySeconds: 0.2))
    }

    /// On a grid: none is lost to the time that an answer takes, and it is never asked sooner, however often it is read.
    @Test func aDeviceIsNeverAskedFasterThanItsPeriod() async throws {
        let device = Counting()
        // It asks as soon as it is made.
        let begin = device.time.now()
        let reader = PolledReader(
            kind: .gauge, schedule: PollSchedule(periodSeconds: 0.3), time: device.time.time
        ) { limit throws(DeviceError) in
            device.time.pass(seconds: 0.07)
            return try await device.poll(limit)
        }
        for _ in 0..<20 {
            await device.time.go(seconds: 0.1)
            while reader.read().isAnswer {}
        }
        let times = device.polls.withLock { $0.map { $0.seconds(since: begin) } }
        #expect(times.count == 7)
        for (index, time) in times.enumerated() { #expect(abs(time - (Double(index) * 0.3 + 0.07)) < 1e-6) }
    }

    @Test func whoIsLetGoStopsAsking() async throws {
        let device = Counting()
        do {
            let reader = PolledReader(
                kind: .gauge, schedule: PollSchedule(periodSeconds: 0.1), time: device.time.time, poll: device.poll)
            await device.time.go(seconds: 0.15)
            #expect(reader.read() == .gauge(microwatts: 1_000_000))
        }
        // Nothing waits for its next time any more, and what was asked is what it was.
        #expect(await isSo { !device.time.isWaitedFor })
        #expect(device.count == 2)
    }

    /// The failures are told, and less and less often; then all is as before.
    @Test func retriesComeLessAndLessOften() async throws {
        let device = Counting()
        let isAway = LockedFlag()
        let reader = PolledReader(
            kind: .gauge, schedule: PollSchedule(periodSeconds: 0.1), time: device.time.time
        ) { limit throws(DeviceError) in
            let value = try await device.poll(limit)
            if isAway.isSet { throw .unusable("away") }
            return value
        }
        await device.time.go(seconds: 0.05)
        isAway.set()
        await device.time.go(seconds: 5)
        let times = device.polls.withLock { polls in polls.map { $0.seconds(since: polls[0]) } }
        // After the first failure: 0.5 s, 1 s, then 2 s.
        #expect(zip(times, [0, 0.1, 0.6, 1.6, 3.6]).allSatisfy { abs($0 - $1) < 1e-6 } && times.count == 5)
        isAway.set(false)
        await device.time.go(seconds: 3)
        #expect(reader.lastError == nil)
        let asked = device.count
        await device.time.go(seconds: 1)
        #expect(device.count == asked + 10)
    }

    /// A server that goes and comes back.
    @Test func aDeviceThatGoesAndComesBack() async throws {
        let server = try TestServer { _ in Self.watts(12) }
        let listing = try await plug(server, period: 0.1)
        let reader = try #require(listing.open() as? PolledReader)
        #expect(await next(reader) == .gauge(microwatts: 12_000_000))
        server.stop()
        let failure = await first(reader) { if case .failed = $0 { true } else { false } }
        #expect(failure != nil)
        #expect(reader.lastError?.description.contains("Connection refused") == true)
        try server.start()
        #expect(await first(reader) { $0 == .gauge(microwatts: 12_000_000) } != nil)
        #expect(reader.lastError == nil)
        let asked = server.requests.count
        #expect(await isSo { server.requests.count >= asked + 3 })
    }

    @Test func oneThatStopsAnsweringFailsByItsTimeLimit() async throws {
        let hangs = LockedFlag()
        let server = try TestServer { _ in hangs.isSet ? .never : Self.watts(12) }
        let listing = try await plug(server, period: 0.1)
        let reader = try #require(listing.open() as? PolledReader)
        #expect(await next(reader) == .gauge(microwatts: 12_000_000))
        hangs.set()
        #expect(await first(reader) { $0 == .failed(errno: ETIMEDOUT) } != nil)
        #expect(reader.lastError?.reason == "no answer from \(server.url) within 1 s")
        hangs.set(false)
        #expect(await first(reader) { $0 == .gauge(microwatts: 12_000_000) } != nil)
    }

    /// No data, then a failure, then a value: three results, each with how long the device took for it.
    @Test func aDeviceThatTimesOutFailsAndOneThatHasNotAnsweredHasNoData() async throws {
        let time = StandingTime()
        let hangs = LockedFlag()
        hangs.set()
        let schedule = PollSchedule(periodSeconds: 0.5)
        let reader = PolledReader(kind: .gauge, schedule: schedule, time: time.time) {
            limit throws(DeviceError) in
            guard hangs.isSet else { return DeviceValue(3, .watt, step: 1) }
            time.pass(seconds: limit)
            throw .noAnswer(from: "plug", within: limit)
        }
        #expect(await next(reader) == .failed(errno: ETIMEDOUT))
        #expect(reader.tookNanoseconds == Int64(schedule.timeLimit * 1e9))
        #expect(reader.read() == .nothingNew)
        hangs.set(false)
        await time.go(seconds: 1)
        #expect(reader.read() == .gauge(microwatts: 3_000_000))
        #expect(reader.tookNanoseconds == 0)
        let mailbox = Mailbox()
        #expect(mailbox.take() == .noData(.notAnswered))
        mailbox.put(PolledReading(reading: .gauge(microwatts: 1), time: time.now()))
        #expect(mailbox.take() == .gauge(microwatts: 1))
        #expect(mailbox.take() == .nothingNew)
    }

    /// Only the newest wait, so that one who does not read for an hour is not told of the past hour.
    @Test func whatIsNotReadDoesNotPileUp() async throws {
        let device = Counting()
        let reader = PolledReader(
            kind: .gauge, schedule: PollSchedule(periodSeconds: 1), time: device.time.time, poll: device.poll)
        await device.time.go(seconds: 3599.5)
        var readings: [Reading] = []
        while case let reading = reader.read(), reading.isAnswer, readings.count < 100 {
            readings.append(reading)
        }
        #expect(readings == (3597...3600).map { .gauge(microwatts: $0 * 1_000_000) })
    }

    @Test func aFigureThatIsNoNumberFails() async throws {
        for number in [Double.nan, .infinity] {
            let reader = PolledReader(kind: .gauge, schedule: PollSchedule(periodSeconds: 60)) { _ in
                DeviceValue(number, .watt, step: 1)
            }
            #expect(await next(reader) == .failed(errno: EBADMSG))
        }
    }

    @Test func theScheduleOfRetries() {
        var schedule = PollSchedule(periodSeconds: 1)
        #expect((1...9).map { schedule.retryDelay(failures: $0) } == [0.5, 1, 2, 4, 8, 16, 30, 30, 30])
        #expect(schedule.retryDelay(failures: .max) == 30)
        schedule.shortestSpacing = 3
        #expect((1...4).map { schedule.retryDelay(failures: $0) } == [3, 3, 3, 4])
        #expect(PollSchedule(periodSeconds: 0.1).timeLimit == 1)
        #expect(PollSchedule(periodSeconds: 2).timeLimit == 4)
        #expect(PollSchedule(periodSeconds: 60).timeLimit == 5)
        #expect(PollSchedule(periodSeconds: 1).longestAge == 60)
        #expect(PollSchedule(periodSeconds: 60).longestAge == 300)
    }

    @Test func deadlinesStayOnTheirGrid() {
        let schedule = PollSchedule(periodSeconds: 1)
        let start = MonotonicTime(seconds: 100)
        #expect(schedule.next(after: start, from: start) == MonotonicTime(seconds: 101))
        #expect(schedule.next(after: MonotonicTime(seconds: 100.9), from: start) == MonotonicTime(seconds: 101))
        // Those that were missed are left out, not made up for.
        #expect(schedule.next(after: MonotonicTime(seconds: 107.2), from: start) == MonotonicTime(seconds: 108))
    }
}
