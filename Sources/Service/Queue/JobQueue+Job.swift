import API
import Foundation
import Logging
import Recording
import Running

extension JobQueue {
    /// How the queue passes its time.
    package struct Pace: Sendable {
        /// For how long a machine must have been idle, in seconds.
        package var idleSeconds = 10.0
        /// How often it is looked at while a job waits for that.
        package var lookSeconds = 1.0

        package init() {}
    }

    /// For the watchdog: whether this actor answers.
    nonisolated var check: Watchdog.Check {
        Watchdog.Check(
            name: "queue", lateness: { [heartbeat] in heartbeat.age(at: $0) }, patience: Watchdog.queuePatience)
    }

    /// A job as the queue has it.
    struct Job {
        var stored: StoredJob
        var request: JobRequest
        /// How often the suite wants to be tried again once it was cut off.
        var retries: Int
        /// A user ended it while it ran.
        var isCancelled = false
        /// Its end is being kept, and nothing else becomes of it.
        var isEnding = false
        /// Why it does not run yet.
        var waitsFor: String?
        /// How far it is, while it runs.
        var progress: RunEvent?
        /// What a late listener is told: everything but the fleeting progress, of a very long job the latest.
        var history: [RunEvent] = []
        /// Progress is worth nothing late; what matters is told in any case, the job's end before all.
        var followers = Multicast<RunEvent>(
            backlog: Job.mostWaiting, lagging: .losesOldest { $0.event == .progress })
        static let mostWaiting = 2000

        var state: JobStatus.State {
            get { JobStatus.State(rawValue: stored.state) ?? .failed }
            set { stored.state = newValue.rawValue }
        }

        var wantsIdleMachine: Bool { request.idleBelow != nil }

        /// What is said of it when somebody takes it out.
        var cancelledWords: String {
            stored.attempts > 0 ? "it was cancelled; finished repeats are kept" : "it was cancelled before it started"
        }

        /// What the log has of it beside the words.
        var fields: Logger.Metadata {
            var fields: Logger.Metadata = ["job": "\(stored.id)", "suite": "\(request.suite)"]
            if let schedule = stored.schedule { fields["schedule"] = "\(schedule)" }
            if let suiteRun = stored.suiteRun { fields["suite_run"] = "\(suiteRun)" }
            return fields
        }

        /// What the last event of an ended job says.
        var endEvent: RunEvent {
            var event = RunEvent(.finished)
            event.status = state.runStatus
            event.message = stored.failures.isEmpty ? nil : stored.failures.joined(separator: "\n")
            // Where the record itself failed, there is no result to say it, and what was kept before is there all the same.
            event.suiteRun = stored.suiteRun
            return event
        }

        var status: JobStatus {
            var status = JobStatus(stored, request)
            status.waitsFor = waitsFor
            status.progress = state == .running ? progress : nil
            return status
        }
    }
}

extension JobQueue.Job {
    /// It was cut off by the end of the daemon: it is tried again where its suite says so and it was not yet too often.
    mutating func cutOff(at time: Double) {
        if stored.attempts <= retries {
            state = .queued
            history.append(RunEvent.tryingAgain)
        } else {
            state = .interrupted
            stored.endedAt = time
            stored.failures = ["the daemon ended during the job; finished repeats are kept"]
        }
    }
}

extension RunEvent {
    static var tryingAgain: RunEvent {
        var event = RunEvent(.queued)
        event.message = "it was interrupted, and will run again; finished repeats are kept"
        return event
    }
}
