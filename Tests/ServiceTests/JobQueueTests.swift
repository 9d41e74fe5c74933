import API
import Core
import Foundation
import HTTPTypes
import Recording
import Running
import Testing

@testable import Listening
@testable import Service

@Suite("The queue")
struct JobQueueTests {
    private let daemon: TestDaemon

    init() throws { daemon = try TestDaemon() }

    private func events(_ id: Int) async throws -> [RunEvent] {
        var all: [RunEvent] = []
        for await event in try #require(await daemon.queue.events(of: id)) { all.append(event) }
        return all
    }

    @Test("A job's events begin with its queueing and end with its end")
    func events() async throws {
        let job = try await daemon.queue.submit(TestDaemon.request(suiteText: TestDaemon.suite(repeats: 2)))
        #expect(job.state == .queued)
        let events = try await events(job.id)
        #expect(events.first?.event == .queued)
        let last = try #require(events.last)
        #expect(last.event == .finished)
        #expect(last.status == .completed, "\(last.message ?? "")")
        #expect(events.filter { $0.event == .finished }.count == 1)
        let results = events.filter { $0.event == .result }
        #expect(results.map(\.stage) == [.load, .warmUp, .query, .query])
        #expect(results.map(\.run?.stage) == [.load, .warmUp, .query, .query])
        let status = try #require(await daemon.queue.status(of: job.id))
        #expect(status.state == .completed)
        #expect(status.suiteRun == last.suiteRun)
        #expect(try daemon.store.runs(RunFilter(suiteRun: last.suiteRun)).count == 4)

        // Who comes late is told the same, but for the progress.
        let late = try await self.events(job.id)
        #expect(late == events.filter { $0.event != .progress })
        #expect(await daemon.queue.events(of: 99) == nil)
        #expect(await daemon.queue.status(of: 99) == nil)
    }

    @Test(
        "So many jobs wait, and no more text than that; the next one is told to come again", arguments: [false, true])
    func full(isLong: Bool) async throws {
        let text = TestDaemon.suite(sleep: 600) + (isLong ? "\n#" + String(repeating: "x", count: (1 << 20) - 400) : "")
        let most = isLong ? JobQueue.mostWaitingText >> 20 : JobQueue.mostWaiting
        let first = try await daemon.queue.submit(TestDaemon.request(suiteText: TestDaemon.suite(sleep: 600)))
        #expect(try await eventually { await daemon.queue.status(of: first.id)?.state == .running })
        var last = first
        for _ in 0..<most { last = try await daemon.queue.submit(TestDaemon.request(suiteText: text)) }
        let refusal = await #expect(throws: Refusal.self) {
            try await daemon.queue.submit(TestDaemon.request(suiteText: text))
        }
        #expect(refusal?.status == .tooManyRequests && refusal?.headers[.retryAfter] != nil)
        #expect(refusal?.error.kind == .busy && "\(refusal?.error.description ?? "")".contains("taskwatt cancel"))
        _ = await daemon.queue.cancel(last.id)
        _ = try await daemon.queue.submit(TestDaemon.request(suiteText: text))
        await daemon.stop()
    }

    @Test("Jobs run one at a time, in the order in which they came")
    func oneAtATime() async throws {
        var ids: [Int] = []
        for name in ["first", "second", "third"] {
            ids.append(try await daemon.queue.submit(TestDaemon.request(name)).id)
        }
        for id in ids { #expect(try await events(id).last?.status == .completed) }
        let suites = try daemon.store.suiteRuns().reversed()
        #expect(suites.map(\.suite) == ["first", "second", "third"])
        for (before, after) in zip(suites, suites.dropFirst()) {
            #expect(try #require(before.endedAt) <= after.startedAt)
        }
        #expect(await daemon.queue.statuses.map(\.id) == ids)
    }

    @Test("A job that waits can be taken back, and the next one runs")
    func cancelQueued() async throws {
        let slow = try await daemon.queue.submit(TestDaemon.request("slow", suiteText: TestDaemon.suite(sleep: 15)))
        let waiting = try await daemon.queue.submit(TestDaemon.request("waiting"))
        let next = try await daemon.queue.submit(TestDaemon.request("next"))
        #expect(try await eventually { await daemon.queue.status(of: slow.id)?.state == .running })
        #expect(await daemon.queue.cancel(waiting.id)?.state == .cancelled)
        #expect(try await events(waiting.id).map(\.event) == [.queued, .finished])
        #expect(try await events(waiting.id).last?.suiteRun == nil)
        #expect(try await events(waiting.id).last?.message == "it was cancelled before it started")

        _ = await daemon.queue.cancel(slow.id)
        let end = try #require(try await events(slow.id).last)
        #expect(end.status == .interrupted, "\(end.message ?? "")")
        #expect(await daemon.queue.status(of: slow.id)?.state == .cancelled)
        #expect(end.message?.hasPrefix("it was cancelled; ") == true)
        #expect(try daemon.store.suiteRuns().first { $0.uuid == end.suiteRun }?.status == "interrupted")
        #expect(try await events(next.id).last?.status == .completed)
        #expect(try daemon.store.suiteRuns().map(\.suite) == ["next", "test"], "the one taken back left nothing")
        #expect(await daemon.queue.cancel(99) == nil)
        #expect(await daemon.queue.cancel(next.id)?.state == .completed, "what has ended stays as it ended")
    }

    @Test("A stop ends the job that runs, keeps those that wait, and takes no more")
    func stop() async throws {
        let running = try await daemon.queue.submit(TestDaemon.request("a", suiteText: TestDaemon.suite(sleep: 600)))
        let waiting = try await daemon.queue.submit(TestDaemon.request("b"))
        #expect(try await eventually { try daemon.store.suiteRuns().count == 1 })
        let ofWaiting = try #require(await daemon.queue.events(of: waiting.id))
        let start = ContinuousClock.now
        await daemon.stop()
        // The daemon has eight seconds; beside other tests all takes longer, and the inference would take ten minutes.
        #expect(start.duration(to: .now) < .seconds(120))
        #expect(await daemon.queue.status(of: running.id)?.state == .interrupted)
        #expect(try await events(running.id).last?.event == .finished)
        #expect(try daemon.store.suiteRuns().map(\.status) == ["interrupted"])
        #expect(await daemon.queue.status(of: waiting.id)?.state == .queued)
        var told: [RunEvent.Kind] = []
        for await event in ofWaiting { told.append(event.event) }
        #expect(told == [.queued], "who waits for it is not told of an end")
        await #expect(throws: UserError.self) { try await daemon.queue.submit(TestDaemon.request()) }
    }

    @Test("A job that cannot begin fails with its reason")
    func cannotBegin() async throws {
        var request = TestDaemon.request()
        request.meters = ["fake/dram"]
        let job = try await daemon.queue.submit(request)
        let end = try #require(try await events(job.id).last)
        #expect(end.status == .failed)
        #expect(end.message?.contains("permission denied") == true)
        #expect(await daemon.queue.status(of: job.id)?.failures.count == 1)
    }

    @Test("Who listens slowly loses events, but never the end; the history has a limit")
    func slowListener() async throws {
        let job = try await daemon.queue.submit(
            TestDaemon.request(suiteText: TestDaemon.suite(chatter: 5000)))
        let stream = try #require(await daemon.queue.events(of: job.id))
        #expect(try await eventually { await daemon.queue.status(of: job.id)?.state == .completed })
        var slow: [RunEvent] = []
        for await event in stream { slow.append(event) }
        #expect(slow.last?.event == .finished)
        #expect(slow.filter { $0.event == .result }.count == 3)
        #expect(slow.count <= 2000)
        let late = try await events(job.id)
        #expect(late.count == 1000)
        #expect(late.last?.event == .finished)
    }

    @Test("A listener that goes away is forgotten")
    func listenerGoes() async throws {
        let job = try await daemon.queue.submit(TestDaemon.request(suiteText: TestDaemon.suite(sleep: 15)))
        let stream = try #require(await daemon.queue.events(of: job.id))
        let listening = Task { for await _ in stream {} }
        #expect(await daemon.queue.jobs[job.id]?.followers.count == 1)
        listening.cancel()
        #expect(try await eventually { await daemon.queue.jobs[job.id]?.followers.count == 0 })
        _ = await daemon.queue.cancel(job.id)
    }

    @Test("Of many jobs the last hundred are known, and the events of the last ten")
    func forgets() async throws {
        let queue = daemon.queue
        for _ in 0..<130 {
            let job = try await queue.submit(TestDaemon.request(suiteText: "runs: []"))
            _ = await queue.cancel(job.id)
        }
        #expect(try await eventually { await queue.statuses.map(\.id) == Array(31...130) })
        let histories = await queue.jobs.values.map { ($0.status.id, $0.history.map(\.event)) }.sorted { $0.0 < $1.0 }
        #expect(histories.prefix(90).allSatisfy { $0.1 == [.finished] })
        #expect(histories.suffix(10).allSatisfy { $0.1.last == .finished })
    }
}
