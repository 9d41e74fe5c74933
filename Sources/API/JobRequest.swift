package import Core
import Foundation
package import PluginHosting
package import Recording
package import Running
package import Suites
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
    /// The job of a batch system that the one who asks is in.
    package var batchJob: JobContext?

    package init(suite: String, suiteText: String, overrides: SuiteOverrides, scope: TotalScope?, meters: [String]) {
        self.suite = suite
        self.suiteText = suiteText
        self.overrides = overrides
        self.scope = scope
        self.meters = meters
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case suite, overrides, scope, meters, schedule
        case suiteText = "suite_text"
        case batchJob = "batch_job"
        case idleBelow = "idle_below"
        case deadlineSeconds = "deadline_s"
    }

    /// What changes nothing may be left out.
    ///
    /// - Throws: `DecodingError`, for a field that nobody reads too; `UserError` for a suite that nobody knows.
    package init(from decoder: any Decoder) throws {
        try decoder.refuseFields(besides: CodingKeys.allCases)
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
        batchJob = try container.decodeIfPresent(JobContext.self, forKey: .batchJob)
    }

    /// What the record keeps of a job, in the words of this version or of an earlier one.
    package init(_ stored: StoredJob) throws {
        var request = Data(stored.request.utf8)
        if SuiteOverrides.formerNames.keys.contains(where: { stored.request.contains("\"\($0)\"") }) {
            var fields = try JSONDecoder().decode([String: JSONValue].self, from: request)
            fields[CodingKeys.overrides.rawValue] = fields[CodingKeys.overrides.rawValue].map(SuiteOverrides.translated)
            request = try JSONEncoder().encode(fields)
        }
        self = try JSONDecoder().decode(JobRequest.self, from: request)
        // What came over the socket was checked there; what is in the file need not have come by it.
        if let reason = SuiteOption.deadline.reason(deadlineSeconds) {
            throw OutOfBounds(key: SuiteOption.deadline.rawValue, reason: reason)
        }
    }

    /// How often the suite wants to be tried again once it was cut off.
    package var retries: Int { (try? SuiteFile.parse(suiteText, file: suite))?.retries ?? 0 }

    /// The first option that cannot be, and why.
    private var problem: (option: SuiteOption, reason: String)? {
        if let problem = overrides.problem { return problem }
        let reasons: [(SuiteOption, String?)] = [
            (.idleBelow, SuiteOption.idleBelow.reason(idleBelow)),
            (.deadline, SuiteOption.deadline.reason(deadlineSeconds)),
        ]
        return reasons.lazy.compactMap { option, reason in reason.map { (option, $0) } }.first
    }

    /// The suite with the overrides in it, all of it checked against the plugins that there are.
    ///
    /// - Throws: `YAMLProblem`, `SuiteError`, `PluginError`, `UserError`.
    package func suite(for plugins: PluginCatalogue) throws -> Suite {
        // Overrides come over the socket too, so the command line's own checks are not enough.
        if let (option, reason) = problem { throw UserError(.usage, "`\(option.rawValue)` \(reason)") }
        // It is shown on terminals and in logs.
        guard suite.count <= 255, !suite.isEmpty,
            !suite.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw UserError(
                .usage, "the suite's name must be a text of up to 255 characters without control characters")
        }
        try batchJob?.validate()
        if let schedule, !Schedule.isName(schedule) { throw UserError(.usage, Schedule.namesAre(not: schedule)) }
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

        package init(_ status: RunStatus) {
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

    package init(_ stored: StoredJob, _ request: JobRequest) {
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
