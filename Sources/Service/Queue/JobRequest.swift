package import Core
import Foundation
import Recording
package import Running
import YAMLReading

// What goes over the socket about jobs, in JSON.

/// POST /v1/jobs
package struct JobRequest: Sendable, Hashable, Codable {
    /// A name for the record, and the suite itself as YAML: without it, in JSON, the name is one that GET /v1/suites lists.
    package var suite: String
    package var suiteText: String
    package var overrides: SuiteOverrides
    package var scope: TotalScope?
    package var meters: [String]
    /// It begins once no more than this share of the CPUs' time is used, from 0 to 1; `nil`: in its turn, whatever goes on.
    package var idleBelow: Double?
    /// It is skipped when it has not begun so many seconds after it came; `nil`: it waits for as long as it takes.
    package var deadlineSeconds: Double?
    /// The timer that asks for it.
    package var schedule: String?

    package init(suite: String, suiteText: String, overrides: SuiteOverrides, scope: TotalScope?, meters: [String]) {
        self.suite = suite
        self.suiteText = suiteText
        self.overrides = overrides
        self.scope = scope
        self.meters = meters
    }

    enum CodingKeys: String, CodingKey {
        case suite, overrides, scope, meters, schedule
        case suiteText = "suite_text"
        case idleBelow = "idle_below"
        case deadlineSeconds = "deadline_s"
    }

    /// What changes nothing may be left out.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        suite = try container.decode(String.self, forKey: .suite)
        // Without a text it is one of those that come with Taskwatt, and the job keeps it as it is now.
        suiteText =
            try container.decodeIfPresent(String.self, forKey: .suiteText) ?? SuiteListing.shipped(named: suite).text
        overrides = try container.decodeIfPresent(SuiteOverrides.self, forKey: .overrides) ?? SuiteOverrides()
        scope = try container.decodeIfPresent(TotalScope.self, forKey: .scope)
        meters = try container.decodeIfPresent([String].self, forKey: .meters) ?? []
        idleBelow = try container.decodeIfPresent(Double.self, forKey: .idleBelow)
        deadlineSeconds = try container.decodeIfPresent(Double.self, forKey: .deadlineSeconds)
        schedule = try container.decodeIfPresent(String.self, forKey: .schedule)
    }

    /// What the record keeps of a job.
    init(_ stored: StoredJob) throws {
        self = try JSONDecoder().decode(JobRequest.self, from: Data(stored.request.utf8))
        // What came over the socket was checked there; what is in the file need not have come by it.
        if let seconds = deadlineSeconds, !Self.deadlines.contains(seconds) {
            throw OutOfBounds(key: "deadline_s", reason: "is \(seconds)")
        }
    }

    /// How often the suite wants to be tried again once it was cut off.
    var retries: Int { (try? SuiteFile.parse(suiteText, file: suite))?.retries ?? 0 }

    /// The shares of CPU time that a job may want to be used by others at most.
    package static let idleShares = 0.001...1.0
    /// Seconds: a month.
    package static let deadlines = 1.0...(31 * 86_400)

    /// The suite with the overrides in it, all of it checked against the plugins that there are.
    ///
    /// - Throws: `YAMLProblem`, `SuiteError`, `PluginError`, `APIError`.
    func suite(for plugins: PluginCatalogue) throws -> Suite {
        // Overrides come over the socket too, so the command line's own checks are not enough.
        if let repeats = overrides.repeats, !(1...100_000).contains(repeats) {
            throw APIError(.usage, "repeats must be from 1 to 100000, not \(repeats)")
        }
        if let count = overrides.count, !(1...1_000_000_000).contains(count) {
            throw APIError(.usage, "count must be from 1 to 1000000000, not \(count)")
        }
        if let width = overrides.untilInterval, !Suite.intervals.contains(width) {
            throw APIError(.usage, "the width to repeat until must be from 0.0001 to 1 of the mean, not \(width)")
        }
        if let most = overrides.mostRepeats, !Suite.repeatCaps.contains(most) {
            throw APIError(.usage, "the most repeats must be from 3 to 100000, not \(most)")
        }
        if let sessions = overrides.sessions, !Suite.sessionCounts.contains(sessions) {
            throw APIError(.usage, "sessions must be from 1 to 1000, not \(sessions)")
        }
        if let seconds = overrides.sessionPauseSeconds, !Suite.sessionPauses.contains(seconds) {
            throw APIError(.usage, "the pause between sessions must be from 0 to 86400 s, not \(seconds)")
        }
        if let seconds = overrides.idleSeconds, !Suite.idleTimes.contains(seconds) {
            throw APIError(.usage, "the idle baseline must be from 0 to 86400 s, not \(seconds)")
        }
        if let label = overrides.label, !Suite.isLabel(label) {
            throw APIError(.usage, "the label must have 1 to 100 characters and no control characters")
        }
        if let share = idleBelow, !Self.idleShares.contains(share) {
            throw APIError(.usage, "idle_below must be from 0.001 to 1 of the CPUs' time, not \(share)")
        }
        if let seconds = deadlineSeconds, !Self.deadlines.contains(seconds) {
            throw APIError(.usage, "deadline_s must be from 1 to 2678400, not \(seconds)")
        }
        // It is shown on terminals and in logs.
        guard suite.count <= 255, !suite.isEmpty,
            !suite.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw APIError(.usage, "the suite's name must be a text of up to 255 characters without control characters")
        }
        if let schedule, !Schedule.isName(schedule) { throw APIError(.usage, Schedule.namesAre(not: schedule)) }
        let suite = try SuiteFile.parse(suiteText, file: suite).applying(overrides)
        try plugins.check(suite)
        return suite
    }
}

/// GET /v1/jobs/{id}
package struct JobStatus: Sendable, Hashable, Codable {
    package enum State: String, Sendable, Hashable, Codable {
        case queued, running, completed, failed
        /// The daemon's end, or a deadline after it, cut it off.
        case interrupted
        /// Somebody ended it.
        case cancelled
        /// Its deadline passed before it could begin.
        case skipped

        package var isEnd: Bool { self != .queued && self != .running }

        init(_ status: RunStatus) {
            switch status {
            case .completed: self = .completed
            case .failed: self = .failed
            case .interrupted: self = .interrupted
            }
        }

        /// The same in the words of runs and their events, of an end.
        package var runStatus: RunStatus {
            switch self {
            case .completed: .completed
            case .failed: .failed
            case .queued, .running, .interrupted, .cancelled, .skipped: .interrupted
            }
        }
    }

    package var id: Int
    package var suite: String
    package var state: State
    /// The suite's record, once it has begun.
    package var suiteRun: String?
    package var failures: [String]
    /// The timer that asked for it.
    package var schedule: String?
    /// Times are in seconds since 1970.
    package var submittedAt: Double
    package var startedAt: Double?
    package var endedAt: Double?
    /// When it is skipped, if it has not begun by then.
    package var deadline: Double?
    /// How often it has begun.
    package var attempts: Int
    /// What it waits for, other than its turn.
    package var waitsFor: String?
    /// How far it is, while it runs.
    package var progress: RunEvent?
    /// Those of the suite that were asked for; empty for all.
    package var tasks: [MLTask]

    init(_ stored: StoredJob, _ request: JobRequest) {
        id = Int(stored.id)
        suite = request.suite
        state = State(rawValue: stored.state) ?? .failed
        suiteRun = stored.suiteRun
        failures = stored.failures
        schedule = stored.schedule
        submittedAt = stored.submittedAt
        startedAt = stored.startedAt
        endedAt = stored.endedAt
        deadline = request.deadlineSeconds.map { stored.submittedAt + $0 }
        attempts = stored.attempts
        tasks = request.overrides.tasks
    }

    enum CodingKeys: String, CodingKey {
        case id, suite, state, failures, schedule, attempts, progress, tasks
        case suiteRun = "suite_run"
        case submittedAt = "submitted_at_unix_s"
        case startedAt = "started_at_unix_s"
        case endedAt = "ended_at_unix_s"
        case deadline = "deadline_unix_s"
        case waitsFor = "waits_for"
    }
}
