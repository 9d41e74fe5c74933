import API
import Client
import Core
import Foundation
import Running
import Synchronization
import TestSupport
import Testing

@testable import Service

@Suite("What prolog and epilog do on a node")
struct NodeJobTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var path: String { "\(directory.path)/jobs" }

    private func job(_ id: String, isExclusive: Bool? = true) throws -> NodeJob {
        var job = JobContext(.slurm)
        (job.jobID, job.node, job.isExclusive) = (id, "n1", isExclusive)
        if isExclusive != nil { job.exclusiveToldBy = "SLURM_JOB_EXCLUSIVE" }
        return try NodeJob(job, directory: path)
    }

    private var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

    @Test("A job that has its node for itself has an energy, and the queue waits for its end")
    func whole() async throws {
        let served = try await ServedDaemon()
        try await job("7").begin(isWhole: false, atMost: 3600) { served.client }
        #expect(await served.daemon.queue.holds.map(\.holder) == ["slurm job 7"])
        let report = try await job("7").end(version: "1.0") { served.client }
        // A meter that counts 10 W, over however long that took.
        let energy = try #require(report.energy)
        #expect(energy.total.energy.joules > 0 && report.reason == nil && report.job.jobID == "7")
        #expect(await served.daemon.queue.holds.isEmpty && files.isEmpty)
        let document = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(report))
        guard case .object(let fields) = document else { throw CancellationError() }
        #expect(Set(fields.keys) == ["batch_job", "energy", "taskwatt_version"])
    }

    @Test(
        "Where Slurm says that it is shared, or nothing tells, there is none",
        arguments: [
            (false, false, false), (false, true, false), (nil, false, false), (nil, true, true), (true, false, true),
        ]
            as [(Bool?, Bool, Bool)])
    func told(isExclusive: Bool?, isWhole: Bool, hasEnergy: Bool) async throws {
        let served = try await ServedDaemon()
        try await job("7", isExclusive: isExclusive).begin(isWhole: isWhole, atMost: 3600) { served.client }
        let report = try await job("7", isExclusive: isExclusive).end(version: "1.0") { served.client }
        #expect((report.energy != nil) == hasEnergy && (report.reason == nil) == hasEnergy)
        #expect(await served.daemon.queue.holds.isEmpty)
    }

    @Test("Of two jobs on a node at the same time neither has an energy, whatever Slurm says; the next one has")
    func shared() async throws {
        let served = try await ServedDaemon()
        try await job("7").begin(isWhole: true, atMost: 3600) { served.client }
        try await job("8").begin(isWhole: true, atMost: 3600) { served.client }
        let first = try await job("7").end(version: "1.0") { served.client }
        #expect(first.energy == nil && first.reason?.contains("8") == true)
        // The other one is still there, and so the queue waits.
        #expect(await served.daemon.queue.holds.map(\.holder) == ["slurm job 8"])
        let second = try await job("8").end(version: "1.0") { served.client }
        #expect(second.energy == nil && second.reason?.contains("7") == true && files.isEmpty)
        try await job("9").begin(isWhole: false, atMost: 3600) { served.client }
        #expect(try await job("9").end(version: "1.0") { served.client }.energy != nil)
    }

    @Test("Without a daemon, and with one that was started anew, a job ends all the same")
    func gone() async throws {
        try await job("7").begin(isWhole: true, atMost: 3600) { nil }
        let report = try await job("7").end(version: "1.0") { nil }
        #expect(report.energy == nil && report.reason != nil && files.isEmpty)

        let served = try await ServedDaemon()
        try await job("8").begin(isWhole: true, atMost: 3600) { served.client }
        let other = try await ServedDaemon()
        let lost = try await job("8").end(version: "1.0") { other.client }
        #expect(lost.energy == nil && lost.reason != nil && files.isEmpty)
        let error = await #expect(throws: UserError.self) { try await job("8").end(version: "1.0") { served.client } }
        #expect(error?.kind == .notFound)
    }

    @Test("The hold of a job whose epilog ran out of time ends with the next job")
    func leftovers() async throws {
        let served = try await ServedDaemon()
        try await job("7").begin(isWhole: false, atMost: 3600) { served.client }
        // Its epilog finds no daemon.
        _ = try await job("7").end(version: "1.0") { nil }
        #expect(await served.daemon.queue.holds.map(\.holder) == ["slurm job 7"])
        _ = try await served.daemon.queue.hold(HoldRequest(holder: "alice", reason: "fans", duration: 60))
        try await job("8").begin(isWhole: false, atMost: 3600) { served.client }
        #expect(await Set(served.daemon.queue.holds.map(\.holder)) == ["alice", "slurm job 8"])
        #expect(try await job("8").end(version: "1.0") { served.client }.energy != nil)
    }

    @Test("What is no job of Slurm, or a number that leads elsewhere, is refused", arguments: ["", "../7", "7/8", "a"])
    func names(_ id: String) {
        #expect(throws: UserError.self) { try job(id) }
        #expect(throws: UserError.self) { try NodeJob(nil, directory: path) }
        #expect(throws: UserError.self) { try NodeJob(JobContext(.kubernetes), directory: path) }
    }

    @Test("A session whose client asked for a long lease outlives two minutes without a request")
    func leases() async throws {
        let clock = StandingClock()
        let daemon = try TestDaemon(sessionClock: clock)
        let short = try await daemon.sessions.create(SessionRequest(interval: 1, scope: nil, meters: []))
        let long = try await daemon.sessions.create(SessionRequest(interval: 1, scope: nil, meters: [], lease: 3600))
        clock.forward(seconds: 3599)
        await #expect(throws: UserError.self) { try await daemon.sessions.metering(short.id) }
        _ = try await daemon.sessions.metering(long.id)
        clock.forward(seconds: 3601)
        await #expect(throws: UserError.self) { try await daemon.sessions.metering(long.id) }
        for lease in [0, -1, 1e9, .infinity, .nan] {
            await #expect(throws: UserError.self) {
                try await daemon.sessions.create(SessionRequest(interval: 1, scope: nil, meters: [], lease: lease))
            }
        }
    }
}

@Suite("A hold while this process measures")
struct QueueHoldTests {
    @Test("It is taken, and given back")
    func taken() async throws {
        let served = try await ServedDaemon()
        let hold = try #require(
            try await QueueHold.take(served.client, holder: "a", reason: "r") { Issue.record("\($0)") })
        #expect(await served.daemon.queue.holds.map(\.holder) == ["a"])
        await hold.release()
        #expect(await served.daemon.queue.holds.isEmpty)
        // Somebody else's stays, and a second release is none.
        let other = try await served.daemon.queue.hold(HoldRequest(holder: "b", duration: 60))
        await hold.release()
        #expect(await served.daemon.queue.holds.map(\.id) == [other.hold.id])
    }

    @Test("It waits until the job of before has ended")
    func waits() async throws {
        let served = try await ServedDaemon()
        let queue = served.daemon.queue
        let job = try await queue.submit(TestDaemon.request(suiteText: TestDaemon.suite(sleep: 600)))
        #expect(try await eventually { await queue.status(of: job.id)?.state == .running })
        let notes = Mutex<[String]>([])
        async let hold = QueueHold.take(served.client, holder: "a", reason: nil) { note in
            notes.withLock { $0.append(note) }
        }
        #expect(try await eventually { notes.withLock { $0.contains { $0.contains("job \(job.id) ") } } })
        #expect(await queue.status(of: job.id)?.state == .running)
        _ = await queue.cancel(job.id)
        #expect(try await hold != nil)
        #expect(await queue.holds.map(\.holder) == ["a"])
        await served.daemon.stop()
    }

    @Test("Without a daemon there is no queue, and one that does not know holds is told of")
    func none() async throws {
        #expect(try await QueueHold.take(nil, holder: "a", reason: nil) { Issue.record("\($0)") } == nil)
        let served = try await ServedDaemon()
        let notes = Mutex<[String]>([])
        // A name that the daemon refuses stands for all that it may refuse.
        let hold = try await QueueHold.take(served.client, holder: "", reason: nil) { note in
            notes.withLock { $0.append(note) }
        }
        #expect(hold == nil && notes.withLock { $0.count } == 1)
    }
}
