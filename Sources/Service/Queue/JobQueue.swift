package import API
import Core
import Foundation
import Host
import Listening
import Logging
import Metering
import Recording
import Reporting
import Running
import ServiceLifecycle

/// The daemon's queue: one suite at a time, in the order in which they came. It is kept in the record, so that what waits goes on
/// when the daemon is back, and what was cut off is tried again where its suite says so.
package actor JobQueue {
    /// The events that are kept of a job.
    private static let longestHistory = Job.mostWaiting / 2
    /// Of so many ended jobs it is known how they ended, and of so many what happened in them.
    private static let mostJobs = 100
    private static let mostHistories = 10
    /// So many may wait: weeks of suites, of which each is kept in memory with its text.
    static let mostWaiting = 256
    /// Of all that wait, the texts in bytes.
    static let mostWaitingText = 32 << 20

    private let execution: SuiteExecution
    private let journal: any JobJournal
    private let clock: any MeteringClock
    private let pace: Pace
    private let listings: @Sendable () async throws -> [MeterListing]
    private let logger: Logger
    private(set) var jobs: [Int: Job] = [:]
    /// How many jobs ended, by how; those that are forgotten too, and those of the daemons before.
    private var ended: [JobStatus.State: Int]
    private var running: (id: Int, task: Task<Void, Never>)?
    private var isStopping = false
    /// Whether a job is being taken; who waits to be next.
    private var isAdding = false
    private var adders: [CheckedContinuation<Void, Never>] = []
    /// Beats while this actor answers.
    nonisolated let heartbeat = Heartbeat()
    private var followers = Multicast<JobNews>(backlog: 1000, lagging: .isLetGo)
    /// The loop, when it waits for something to change.
    private var sleeper: CheckedContinuation<Void, Never>?
    private var idle: IdleWatch
    private var queueHolds = QueueHolds()

    /// - Parameter context: the machine whose load is looked at, and its clock.
    /// - Throws: `StoreError` where the record's jobs cannot be read or written.
    init(
        execution: SuiteExecution, store: Store, journal: (any JobJournal)? = nil, context: RunnerContext,
        pace: Pace = Pace(), logger: Logger,
        listings: @escaping @Sendable () async throws -> [MeterListing]
    ) throws {
        self.execution = execution
        self.journal = journal ?? QueuedWriter(store)
        clock = context.clock
        self.pace = pace
        self.logger = logger
        self.listings = listings
        idle = IdleWatch(context.host, clock: context.clock, seconds: pace.idleSeconds)
        jobs = try Self.restored(store, at: context.clock.wallTime(), logger)
        ended = Dictionary(
            try store.jobCounts().compactMap { name, total in JobStatus.State(rawValue: name).map { ($0, total) } }
        ) { $1 }
    }

    package var statuses: [JobStatus] { jobs.values.map(\.status).sorted { $0.id < $1.id } }

    /// How many jobs there are, by state, and how many ever ended.
    var counts: (now: [JobStatus.State: Int], ended: [JobStatus.State: Int]) {
        (Dictionary(jobs.values.map { ($0.state, 1) }, uniquingKeysWith: +), ended)
    }

    func status(of id: Int) -> JobStatus? { jobs[id]?.status }

    /// Who holds the queue now.
    var holds: [HoldStatus] { queueHolds.live(at: clock.now()) }
    var runningJob: Int? { running?.id }

    /// Takes or releases a hold, and looks what may run now.
    func changeHolds<Value>(
        _ change: (inout QueueHolds, _ now: MonotonicTime, _ wall: Double) throws -> Value
    ) rethrows -> Value {
        let value = try change(&queueHolds, clock.now(), clock.wallTime())
        followers.tell(JobNews(jobs: [], holds: holds))
        wake()
        return value
    }

    /// The last jobs of a schedule, the latest first.
    func statuses(ofSchedule name: String) async throws -> [JobStatus] {
        try await journal.jobs(ofSchedule: name, most: 20).map { stored in
            if let job = jobs[Int(stored.id)] { return job.status }
            return JobStatus(stored, try JobRequest(stored))
        }
    }

    /// Takes a job that has been checked. One of a schedule whose last one still waits or runs is that one: a machine that is
    /// busy for weeks shall not be measured for days thereafter.
    ///
    /// - Throws: `UserError` while the daemon stops, `Refusal` when too many wait, `StoreError`.
    func submit(_ request: JobRequest) async throws -> JobStatus {
        // One at a time: what is looked at here must still be so when the job is kept.
        await beginAdding()
        defer { endAdding() }
        guard !isStopping else {
            throw UserError(.failed, "the daemon is stopping", remedy: "submit again when it is back")
        }
        if let schedule = request.schedule,
            let same = jobs.values.first(where: { $0.stored.schedule == schedule && !$0.state.isEnd })
        {
            return same.status
        }
        let others = waiting
        guard others.count < Self.mostWaiting,
            others.reduce(request.suiteText.utf8.count, { $0 + $1.request.suiteText.utf8.count })
                <= Self.mostWaitingText
        else {
            throw Refusal.tooMany(
                "\(others.count) jobs wait already, as many as the queue takes",
                remedy: "submit again when some have run, or take some out (`taskwatt status` lists them, "
                    + "`taskwatt cancel JOB` takes one out)",
                again: 60)
        }
        var stored = StoredJob(
            state: JobStatus.State.queued.rawValue,
            request: String(decoding: try JSONEncoder().encode(request), as: UTF8.self), schedule: request.schedule,
            submittedAt: clock.wallTime())
        stored.id = try await journal.add(stored)
        var event = RunEvent(.queued)
        if let running { event.message = "waiting for job \(running.id)" }
        let job = Job(stored: stored, request: request, retries: request.retries, history: [event])
        jobs[Int(stored.id)] = job
        watchDeadline(of: Int(stored.id))
        wake()
        followers.tell(JobNews(jobs: [job.status], event: event))
        return job.status
    }

    /// Ends a job, whether it waits or runs.
    func cancel(_ id: Int) async -> JobStatus? {
        guard let job = jobs[id] else { return nil }
        if running?.id == id, !job.isEnding {
            jobs[id]?.isCancelled = true
            running?.task.cancel()
        } else if job.state == .queued {
            await finish(id, .cancelled, failures: [job.cancelledWords])
        }
        return jobs[id]?.status
    }

    /// Waits until no other job is being taken.
    private func beginAdding() async {
        if isAdding {
            await withCheckedContinuation { adders.append($0) }
        } else {
            isAdding = true
        }
    }

    private func endAdding() {
        if adders.isEmpty { isAdding = false } else { adders.removeFirst().resume() }
    }

    // MARK: Followers

    /// What has happened so far, then what happens, until the job's end. Without an end it breaks off where the daemon stops and
    /// the job stays.
    func events(of id: Int) -> AsyncStream<RunEvent>? {
        guard let job = jobs[id] else { return nil }
        switch job.state {
        case .queued, .running: break
        case .completed, .failed, .interrupted, .cancelled, .skipped: jobs[id]?.followers.finish()
        }
        return jobs[id]?.followers.add(job.history) { [weak self] follower in
            Task { await self?.drop(follower, of: id) }
        }
    }

    private func drop(_ follower: Int, of id: Int) { jobs[id]?.followers.drop(follower) }

    /// - Returns: what is to be kept of the job, where the event changes it.
    @discardableResult
    private func tell(_ event: RunEvent, _ id: Int) -> StoredJob? {
        guard var job = jobs.removeValue(forKey: id) else { return nil }
        let isNew = event.suiteRun.map { $0 != job.stored.suiteRun } ?? false
        if isNew { job.stored.suiteRun = event.suiteRun }
        if event.event == .stage || event.event == .progress { job.progress = event }
        if event.event != .progress {
            if job.history.count == Self.longestHistory { job.history.removeFirst() }
            job.history.append(event)
        }
        job.followers.tell(event)
        jobs[id] = job
        followers.tell(JobNews(jobs: [job.status], event: event))
        return isNew ? job.stored : nil
    }

    /// All jobs as they are, then what happens in any of them, until the daemon stops.
    func news() -> AsyncStream<JobNews> {
        followers.add([JobNews(jobs: statuses, holds: holds)]) { [weak self] id in Task { await self?.dropFollower(id) }
        }
    }

    private func dropFollower(_ id: Int) { followers.drop(id) }

    // MARK: The record

    /// What the record has of the time before. What was being done then was cut off.
    private static func restored(_ store: Store, at time: Double, _ logger: Logger) throws -> [Int: Job] {
        var jobs: [Int: Job] = [:]
        for stored in try store.jobs(ended: mostJobs) {
            guard let request = try? JobRequest(stored) else { continue }
            var job = Job(stored: stored, request: request, retries: request.retries)
            if job.state == .running {
                job.cutOff(at: time)
                try store.update(job.stored)
                let fate = job.state == .queued ? "it is tried again" : "finished repeats are kept"
                logger.warning("job \(stored.id) (\(request.suite)) was interrupted; \(fate)", metadata: job.fields)
            }
            let waiting = stored.attempts == 0 ? RunEvent(.queued) : RunEvent.tryingAgain
            job.history = [job.state == .queued ? waiting : job.endEvent]
            jobs[Int(stored.id)] = job
        }
        return jobs
    }

    /// A disk that is full keeps nothing: the job goes on all the same, and what it measures says so itself.
    private func keep(_ stored: StoredJob) async {
        do {
            try await journal.update(stored)
        } catch {
            logger.error("job \(stored.id): its state cannot be saved: \(error)")
        }
    }

    /// Ends a job: it is kept first, so that nobody is told of an end that a power cut takes back.
    private func finish(_ id: Int, _ state: JobStatus.State, failures: [String]) async {
        guard var stored = jobs[id]?.stored, jobs[id]?.isEnding == false else { return }
        jobs[id]?.isEnding = true
        stored.state = state.rawValue
        stored.failures = failures
        stored.endedAt = clock.wallTime()
        await keep(stored)
        ended[state, default: 0] += 1
        jobs[id]?.stored = stored
        jobs[id]?.waitsFor = nil
        if let job = jobs[id] { tell(job.endEvent, id) }
        jobs[id]?.followers.finish()
        forgetOldJobs()
    }

    /// A daemon lives long, and the record has what a job measured.
    private func forgetOldJobs() {
        let ended = jobs.filter { $0.value.state.isEnd }.map(\.key).sorted()
        for id in ended.dropLast(Self.mostHistories) { jobs[id]?.history.removeAll { $0.event != .finished } }
        for id in ended.dropLast(Self.mostJobs) { jobs[id] = nil }
    }

    // MARK: Running

    /// The jobs that wait, in the order in which they came.
    private var waiting: [Job] {
        jobs.values.filter { $0.state == .queued && !$0.isEnding }.sorted { $0.stored.id < $1.stored.id }
    }

    /// The first job that may run now. One that waits for an idle machine lets others pass.
    private func next() -> Int? {
        let waiting = waiting
        if let hold = holds.first {
            idle.forget()
            for job in waiting { note(job, waitsFor: hold.words) }
            return nil
        }
        for job in waiting where !job.wantsIdleMachine { note(job, waitsFor: nil) }
        // There is nothing to look at the machine for.
        guard waiting.contains(where: \.wantsIdleMachine) else {
            idle.forget()
            return waiting.first.map { Int($0.stored.id) }
        }
        let busy = idle.look()
        for job in waiting {
            let id = Int(job.stored.id)
            guard let limit = job.request.idleBelow else { return id }
            if let busy, busy <= limit { return id }
            let reason =
                busy.map {
                    "an idle machine: \(Self.percent($0)) busy, and the job waits for \(Self.percent(limit)) at most"
                }
                ?? "an idle machine"
            note(job, waitsFor: reason)
        }
        return nil
    }

    /// - Parameter reason: what it waits for beside its turn.
    private func note(_ job: Job, waitsFor reason: String?) {
        let id = Int(job.stored.id)
        guard reason != job.waitsFor else { return }
        jobs[id]?.waitsFor = reason
        if let reason, job.waitsFor == nil {
            // Once: how busy it is changes all the time.
            var event = RunEvent(.queued)
            event.message = "waiting for \(reason)"
            tell(event, id)
        } else if let status = jobs[id]?.status {
            followers.tell(JobNews(jobs: [status]))
        }
    }

    private static func percent(_ share: Double) -> String { FigureText.percent(share, digits: 1) }

    /// Skips a job when its time is over, whatever runs then.
    private func watchDeadline(of id: Int) {
        guard jobs[id]?.status.deadline != nil else { return }
        Task { [weak self] in
            while let seconds = await self?.secondsLeft(of: id), seconds > 0 {
                try await Task.sleep(for: .seconds(max(0.01, seconds)))
            }
            await self?.skipLate()
        }
    }

    /// Until its deadline, of one that waits.
    private func secondsLeft(of id: Int) -> Double? {
        guard let job = jobs[id], job.state == .queued, !isStopping else { return nil }
        return job.status.deadline.map { $0 - clock.wallTime() }
    }

    /// Skips the jobs whose time is over. When the daemon stops, what waits stays as it is.
    private func skipLate() async {
        guard !isStopping else { return }
        let now = clock.wallTime()
        for job in waiting {
            let id = Int(job.stored.id)
            guard let deadline = job.status.deadline, now >= deadline,
                // While another was kept it may have begun.
                jobs[id]?.state == .queued
            else { continue }
            let reason = (job.waitsFor ?? running.map { "job \($0.id)" }).map { "; it waited for \($0)" } ?? ""
            let begun = job.stored.attempts > 0
            let message =
                begun
                ? "it was interrupted, and its deadline passed before it could run again\(reason)"
                : "its deadline passed before it could start\(reason)"
            logger.warning("job \(job.stored.id) (\(job.request.suite)): \(message)", metadata: job.fields)
            await finish(id, begun ? .interrupted : .skipped, failures: [message])
        }
    }

    private func start(_ id: Int) -> Task<Void, Never>? {
        guard let job = jobs[id], job.state == .queued, !isStopping else { return nil }
        jobs[id]?.state = .running
        jobs[id]?.waitsFor = nil
        jobs[id]?.stored.attempts += 1
        jobs[id]?.stored.startedAt = clock.wallTime()
        jobs[id]?.stored.suiteRun = nil
        jobs[id]?.progress = nil
        idle.forget()
        let begun = jobs[id]?.stored
        if let status = jobs[id]?.status { followers.tell(JobNews(jobs: [status])) }
        let (events, continuation) = AsyncStream.makeStream(of: RunEvent.self)
        let task = Task {
            if let begun { await keep(begun) }
            async let telling: Void = {
                for await event in events {
                    if let changed = await self.tell(event, id) { await self.keep(changed) }
                }
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
            await end(id, result)
        }
        running = (id, task)
        return task
    }

    /// What has become of the job that ran.
    private func end(_ id: Int, _ result: SuiteResult) async {
        // Events may not have told it: what was cancelled early has a record and no window.
        if !result.suiteRun.isEmpty { jobs[id]?.stored.suiteRun = result.suiteRun }
        let isCancelled = jobs[id]?.isCancelled == true && result.status == .interrupted
        if isCancelled, let words = jobs[id]?.cancelledWords {
            return await finish(id, .cancelled, failures: result.failures + [words])
        }
        // The daemon's stop cut it off, and not a user.
        if isStopping, result.status == .interrupted, var job = jobs[id] {
            job.cutOff(at: clock.wallTime())
            guard job.state == .queued else {
                return await finish(id, .interrupted, failures: result.failures + job.stored.failures)
            }
            jobs[id] = job
            await keep(job.stored)
            jobs[id]?.followers.finish()
            return
        }
        await finish(id, JobStatus.State(result.status), failures: result.failures)
    }

    /// Ends what runs. What waits stays in the record.
    private func stop() {
        isStopping = true
        running?.task.cancel()
        for job in waiting { jobs[Int(job.stored.id)]?.followers.finish() }
        wake()
    }

    // MARK: Waiting

    /// Waits until something changes.
    private func sleep() async {
        var alarm: Task<Void, any Error>?
        if waiting.contains(where: { $0.wantsIdleMachine || $0.waitsFor != nil }) {
            alarm = Task {
                try await Task.sleep(for: .seconds(pace.lookSeconds))
                wake()
            }
        }
        await withCheckedContinuation { sleeper = $0 }
        alarm?.cancel()
    }

    private func wake() {
        sleeper?.resume()
        sleeper = nil
    }

    private func logEnd(of id: Int) {
        guard let job = jobs[id] else { return }
        guard job.state.isEnd else {
            return logger.warning("job \(id) was interrupted, and will run again", metadata: job.fields)
        }
        let why = job.stored.failures.isEmpty ? "" : ": " + job.stored.failures.joined(separator: "; ")
        logger.log(
            level: job.state == .failed ? .error : job.state == .interrupted ? .warning : .info,
            "job \(id) ended: \(job.stored.state)\(why)",
            metadata: job.fields)
    }

    private func runJobs() async {
        for job in waiting { watchDeadline(of: Int(job.stored.id)) }
        while !isStopping {
            await skipLate()
            guard let id = next(), let task = start(id) else {
                await sleep()
                continue
            }
            logger.info("job \(id) begins", metadata: jobs[id]?.fields)
            await task.value
            running = nil
            logEnd(of: id)
        }
    }
}

extension JobQueue: Service {
    /// Runs jobs until the daemon stops; the job of that moment is cancelled and its plugin ended before this returns.
    package func run() async throws {
        async let beating: Void = beat()
        await withTaskCancellationOrGracefulShutdownHandler {
            await runJobs()
        } onCancelOrGracefulShutdown: {
            Task { await self.stop() }
        }
        _ = await beating
        followers.finish()
    }

    /// Shows the watchdog that the queue answers.
    private func beat() async {
        while !isStopping, !Task.isCancelled, !Task.isShuttingDownGracefully {
            heartbeat.beat()
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1)) }
        }
    }
}
