import Core
import Foundation
import Host
import Recording
import Running
import Synchronization
import TestSupport
import Testing

@testable import API
@testable import Service
@testable import Suites

/// A machine whose CPUs are as busy as a test says; `/proc/stat` is written anew at each look.
private final class BusyMachine: Sendable {
    let root: TemporaryDirectory
    private let ticks = Mutex((busy: 1000, idle: 1000))

    init() throws {
        root = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: "\(root.path)/proc", withIntermediateDirectories: true)
        try pass(busy: 0)
    }

    /// A second goes by, of a hundred ticks.
    func pass(busy: Int) throws {
        let (busy, idle) = ticks.withLock { ticks in
            ticks.busy += busy
            ticks.idle += 100 - busy
            return ticks
        }
        try Data("cpu  \(busy) 0 0 \(idle) 0 0 0 0 0 0\n".utf8).write(
            to: URL(fileURLWithPath: "\(root.path)/proc/stat"), options: .atomic)
    }
}

@Suite("The queue over restarts, and what it waits for")
struct KeptQueueTests {
    private func end(_ id: Int, _ daemon: TestDaemon) async throws -> RunEvent? {
        var last: RunEvent?
        for await event in try #require(await daemon.queue.events(of: id)) { last = event }
        return last
    }

    @Test("What waits when the daemon stops runs when it is back, under its number")
    func goesOn() async throws {
        let directory = try TemporaryDirectory()
        var daemon = try TestDaemon(in: directory)
        let slow = try await daemon.queue.submit(TestDaemon.request("slow", suiteText: TestDaemon.suite(sleep: 15)))
        let waiting = try await daemon.queue.submit(TestDaemon.request("waiting"))
        #expect(try await eventually { await daemon.queue.status(of: slow.id)?.state == .running })
        await daemon.stop()

        daemon = try TestDaemon(in: directory)
        #expect(try await end(waiting.id, daemon)?.status == .completed)
        let statuses = await daemon.queue.statuses
        #expect(statuses.map(\.id) == [slow.id, waiting.id])
        #expect(statuses.map(\.state) == [.interrupted, .completed])
        #expect(statuses[1].attempts == 1)
        #expect(try daemon.store.suiteRuns().map(\.suite) == ["waiting", "test"])
        let next = try await daemon.queue.submit(TestDaemon.request())
        #expect(next.id > waiting.id, "a number is never used twice")
        await daemon.stop()
    }

    /// Leaves the record as a process does that was killed: with a job, and its suite, that still run.
    private func cutOff(_ directory: TemporaryDirectory, retries: Int, attempts: Int) async throws -> Int {
        let daemon = try TestDaemon(in: directory)
        let text = "retries: \(retries)\n" + TestDaemon.suite()
        let job = try await daemon.queue.submit(TestDaemon.request("mine", suiteText: text))
        _ = try await end(job.id, daemon)
        await daemon.stop()
        var stored = try #require(try daemon.store.jobs(ended: 1).last)
        (stored.state, stored.attempts, stored.endedAt) = ("running", attempts, nil)
        try daemon.store.update(stored)
        return job.id
    }

    @Test("A job that was kept in the words of an earlier version is the same job")
    func formerWords() async throws {
        let daemon = try TestDaemon()
        let overrides =
            #"{"tasks":[],"parameters":{},"isStrict":true,"mostRepeats":7,"hasAutoCount":true,"idleSeconds":3}"#
        let text = String(decoding: try JSONEncoder().encode(TestDaemon.suite()), as: UTF8.self)
        let id = try daemon.store.add(
            StoredJob(
                state: "completed",
                request:
                    "{\"suite\":\"old\",\"suite_text\":\(text),\"meters\":[],\"overrides\":\(overrides),\"deadline_s\":60}",
                submittedAt: 5))
        let stored = try #require(try daemon.store.jobs(ended: 1).last { $0.id == id })
        let request = try JobRequest(stored)
        #expect(request.suite == "old" && request.suiteText == TestDaemon.suite() && request.deadlineSeconds == 60)
        var asked = SuiteOverrides()
        (asked.isStrict, asked.maxRepeats, asked.count, asked.idleSeconds) = (true, 7, .auto, 3)
        #expect(request.overrides == asked)
        // A client of today is told.
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(JobRequest.self, from: Data(stored.request.utf8))
        }
        await daemon.stop()
    }

    @Test("A job that was cut off is interrupted, and its finished repeats are kept")
    func interrupted() async throws {
        let directory = try TemporaryDirectory()
        let id = try await cutOff(directory, retries: 0, attempts: 1)
        let daemon = try TestDaemon(in: directory)
        let event = try #require(try await end(id, daemon))
        #expect(event.status == .interrupted)
        #expect(event.message?.contains("the daemon ended") == true)
        let status = try #require(await daemon.queue.status(of: id))
        #expect(status.state == .interrupted)
        #expect(status.endedAt != nil)
        #expect(await daemon.queue.counts.ended[.interrupted] == 1, "it ended with this daemon's start")
        let uuid = try #require(status.suiteRun)
        #expect(try daemon.store.runs(RunFilter(suiteRun: uuid)).contains { $0.record.stage == .query })
        await daemon.stop()
    }

    @Test("It is tried again as often as its suite says, with a record of its own", arguments: [1, 2])
    func retried(attempts: Int) async throws {
        let directory = try TemporaryDirectory()
        let id = try await cutOff(directory, retries: 1, attempts: attempts)
        let daemon = try TestDaemon(in: directory)
        let before = try #require(try daemon.store.suiteRuns().first?.uuid)
        let event = try #require(try await end(id, daemon))
        let status = try #require(await daemon.queue.status(of: id))
        if attempts == 1 {
            #expect(event.status == .completed, "\(event.message ?? "")")
            #expect(status.attempts == 2)
            var events: [RunEvent] = []
            for await event in try #require(await daemon.queue.events(of: id)) { events.append(event) }
            #expect(events.first?.message?.contains("will run again") == true)
            #expect(status.suiteRun != before)
            #expect(try daemon.store.suiteRuns().count == 2)
        } else {
            #expect(event.status == .interrupted, "twice is enough")
            #expect(try daemon.store.suiteRuns().count == 1)
        }
        await daemon.stop()
    }

    @Test("A stop of the daemon cuts off too; a user's word is final")
    func stopAndRetry() async throws {
        let directory = try TemporaryDirectory()
        var daemon = try TestDaemon(in: directory)
        let text = "retries: 3\n" + TestDaemon.suite(sleep: 1, count: 1, repeats: 3)
        let job = try await daemon.queue.submit(TestDaemon.request("mine", suiteText: text))
        #expect(try await eventually { await daemon.queue.status(of: job.id)?.suiteRun != nil })
        await daemon.stop()
        #expect(await daemon.queue.status(of: job.id)?.state == .queued)

        daemon = try TestDaemon(in: directory)
        #expect(try await eventually { await daemon.queue.status(of: job.id)?.state == .running })
        #expect(try daemon.store.suiteRuns().last?.status == "interrupted")
        _ = await daemon.queue.cancel(job.id)
        #expect(try await end(job.id, daemon)?.status == .interrupted)
        #expect(await daemon.queue.counts.ended == [.cancelled: 1])
        #expect(await daemon.queue.status(of: job.id)?.attempts == 2)
        await daemon.stop()

        daemon = try TestDaemon(in: directory)
        #expect(await daemon.queue.status(of: job.id)?.state == .cancelled)
        #expect(await daemon.queue.counts.ended == [.cancelled: 1], "a counter that goes on is one to alert on")
        await daemon.stop()
    }

    @Test("A job waits until the machine is idle, lets others pass, and says what it waits for")
    func idle() async throws {
        let machine = try BusyMachine()
        let clock = StandingClock()
        let daemon = try TestDaemon(machine: HostRoot(root: machine.root.path), queueClock: clock)
        func pass(_ seconds: Int, busy: Int) async throws {
            for _ in 0..<seconds {
                try machine.pass(busy: busy)
                clock.forward(seconds: 1)
                // More than one look at each second.
                try await Task.sleep(for: .milliseconds(40))
            }
        }
        var request = TestDaemon.request("idle")
        request.idleBelow = 0.05
        let job = try await daemon.queue.submit(request)
        try await pass(12, busy: 30)
        let waiting = try #require(await daemon.queue.status(of: job.id))
        #expect(waiting.state == .queued)
        #expect(waiting.waitsFor?.wholeMatch(of: /an idle machine: 30.0 % busy.* 5.0 % at most/) != nil)
        let other = try await daemon.queue.submit(TestDaemon.request("other"))
        #expect(try await end(other.id, daemon)?.status == .completed)
        #expect(await daemon.queue.status(of: job.id)?.state == .queued)
        try await pass(5, busy: 1)
        #expect(await daemon.queue.status(of: job.id)?.state == .queued, "five seconds are no sign")
        try await pass(9, busy: 1)
        #expect(try await end(job.id, daemon)?.status == .completed)
        var told: [RunEvent] = []
        for await event in try #require(await daemon.queue.events(of: job.id)) { told.append(event) }
        #expect(told.filter { $0.event == .queued }.map(\.message) == [nil, "waiting for an idle machine"])
        await daemon.stop()
    }

    @Test("A job is skipped at its deadline, and not when the one before it has ended")
    func deadlineBehindAnother() async throws {
        let daemon = try TestDaemon()
        let slow = try await daemon.queue.submit(TestDaemon.request("slow", suiteText: TestDaemon.suite(sleep: 15)))
        var request = TestDaemon.request("late")
        request.deadlineSeconds = 1
        let late = try await daemon.queue.submit(request)
        let event = try #require(try await end(late.id, daemon))
        #expect(event.message == "its deadline passed before it could start; it waited for job \(slow.id)")
        #expect(await daemon.queue.status(of: late.id)?.state == .skipped)
        #expect(await daemon.queue.status(of: slow.id)?.state == .running)
        await daemon.stop()
    }

    @Test("A job that could not begin by its deadline is skipped, and says why")
    func deadline() async throws {
        let machine = try BusyMachine()
        let daemon = try TestDaemon(machine: HostRoot(root: machine.root.path))
        var request = TestDaemon.request("late")
        (request.idleBelow, request.deadlineSeconds, request.schedule) = (0.05, 1, "nightly")
        let job = try await daemon.queue.submit(request)
        #expect(try await daemon.queue.submit(request).id == job.id, "a schedule's job is not queued twice")
        let event = try #require(try await end(job.id, daemon))
        #expect(event.status == .interrupted)
        #expect(event.message == "its deadline passed before it could start; it waited for an idle machine")
        let last = try #require(try await daemon.queue.statuses(ofSchedule: "nightly").first)
        #expect(last.state == .skipped)
        #expect(last.failures.count == 1)
        #expect(try daemon.store.suiteRuns().isEmpty)
        #expect(await daemon.queue.counts.ended[.skipped] == 1)
        let next = try await daemon.queue.submit(request)
        #expect(next.id != job.id)
        await daemon.stop()
    }

    @Test("Of a thousand jobs the record keeps the last, and each schedule's last for good")
    func forgets() throws {
        let directory = try TemporaryDirectory()
        let store = try Store(directory: directory.path)
        for index in 0..<1010 {
            _ = try store.add(
                StoredJob(
                    state: "completed", request: "{}", schedule: index < 2 ? "rare" : nil, submittedAt: Double(index)))
        }
        #expect(try store.jobs(ofSchedule: "rare", most: 9).map(\.id) == [2])
        #expect(try store.jobs(ended: 9999).count == 1001)
    }
}
