import API
import Core
import Foundation
import HTTPTypes
import Listening
import NIOCore
import Recording
import Running
import Testing

@testable import Service

@Suite("Holding the queue")
struct HoldTests {
    private let clock = StandingClock()
    private let daemon: TestDaemon

    init() throws { daemon = try TestDaemon(queueClock: clock) }

    private func hold(_ holder: String = "alice", seconds: Double = 100, id: String? = nil) async throws -> HoldTaken {
        try await daemon.queue.hold(HoldRequest(id: id, holder: holder, reason: "fans", duration: seconds))
    }

    private func state(_ id: Int) async -> JobStatus.State? { await daemon.queue.status(of: id)?.state }

    @Test("No job starts until the hold is released, and what waits says for whom")
    func released() async throws {
        let taken = try await hold()
        #expect(taken.runningJob == nil && taken.hold.until - taken.hold.since == 100)
        let job = try await daemon.queue.submit(TestDaemon.request())
        #expect(try await eventually { await daemon.queue.status(of: job.id)?.waitsFor?.contains("alice") == true })
        #expect(await state(job.id) == .queued)
        #expect(await daemon.queue.holds.map(\.id) == [taken.hold.id])
        let ended = try await daemon.queue.release(taken.hold.id)
        #expect(ended.released.map(\.holder) == ["alice"])
        #expect(try await eventually { await state(job.id) == .completed })
        #expect(await daemon.queue.status(of: job.id)?.waitsFor == nil)
        #expect(await daemon.queue.holds.isEmpty)
    }

    @Test("A hold ends with its time, and the queue goes on by itself")
    func ends() async throws {
        _ = try await hold(seconds: 100)
        let job = try await daemon.queue.submit(TestDaemon.request())
        let next = try await daemon.queue.submit(TestDaemon.request())
        #expect(try await eventually { await daemon.queue.status(of: next.id)?.waitsFor != nil })
        clock.forward(seconds: 99)
        #expect(await daemon.queue.holds.count == 1)
        clock.forward(seconds: 1)
        #expect(await daemon.queue.holds.isEmpty)
        #expect(try await eventually { await state(job.id) == .completed })
        #expect(try await eventually { await state(next.id) == .completed })
    }

    @Test("A renewed hold lives on; one whose holder died ends, and its id is nobody's")
    func renewed() async throws {
        let first = try await hold("a", seconds: 120)
        let second = try await hold("b", seconds: 120)
        clock.forward(seconds: 100)
        let again = try await hold("a", seconds: 120, id: first.hold.id)
        #expect(again.hold.id == first.hold.id && again.hold.since == first.hold.since)
        clock.forward(seconds: 100)
        #expect(await daemon.queue.holds.map(\.id) == [first.hold.id])
        let error = await #expect(throws: UserError.self) { try await hold("b", seconds: 120, id: second.hold.id) }
        #expect(error?.kind == .notFound)
        await #expect(throws: UserError.self) { try await daemon.queue.release(second.hold.id) }
        // Without an id all of them end, and where there is none that is no error.
        #expect(try await daemon.queue.release(nil).released.map(\.id) == [first.hold.id])
        #expect(try await daemon.queue.release(nil).released.isEmpty)
    }

    @Test("The job that runs goes on, and the holder is told of it")
    func running() async throws {
        let job = try await daemon.queue.submit(TestDaemon.request(suiteText: TestDaemon.suite(sleep: 600)))
        #expect(try await eventually { await state(job.id) == .running })
        let waiting = try await daemon.queue.submit(TestDaemon.request())
        let taken = try await hold()
        #expect(taken.runningJob == job.id)
        #expect(await state(job.id) == .running)
        _ = await daemon.queue.cancel(job.id)
        #expect(try await eventually { await state(job.id) == .cancelled })
        #expect(try await eventually { await daemon.queue.status(of: waiting.id)?.waitsFor != nil })
        let again = try await hold(id: taken.hold.id)
        #expect(again.runningJob == nil)
        #expect(await state(waiting.id) == .queued)
        await daemon.stop()
    }

    @Test(
        "What cannot be is refused",
        arguments: [
            #"{"duration_s":10}"#, #"{"holder":"a"}"#, #"{"holder":"","duration_s":10}"#,
            #"{"holder":"a","duration_s":0}"#,
            #"{"holder":"a","duration_s":1e9}"#, #"{"holder":"a\u001b[2J","duration_s":10}"#,
            #"{"holder":"a","duration_s":-5}"#,
            #"{"holder":"a","reason":"","duration_s":10}"#, #"{"holder":"a","duration_s":10,"forever":true}"#,
        ])
    func refused(_ body: String) async throws {
        let answer = try await daemon.routes.router().execute(
            uri: "/v1/hold", method: .post, body: ByteBuffer(string: body))
        #expect(answer.status == .badRequest, "\(String(buffer: answer.body))")
        #expect(await daemon.queue.holds.isEmpty)
    }

    @Test("There are only so many at a time")
    func many() async throws {
        for number in 0..<QueueHolds.most { _ = try await hold("\(number)") }
        let refusal = await #expect(throws: Refusal.self) { try await hold("one more") }
        #expect(refusal?.status == .serviceUnavailable)
        clock.forward(seconds: 100)
        _ = try await hold("later")
    }

    @Test("The status, the metrics and those who follow the queue are told")
    func told() async throws {
        let router = daemon.routes.router()
        func held() async throws -> Bool {
            let text = String(buffer: try await router.execute(uri: "/metrics", method: .get).body)
            #expect(text.contains("\ntaskwatt_queue_held 0\n") != text.contains("\ntaskwatt_queue_held 1\n"))
            return text.contains("\ntaskwatt_queue_held 1\n")
        }
        #expect(try await !held())
        var news = await daemon.queue.news().makeAsyncIterator()
        #expect(await news.next()?.holds?.isEmpty == true)
        let answer = try await router.execute(
            uri: "/v1/hold", method: .post, body: ByteBuffer(string: #"{"holder":"alice","duration_s":60}"#))
        #expect(answer.status == .ok)
        let taken = try JSONDecoder().decode(HoldTaken.self, from: Data(answer.body.readableBytesView))
        #expect(await news.next()?.holds?.map(\.holder) == ["alice"])
        #expect(try await held())
        let none = try await router.execute(uri: "/v1/hold?id=other", method: .delete)
        #expect(none.status == .notFound)
        let ended = try await router.execute(uri: "/v1/hold?id=\(taken.hold.id)", method: .delete)
        #expect(ended.status == .ok)
        #expect(await news.next()?.holds?.isEmpty == true)
        #expect(try await !held())
    }

    @Test("Who may only read cannot hold the queue")
    func reading() async throws {
        let answer = try await daemon.routes.router(.reading).execute(
            uri: "/v1/hold", method: .post, body: ByteBuffer(string: #"{"holder":"a","duration_s":60}"#))
        #expect(answer.status == .forbidden)
        #expect(await daemon.queue.holds.isEmpty)
    }
}

@Suite("The job of a batch system in the record")
struct BatchJobTests {
    @Test("It is kept with the machine's state, and what cannot be is refused")
    func kept() async throws {
        let daemon = try TestDaemon()
        var request = TestDaemon.request()
        var job = JobContext(.slurm)
        (job.cluster, job.jobID, job.node, job.isExclusive) = ("deep", "4711", "n1", true)
        request.batchJob = job
        let status = try await daemon.queue.submit(request)
        #expect(try await eventually { await daemon.queue.status(of: status.id)?.state == .completed })
        let uuid = try #require(await daemon.queue.status(of: status.id)?.suiteRun)
        let suite = try #require(try daemon.store.suite(uuid))
        let state = try JSONDecoder().decode([String: JSONValue].self, from: Data(suite.machineState.utf8))
        let kept = try JSONDecoder().decode(JobContext.self, from: JSONEncoder().encode(state[JobContext.key]))
        #expect(kept == job)

        request.batchJob?.node = "a\u{1B}"
        #expect(throws: OutOfBounds.self) { try request.suite(for: daemon.context.plugins) }
        // Outside of any job there is nothing of it.
        let other = try await daemon.queue.submit(TestDaemon.request())
        #expect(try await eventually { await daemon.queue.status(of: other.id)?.state == .completed })
        let second = try #require(await daemon.queue.status(of: other.id)?.suiteRun)
        #expect(try daemon.store.suite(second)?.machineState == "{}")
        await daemon.stop()
    }
}
