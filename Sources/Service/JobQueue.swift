import Core
import Logging
import Metering
import Running
import ServiceLifecycle

/// The daemon's queue: one suite at a time, in the order in which they came.
package actor JobQueue {
    struct Job {
        var status: JobStatus
        var request: JobRequest
        /// What a late listener is told: everything but the fleeting progress, of a very long job the latest.
        var history: [RunEvent] = []
        var listeners: [Int: Listener] = [:]
    }

    /// One that follows a job. It may be slow or hang, so what waits for it has a limit.
    struct Listener {
        fileprivate var continuation: AsyncStream<RunEvent>.Continuation
        private var isLagging = false

        fileprivate init(continuation: AsyncStream<RunEvent>.Continuation) { self.continuation = continuation }

        fileprivate mutating func tell(_ event: RunEvent) {
            // Progress is worth nothing late; what matters is told in any case, the job's end before all.
            if isLagging, event.event == .progress { return }
            if case .enqueued(let room) = continuation.yield(event) {
                isLagging = room < JobQueue.longestBacklog - 100
            } else {
                isLagging = true
            }
        }
    }

    /// The events that are kept of a job, and those that may wait for one listener, which has twice the room.
    private static let longestHistory = 1000
    private static let longestBacklog = 2 * longestHistory
    /// Of so many ended jobs it is known how they ended, and of so many what happened in them.
    private static let mostJobs = 100
    private static let mostHistories = 10

    private let execution: SuiteExecution
    private let listings: @Sendable () async throws -> [MeterListing]
    private let logger: Logger
    private(set) var jobs: [Int: Job] = [:]
    /// How many jobs ended, by how; those that are forgotten too.
    private var ended: [JobStatus.State: Int] = [:]
    private var nextID = 1
    private var nextListener = 1
    private var running: (id: Int, task: Task<Void, Never>)?
    private var isStopping = false
    private var followers = JobFollowers()
    private let (queue, queued) = AsyncStream.makeStream(of: Int.self)

    init(execution: SuiteExecution, logger: Logger, listings: @escaping @Sendable () async throws -> [MeterListing]) {
        self.execution = execution
        self.logger = logger
        self.listings = listings
    }

    package var statuses: [JobStatus] { jobs.values.map(\.status).sorted { $0.id < $1.id } }

    /// How many jobs there are, by state, and how many ever ended.
    var counts: (now: [JobStatus.State: Int], ended: [JobStatus.State: Int]) {
        (Dictionary(jobs.values.map { ($0.status.state, 1) }, uniquingKeysWith: +), ended)
    }

    func status(of id: Int) -> JobStatus? { jobs[id]?.status }

    func submit(_ request: JobRequest) throws -> JobStatus {
        guard !isStopping else { throw APIError(.failed, "the daemon is stopping; submit again when it is back") }
        let id = nextID
        nextID += 1
        let status = JobStatus(id: id, suite: request.suite, state: .queued, suiteRun: nil, failures: [])
        var event = RunEvent(.queued)
        if let running { event.message = "waiting for job \(running.id)" }
        jobs[id] = Job(status: status, request: request, history: [event])
        queued.yield(id)
        followers.tell(JobNews(jobs: [status], event: event))
        return status
    }

    /// Ends a job, whether it waits or runs.
    func cancel(_ id: Int) -> JobStatus? {
        guard let job = jobs[id] else { return nil }
        if running?.id == id {
            running?.task.cancel()
        } else if job.status.state == .queued {
            finish(id, SuiteResult(suiteRun: "", status: .interrupted, failures: []))
        }
        return jobs[id]?.status
    }

    /// What has happened so far, then what happens, until the job's end.
    func events(of id: Int) -> AsyncStream<RunEvent>? {
        guard let job = jobs[id] else { return nil }
        let (stream, continuation) = AsyncStream.makeStream(
            of: RunEvent.self, bufferingPolicy: .bufferingNewest(Self.longestBacklog))
        for event in job.history { continuation.yield(event) }
        switch job.status.state {
        case .queued, .running:
            let listener = nextListener
            nextListener += 1
            jobs[id]?.listeners[listener] = Listener(continuation: continuation)
            continuation.onTermination = { [weak self] _ in
                Task { await self?.drop(listener, of: id) }
            }
        case .completed, .failed, .interrupted: continuation.finish()
        }
        return stream
    }

    private func drop(_ listener: Int, of id: Int) { jobs[id]?.listeners[listener] = nil }

    private func tell(_ event: RunEvent, _ id: Int) {
        guard var job = jobs.removeValue(forKey: id) else { return }
        if let uuid = event.suiteRun { job.status.suiteRun = uuid }
        if event.event != .progress {
            if job.history.count == Self.longestHistory { job.history.removeFirst() }
            job.history.append(event)
        }
        for listener in job.listeners.keys { job.listeners[listener]?.tell(event) }
        jobs[id] = job
        followers.tell(JobNews(jobs: [job.status], event: event))
    }

    /// All jobs as they are, then what happens in any of them, until the daemon stops.
    func news() -> AsyncStream<JobNews> {
        followers.add(JobNews(jobs: statuses)) { [weak self] id in Task { await self?.dropFollower(id) } }
    }

    private func dropFollower(_ id: Int) { followers.drop(id) }
    private func dropFollowers() { followers.dropAll() }

    private func finish(_ id: Int, _ result: SuiteResult) {
        let state: JobStatus.State =
            switch result.status {
            case .completed: .completed
            case .failed: .failed
            case .interrupted: .interrupted
            }
        ended[state, default: 0] += 1
        jobs[id]?.status.state = state
        jobs[id]?.status.failures = result.failures
        var event = RunEvent(.finished)
        event.status = result.status
        event.message = result.failures.isEmpty ? nil : result.failures.joined(separator: "\n")
        // Where the record itself failed, there is no result to say it, and what was kept before is there all the same.
        event.suiteRun = result.suiteRun.isEmpty ? jobs[id]?.status.suiteRun : result.suiteRun
        tell(event, id)
        for listener in jobs[id]?.listeners.values ?? [:].values { listener.continuation.finish() }
        jobs[id]?.listeners = [:]
        forgetOldJobs()
    }

    /// A daemon lives long, and the record has what a job measured.
    private func forgetOldJobs() {
        let ended = jobs.values.filter { $0.status.state != .queued && $0.status.state != .running }.map(\.status.id)
            .sorted()
        for id in ended.dropLast(Self.mostHistories) { jobs[id]?.history.removeAll { $0.event != .finished } }
        for id in ended.dropLast(Self.mostJobs) { jobs[id] = nil }
    }

    // MARK: Running

    private func start(_ id: Int) -> Task<Void, Never>? {
        guard let job = jobs[id], job.status.state == .queued, !isStopping else { return nil }
        jobs[id]?.status.state = .running
        let (events, continuation) = AsyncStream.makeStream(of: RunEvent.self)
        let task = Task {
            async let telling: Void = {
                for await event in events { await self.tell(event, id) }
            }()
            var result: SuiteResult
            do {
                result = try await execution.run(job.request, listings: try await listings()) { continuation.yield($0) }
            } catch is CancellationError {
                result = SuiteResult(suiteRun: "", status: .interrupted, failures: [])
            } catch {
                result = SuiteResult(suiteRun: "", status: .failed, failures: ["\(error)"])
            }
            continuation.finish()
            await telling
            finish(id, result)
        }
        running = (id, task)
        return task
    }

    private func stop() {
        isStopping = true
        queued.finish()
        running?.task.cancel()
        for id in jobs.keys where jobs[id]?.status.state == .queued {
            finish(id, SuiteResult(suiteRun: "", status: .interrupted, failures: []))
        }
    }

    private func clearRunning() { running = nil }
}

extension JobQueue: Service {
    /// Runs jobs until the daemon stops; the job of that moment is cancelled and its plugin ended before this returns.
    package func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            for await id in queue {
                guard let task = start(id) else { continue }
                logger.info("job \(id) begins")
                await task.value
                clearRunning()
                logger.info("job \(id) ended: \(jobs[id]?.status.state.rawValue ?? "gone")")
            }
        } onCancelOrGracefulShutdown: {
            Task { await self.stop() }
        }
        dropFollowers()
    }
}
