import API
import ArgumentParser
import Client
import Core
import Foundation
import Metering
import PluginHosting
import Recording
import Reporting
import Running
import Service
import Suites
import Synchronization
import WorkloadProtocol

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Measure a suite of tasks and print the table.",
        discussion: """
            Runs in the daemon if one answers, else in this process. A suite is one of those that come with Taskwatt (tiny, \
            quick, standard, paper) or a YAML file. Ctrl-C ends the plugin and keeps the finished repeats.

            Examples:
              taskwatt run
              taskwatt run standard --task text-generation --repeats 3
              taskwatt run --task image-classification --threads 1 --precision fp16
              taskwatt run --task text-to-image --count 1 --steps 2 --repeats 1
              taskwatt run --task fill-mask --count auto --until-ci 2% --strict
              taskwatt run tiny --idle 0.5     all ten tasks, with small models for tests
              taskwatt run --threads 1 --label one-thread
              taskwatt compare label:one-thread label:two-threads
              taskwatt run ./my-suite.yaml --json > table.json
              taskwatt run quick --sessions 3  an interval that holds for other days, too
              taskwatt run standard --idle-below 5% --deadline 12h --detach
            """)

    @Argument(
        help: "The suite: \(SuiteFile.shipped.joined(separator: ", ")), or a file.",
        completion: .file(extensions: ["yaml", "yml"]))
    var suite = "quick"

    @Option(name: SuiteOption.tasks.long, help: SuiteOption.tasks.help)
    var task: [String] = []

    @Option(name: SuiteOption.plugin.long, help: SuiteOption.plugin.help)
    var plugin: String?

    @Option(name: SuiteOption.model.long, help: SuiteOption.model.help)
    var model: String?

    @Option(name: SuiteOption.device.long, help: SuiteOption.device.help)
    var device: String?

    @Option(name: SuiteOption.repeats.long, help: SuiteOption.repeats.help)
    var repeats: Int?

    @Option(name: SuiteOption.untilCI.long, help: SuiteOption.untilCI.help, transform: SuiteOption.untilCI.parsedShare)
    var untilCI: Double?

    @Option(name: SuiteOption.maxRepeats.long, help: SuiteOption.maxRepeats.help)
    var maxRepeats: Int?

    @Option(name: SuiteOption.sessions.long, help: SuiteOption.sessions.help)
    var sessions: Int?

    @Option(name: SuiteOption.sessionPause.long, help: SuiteOption.sessionPause.help)
    var sessionPause: DurationArgument?

    @Option(name: SuiteOption.count.long, help: SuiteOption.count.help)
    var count: InferenceCount?

    @Option(name: SuiteOption.idle.long, help: SuiteOption.idle.help)
    var idle: DurationArgument?

    @Flag(name: SuiteOption.strict.long, help: SuiteOption.strict.help)
    var strict = false

    @Flag(name: SuiteOption.allowEstimate.long, help: SuiteOption.allowEstimate.help)
    var allowEstimate = false

    @Option(name: SuiteOption.label.long, help: SuiteOption.label.help)
    var label: String?

    @OptionGroup(title: "The daemon's queue") var queue: QueueOptions

    @Flag(help: "Only put it into the daemon's queue, and come back at once.")
    var detach = false

    @OptionGroup(title: "Parameters of the plugin") var parameters: ParameterOptions

    @Option(name: SuiteOption.meters.long, help: SuiteOption.meters.help)
    var meter: [String] = []

    @Option(name: SuiteOption.scope.long, help: SuiteOption.scope.help)
    var scope: TotalScope?

    @Flag(help: "Print the table as JSON.")
    var json = false

    @Flag(help: "No progress on standard error.")
    var quiet = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        if let (option, reason) = try overrides().problem {
            throw ValidationError("--\(option.commandLine) \(reason).")
        }
        if repeats != nil, untilCI != nil {
            throw ValidationError("Give --repeats or --until-ci, not both; --max-repeats limits --until-ci.")
        }
        if detach, json { throw ValidationError("--detach does not wait for the table that --json prints.") }
    }

    func run() async throws {
        let (suite, text) = try SuiteFile.load(self.suite)
        let request = try request(suiteText: text)
        _ = try suite.applying(request.overrides)
        let surroundings = Surroundings()
        let display = ProgressDisplay()
        let quiet = quiet
        let emit: @Sendable (RunEvent) -> Void = { if !quiet { display.show($0) } }
        defer { display.end() }
        let client = try await DaemonClient.find(surroundings.daemonStates(state))
        if detach || queue.idleBelow != nil || queue.deadline != nil {
            guard let client, try await hasPlugins(client, suite.applying(request.overrides)) else {
                throw UserError(
                    .failed,
                    "--detach, --idle-below and --deadline are for the daemon's queue, and "
                        + (client == nil ? "no daemon answers" : "the daemon does not have this suite's plugins"))
            }
            if detach {
                let job: JobStatus = try await client.post("/v1/jobs", request)
                return Console.note(
                    "job \(job.id) is queued; `taskwatt status` shows it, and `taskwatt cancel \(job.id)` takes it back"
                )
            }
        }
        let state = state
        let (result, table) = try await Interruption.cancelling {
            if let client, try await hasPlugins(client, suite.applying(request.overrides)) {
                if !quiet, client.directory == Surroundings.systemState, let own = surroundings.configurationFile,
                    own != Surroundings.systemConfiguration
                {
                    Console.note(
                        "the system's daemon measures, by its own configuration: what \(own) says of meters does not count; "
                            + "`--state-dir DIRECTORY` measures in this process")
                }
                return try await runInDaemon(client, request, emit)
            }
            return try await runHere(surroundings, state, client, request, emit)
        }
        display.end()
        try report(result, table)
    }

    // MARK: Where it runs

    /// Whether the daemon can start every plugin of a suite. One of the user's own runs with the user's rights, in this process.
    private func hasPlugins(_ client: DaemonClient, _ suite: Suite) async throws -> Bool {
        let plugins: [PluginStatus] = try await client.get("/v1/plugins")
        let own = Surroundings().runnerContext().plugins
        return suite.entries.allSatisfy { entry in
            let theirs = plugins.contains { plugin in
                plugin.problem == nil
                    && (entry.plugin.map { $0 == plugin.manifest.name }
                        ?? plugin.manifest.tasks.contains { $0.id == entry.task })
            }
            // What neither has is for the daemon to refuse, in the same words.
            guard let plugin = try? own.plugin(named: entry.plugin, for: entry.task) else { return true }
            if case .missing = plugin.program { return true }
            return theirs
        }
    }

    private func runInDaemon(
        _ client: DaemonClient, _ request: JobRequest, _ emit: @escaping @Sendable (RunEvent) -> Void
    ) async throws -> (SuiteResult, TableReport?) {
        let job: JobStatus = try await client.post("/v1/jobs", request)
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
            result = try await follow(job.id, client, emit)
        } catch is CancellationError {
            // The job is ours: it ends with us. Its last events tell what was kept.
            let task = Task { () async throws -> SuiteResult in
                try await client.delete("/v1/jobs/\(job.id)")
                return try await follow(job.id, client) { _ in }
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
        let table = Task { [options] in try await DaemonRecord(client).table(options) }
        do {
            return (result, try await table.value)
        } catch is DaemonUnreachable where result.status == .interrupted {
            // It was the daemon that stopped; the record is there when it is back.
            return (result, nil)
        }
    }

    /// Follows a job to its end, over restarts of the daemon: its queue outlives it.
    private func follow(
        _ job: Int, _ client: DaemonClient, _ emit: @Sendable (RunEvent) -> Void
    ) async throws -> SuiteResult {
        while true {
            if let result = try await listen(to: job, client, emit) { return result }
            try Task.checkCancellation()
            let status = try await whenBack(job, client)
            guard !status.state.isEnd else {
                return SuiteResult(
                    suiteRun: status.suiteRun ?? "", status: status.state.runStatus, failures: status.failures)
            }
        }
    }

    /// - Returns: `nil` where the daemon went away before the job's end.
    private func listen(
        to job: Int, _ client: DaemonClient, _ emit: @Sendable (RunEvent) -> Void
    ) async throws -> SuiteResult? {
        var result: SuiteResult?
        do {
            try await client.lines("/v1/jobs/\(job)/events") { line in
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
    private func whenBack(_ job: Int, _ client: DaemonClient) async throws -> JobStatus {
        let end = ContinuousClock.now + .seconds(15)
        while true {
            try await Task.sleep(for: .milliseconds(500))
            do {
                return try await client.get("/v1/jobs/\(job)")
            } catch let error as DaemonUnreachable {
                guard ContinuousClock.now < end else {
                    throw DaemonUnreachable(
                        "the daemon ended before the job did, and is not back: \(error.userError.message)",
                        remedy: "what was finished is in its record, and what waits goes on when it is back")
                }
            }
        }
    }

    private func runHere(
        _ surroundings: Surroundings, _ options: StateOptions, _ client: DaemonClient?, _ request: JobRequest,
        _ emit: @escaping @Sendable (RunEvent) -> Void
    ) async throws -> (SuiteResult, TableReport?) {
        let context = surroundings.runnerContext()
        // All that can be known to be wrong is said before anything is made.
        try context.plugins.check(SuiteFile.parse(request.suiteText, file: request.suite).applying(request.overrides))
        let listings = try await surroundings.meters(options)
        if client == nil {
            let chosen = try MeterCatalogue.select(listings, ids: request.meters)
            _ = try MeterAccess.selection(chosen.map(\.description), scope: request.scope, of: listings)
        }
        var directory = surroundings.ownState(options)
        if let client, client.directory == directory {
            // The daemon holds the lock of that record.
            directory = StateDirectory(path: "\(directory.path)-own", socketPath: directory.socketPath)
        }
        try directory.create()
        let lock = try StateLock(directory, holder: "`taskwatt run`")
        let store = try Store(directory: directory.path)
        _ = try store.markInterrupted()
        let execution = SuiteExecution(
            context: context, store: QueuedWriter(store), machine: try surroundings.machineRecord(options),
            evidence: MeterEvidenceFile(directory: surroundings.ownState(options).path))
        let result: SuiteResult
        if let client {
            Console.note(
                "the daemon does not have this plugin: it runs here, and the daemon reads the meters; kept in \(directory.path)"
            )
            let metering = try await DaemonMetering(
                client, SessionRequest(interval: SuiteExecution.interval, scope: request.scope, meters: request.meters))
            let heartbeat = Task { await metering.keepAlive() }
            result = try await execution.run(request, metering: metering, listings: listings, emit: emit)
            heartbeat.cancel()
            await metering.end()
        } else {
            result = try await execution.run(request, listings: listings, emit: emit)
        }
        guard !result.suiteRuns.isEmpty else { return (result, nil) }
        // In a task of its own: this one may be cancelled, and what is kept is to be shown all the same.
        let table = try await Task {
            var options = TableReport.Options()
            options.suiteRun = result.suiteRuns.joined(separator: ",")
            return try await TableReport(store, options)
        }.value
        _ = consume lock
        return (result, table)
    }

    // MARK: The end

    private func report(_ result: SuiteResult, _ table: TableReport?) throws {
        if let table, !table.rows.isEmpty || json {
            Console.print(rendered: table.rendered(as: json ? .json : .text), forPeople: !json, isText: !json)
        }
        for failure in Self.condensed(result.failures) { Console.complain(failure) }
        switch result.status {
        case .completed:
            guard let table, table.rows.isEmpty, !table.leftOut.isEmpty else { return }
            let reasons = table.leftOut.sorted { $0.key < $1.key }.map { "\($0.value): \($0.key)" }
            Console.complain(
                "no run fits into the table (\(reasons.joined(separator: "; "))); `taskwatt export --runs` has them")
            throw ExitCode.failure
        case .failed: throw ExitCode.failure
        // Somebody else ended it, or the daemon did, and why was told.
        case .interrupted where !result.failures.isEmpty: throw ExitCode.failure
        case .interrupted:
            Console.complain("interrupted; what was finished is kept")
            throw ExitCode(130)
        }
    }

    /// What failed for several tasks in the same way, such as an engine that is not there, is said once.
    ///
    /// - Parameter failures: each a task, a colon and what is wrong.
    static func condensed(_ failures: [String]) -> [String] {
        var tasks: [(reason: String, names: [String])] = []
        for failure in failures {
            let parts = failure.split(separator: ": ", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                tasks.append((failure, []))
                continue
            }
            if let index = tasks.firstIndex(where: { $0.reason == parts[1] && !$0.names.isEmpty }) {
                tasks[index].names.append(parts[0])
            } else {
                tasks.append((parts[1], [parts[0]]))
            }
        }
        return tasks.map { $0.names.isEmpty ? $0.reason : "\($0.names.joined(separator: ", ")): \($0.reason)" }
    }

    private func request(suiteText: String) throws -> JobRequest {
        var request = JobRequest(
            suite: suite, suiteText: suiteText, overrides: try overrides(), scope: scope, meters: meter)
        (request.idleBelow, request.deadlineSeconds) = (queue.idleBelow, queue.deadline)
        return request
    }

    private func overrides() throws -> SuiteOverrides {
        var overrides = SuiteOverrides()
        overrides.tasks = task.map(MLTask.init(rawValue:))
        overrides.plugin = plugin
        overrides.model = model.map(UserPath.model)
        overrides.device = device
        overrides.repeats = repeats
        overrides.count = count
        overrides.untilCI = untilCI
        overrides.maxRepeats = maxRepeats
        overrides.sessions = sessions
        overrides.sessionPauseSeconds = sessionPause?.seconds
        if strict { overrides.isStrict = true }
        if allowEstimate { overrides.allowsEstimate = true }
        overrides.label = label
        overrides.idleSeconds = idle?.seconds
        overrides.parameters = try parameters.values()
        return overrides
    }
}
