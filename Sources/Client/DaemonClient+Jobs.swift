package import API
import Core
import Foundation
package import Reporting
package import Running
package import Service
import Synchronization

extension DaemonClient {
    /// Puts a suite into the queue.
    package func queue(_ request: JobRequest) async throws -> JobStatus { try await post("/v1/jobs", request) }

    /// Ends a job that waits or runs, and tells what has become of it.
    ///
    /// - Throws: `UserError` where it has ended already.
    package func cancel(_ job: Int) async throws -> JobStatus {
        let before: JobStatus = try await get("/v1/jobs/\(job)")
        guard !before.state.isEnd else {
            throw UserError(.failed, "job \(job) (\(before.suite)) has already ended: \(before.state.rawValue)")
        }
        return try await delete("/v1/jobs/\(job)")
    }

    /// The jobs of a schedule, the latest first.
    package func jobs(ofSchedule name: String) async throws -> [JobStatus] {
        try await get(Self.path("/v1/jobs", ["schedule": name]))
    }

    /// Puts a suite into the queue, and follows it to its end. It is cancelled with the caller.
    ///
    /// - Returns: how it ended, and its table; `nil` of a suite of which nothing was recorded.
    package func run(
        _ request: JobRequest, _ emit: @escaping @Sendable (RunEvent) -> Void
    ) async throws -> (SuiteResult, TableReport?) {
        let job = try await queue(request)
        var result = SuiteResult(suiteRun: "", status: .failed, failures: [])
        // Each session has a record of its own; how the last one ended is how all did.
        let sessions = Mutex<[String]>([])
        let emit: @Sendable (RunEvent) -> Void = { event in
            if let suiteRun = event.suiteRun {
                sessions.withLock { if !$0.contains(suiteRun) { $0.append(suiteRun) } }
            }
            emit(event)
        }
        do {
            result = try await follow(job.id, emit)
        } catch is CancellationError {
            // The job is ours: it ends with us. Its last events tell what was kept.
            let task = Task { () async throws -> SuiteResult in
                try await delete("/v1/jobs/\(job.id)")
                return try await follow(job.id) { _ in }
            }
            result = try await task.value
            // It is we who cancelled it.
            result.failures = []
        }
        result.suiteRuns = sessions.withLock { known in known + result.suiteRuns.filter { !known.contains($0) } }
        guard !result.suiteRuns.isEmpty else { return (result, nil) }
        // In a task of its own: this one may be cancelled, and what is kept is to be shown all the same.
        var options = TableReport.Options()
        options.suiteRun = result.suiteRuns.joined(separator: ",")
        let table = Task { [options] in try await DaemonRecord(self).table(options) }
        do {
            return (result, try await table.value)
        } catch is DaemonUnreachable where result.status == .interrupted {
            // It was the daemon that stopped; the record is there when it is back.
            return (result, nil)
        }
    }

    /// Follows a job to its end, over restarts of the daemon: its queue outlives it.
    package func follow(
        _ job: Int, _ emit: @Sendable (RunEvent) -> Void
    ) async throws -> SuiteResult {
        while true {
            if let result = try await listen(to: job, emit) { return result }
            try Task.checkCancellation()
            let status = try await whenBack(job)
            guard !status.state.isEnd else {
                return SuiteResult(
                    suiteRun: status.suiteRun ?? "", status: status.state.runStatus, failures: status.failures)
            }
        }
    }

    /// - Returns: `nil` where the daemon went away before the job's end.
    private func listen(
        to job: Int, _ emit: @Sendable (RunEvent) -> Void
    ) async throws -> SuiteResult? {
        var result: SuiteResult?
        do {
            try await lines("/v1/jobs/\(job)/events") { line in
                let event = try JSONDecoder().decode(RunEvent.self, from: line)
                emit(event)
                if event.event == .finished {
                    let failures = event.message?.split(separator: "\n").map(String.init) ?? []
                    result = SuiteResult(
                        suiteRun: event.suiteRun ?? "", status: event.status ?? .failed, failures: failures)
                }
            }
        } catch let error as UserError {
            throw error
        } catch {
            // The connection broke off. If the end was told before, that is how it ends.
        }
        return result
    }

    /// What has become of a job once a daemon answers again. systemd starts one anew after 5 s.
    private func whenBack(_ job: Int) async throws -> JobStatus {
        let end = ContinuousClock.now + .seconds(15)
        while true {
            try await Task.sleep(for: .milliseconds(500))
            do {
                return try await get("/v1/jobs/\(job)")
            } catch let error as DaemonUnreachable {
                guard ContinuousClock.now < end else {
                    throw DaemonUnreachable(
                        "the daemon ended before the job did, and is not back: \(error.userError.message)",
                        remedy: "what was finished is in its record, and what waits goes on when it is back")
                }
            }
        }
    }
}
