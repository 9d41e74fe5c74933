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

    /// Two sessions of one process measure with one plug: it is asked once a period for both.
    @Test func readersOfOneNameShareThePolls() async throws {
        let polls = Atomic<Int>(0)
        let poll: Poll = { _ in
            polls.add(1, ordering: .relaxed)
            return DeviceValue(5, .watt, step: 1)
        }
        let name = UUID().uuidString
        let schedule = PollSchedule(periodSeconds: 0.1)
        var first: PolledReader? = PolledReader(kind: .gauge, schedule: schedule, sharedAs: name, poll: poll)
        try await Task.sleep(for: .seconds(0.55))
        let second = PolledReader(kind: .gauge, schedule: schedule, sharedAs: name, poll: poll)
        // It begins with what is known.
        #expect(second.read() == .gauge(microwatts: 5_000_000))
        try await Task.sleep(for: .seconds(0.5))
        let count = polls.load(ordering: .relaxed)
        #expect((6...12).contains(count), "\(count)")
        #expect(first?.read() == .gauge(microwatts: 5_000_000))
        // The end of one is not the end of the other.
        first = nil
        while second.read() != .nothingNew {}
        try await Task.sleep(for: .seconds(0.3))
        #expect(second.read() == .gauge(microwatts: 5_000_000))
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
        let times = Mutex<(begin: MonotonicTime, end: MonotonicTime)?>(nil)
        let reader = PolledReader(kind: .gauge, schedule: PollSchedule(periodSeconds: 60)) { _ in
            let begin = Clocks.monotonic()
            try? await Task.sleep(for: .milliseconds(400))
            times.withLock { $0 = (begin, Clocks.monotonic()) }
            return DeviceValue(1, .watt, step: 1)
        }
        _ = await next(reader)
        let (begin, end) = try #require(times.withLock { $0 })
        let middle = begin.advanced(byNanoseconds: (end - begin) / 2)
        #expect(abs(try #require(reader.readTime).seconds(since: middle)) < 0.1)
    }

    @Test func aDeviceIsNeverAskedFasterThanItsPeriod() async throws {
        let server = try TestServer { _ in Self.watts(12) }
        let listing = try await plug(server, period: 0.3)
        let asked = server.requests.count
        let reader = listing.open()
        // However often it is read.
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            _ = reader.read()
            try await Task.sleep(for: .milliseconds(2))
        }
        let times = server.requests.dropFirst(asked).map(\.time)
        #expect((5...8).contains(times.count))
        // On a grid: a late one is followed by an early one, and none is lost to the time that an answer takes.
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 > .milliseconds(200) })
    }

    @Test func whoIsLetGoStopsAsking() async throws {
        let server = try TestServer { _ in Self.watts(12) }
        let listing = try await plug(server, period: 0.1)
        do {
            let reader = listing.open()
            #expect(await next(reader) == .gauge(microwatts: 12_000_000))
        }
        try await Task.sleep(for: .milliseconds(200))
        let asked = server.requests.count
        try await Task.sleep(for: .milliseconds(500))
        #expect(server.requests.count == asked)
    }

    /// The server goes and comes back: the failures are told, less and less often, and then all is as before.
    @Test func aDeviceThatGoesAndComesBack() async throws {
        let server = try TestServer { _ in Self.watts(12) }
        let listing = try await plug(server, period: 0.1)
        let reader = try #require(listing.open() as? PolledReader)
        #expect(await next(reader) == .gauge(microwatts: 12_000_000))
        server.stop()
        let failure = await first(reader) { if case .failed = $0 { true } else { false } }
        #expect(failure != nil)
        var times: [MonotonicTime] = []
        let end = ContinuousClock.now + .seconds(2.5)
        while ContinuousClock.now < end {
            if case .failed = await next(reader, within: 0.1), let time = reader.readTime { times.append(time) }
        }
        // After the first failure: 0.5 s, 1 s, then 2 s.
        #expect((1...3).contains(times.count))
        #expect(reader.lastError?.description.contains("Connection refused") == true)
        try server.start()
        #expect(await first(reader) { $0 == .gauge(microwatts: 12_000_000) } != nil)
        #expect(reader.lastError == nil)
        let asked = server.requests.count
        try await Task.sleep(for: .milliseconds(550))
        #expect(server.requests.count - asked >= 3)
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

    /// Only the newest wait, so that one who does not read for an hour is not told of the past hour.
    @Test func whatIsNotReadDoesNotPileUp() async throws {
        let count = Mutex(0)
        let reader = PolledReader(kind: .gauge, schedule: PollSchedule(periodSeconds: 0.02)) { _ in
            DeviceValue(
                Double(
                    count.withLock {
                        $0 += 1
                        return $0
                    }), .watt, step: 1)
        }
        while count.withLock({ $0 }) < 20 { try await Task.sleep(for: .milliseconds(10)) }
        var readings: [Reading] = []
        while case let reading = reader.read(), reading != .nothingNew, readings.count < 100 {
            readings.append(reading)
        }
        #expect((1...5).contains(readings.count))
        #expect(readings.first != .gauge(microwatts: 1_000_000))
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
