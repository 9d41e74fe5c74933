import Core
import Logging
import Metering
import Running
import ServiceLifecycle

/// The daemon's queue: one suite at a time, in the order in which they came.
package actor JobQueue {
    private struct Job {
        var status: JobStatus
        var request: JobRequest
        /// What a late listener is told: everything but the fleeting progress.
        var history: [RunEvent] = []
        var listeners: [Int: AsyncStream<RunEvent>.Continuation] = [:]
    }

    private let execution: SuiteExecution
    private let listings: @Sendable () -> [MeterListing]
    private let logger: Logger
    private var jobs: [Int: Job] = [:]
    private var nextID = 1
    private var nextListener = 1
    private var running: (id: Int, task: Task<Void, Never>)?
    private var isStopping = false
    private let (queue, queued) = AsyncStream.makeStream(of: Int.self)

    init(execution: SuiteExecution, logger: Logger, listings: @escaping @Sendable () -> [MeterListing]) {
        self.execution = execution
        self.logger = logger
        self.listings = listings
    }

    package var statuses: [JobStatus] { jobs.values.map(\.status).sorted { $0.id < $1.id } }

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
        let (stream, continuation) = AsyncStream.makeStream(of: RunEvent.self, bufferingPolicy: .bufferingNewest(1000))
        for event in job.history { continuation.yield(event) }
        switch job.status.state {
        case .queued, .running:
            let listener = nextListener
            nextListener += 1
            jobs[id]?.listeners[listener] = continuation
            continuation.onTermination = { [weak self] _ in
                Task { await self?.drop(listener, of: id) }
            }
        case .completed, .failed, .interrupted: continuation.finish()
        }
        return stream
    }

    private func drop(_ listener: Int, of id: Int) { jobs[id]?.listeners[listener] = nil }

    private func tell(_ event: RunEvent, _ id: Int) {
        guard jobs[id] != nil else { return }
        if let uuid = event.suiteRun { jobs[id]?.status.suiteRun = uuid }
        if event.event != .progress { jobs[id]?.history.append(event) }
        for listener in jobs[id]?.listeners.values ?? [:].values { listener.yield(event) }
    }

    private func finish(_ id: Int, _ result: SuiteResult) {
        let state: JobStatus.State =
            switch result.status {
            case .completed: .completed
            case .failed: .failed
            case .interrupted: .interrupted
            }
        jobs[id]?.status.state = state
        jobs[id]?.status.failures = result.failures
        var event = RunEvent(.finished)
        event.status = result.status
        event.message = result.failures.isEmpty ? nil : result.failures.joined(separator: "\n")
        event.suiteRun = result.suiteRun.isEmpty ? nil : result.suiteRun
        tell(event, id)
        for listener in jobs[id]?.listeners.values ?? [:].values { listener.finish() }
        jobs[id]?.listeners = [:]
        forgetOldJobs()
    }

    /// A daemon lives long; the record has what a job measured, so of the jobs themselves the last hundred will do.
    private func forgetOldJobs() {
        let ended = jobs.values.filter { $0.status.state != .queued && $0.status.state != .running }.map(\.status.id).sorted()
        for id in ended.dropLast(100) { jobs[id] = nil }
    }

    // MARK: Running

    private func start(_ id: Int) -> Task<Void, Never>? {
        guard let job = jobs[id], job.status.state == .queued, !isStopping else { return nil }
        jobs[id]?.status.state = .running
        let (events, continuation) = AsyncStream.makeStream(of: RunEvent.self, bufferingPolicy: .bufferingNewest(1000))
        let task = Task {
            async let telling: Void = {
                for await event in events { await self.tell(event, id) }
            }()
            var result: SuiteResult
            do {
                result = try await execution.run(job.request, listings: listings()) { continuation.yield($0) }
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
    }
}
