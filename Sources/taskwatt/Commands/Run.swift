import API
import ArgumentParser
import BatchSystems
import Client
import Commands
import Core
import Host
import Reporting
import Running
import Service
import Settings
import Suites
import Terminal

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Measure a suite of tasks and print the table.",
        discussion: """
            Runs in the daemon if one answers, else in this process. A suite is one of those that come with Taskwatt (tiny, \
            quick, standard, paper, control) or a YAML file. Ctrl-C ends the plugin and keeps the finished repeats.

            With --here it runs in this process, with the CPUs, GPUs and limits that a batch job has, and the daemon's queue waits \
            meanwhile. Of the processes of a job on one node only the first measures. `taskwatt fleet script` writes the job.

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
              taskwatt run quick --here       in a batch job
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

    @Flag(help: "Run in this process, as in a batch job; the daemon's queue waits meanwhile.")
    var here = false

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
        if here, detach || queue.idleBelow != nil || queue.deadline != nil {
            throw ValidationError("--detach, --idle-below and --deadline are for the daemon's queue, not for --here.")
        }
        if detach, json { throw ValidationError("--detach does not wait for the table that --json prints.") }
    }

    func run() async throws {
        if let later = NodeRank.later(Surroundings.environment) {
            return Console.note(
                "rank \(later.rank) of this node (\(later.variable)) measures nothing: the first one does")
        }
        let display = ProgressDisplay()
        defer { display.end() }
        let (quiet, surroundings) = (quiet, state.surroundings)
        let run = try SuiteRun(try request(SuiteFile.load(suite).text, surroundings), surroundings) { event in
            if !quiet { display.show(event) }
        }
        if detach || queue.idleBelow != nil || queue.deadline != nil {
            let client = try await run.queue()
            if detach {
                let job = try await client.queue(run.request)
                return Console.note(
                    "job \(job.id) is queued; `taskwatt status` shows it, and `taskwatt cancel \(job.id)` takes it back"
                )
            }
        }
        let (result, table) = try await Interruption.cancelling { [here] in try await run.run(inThisProcess: here) }
        display.end()
        let status = SuiteOutcome(result, table, asJSON: json).tell(complain: Console.complain)
        if status != 0 { throw ExitCode(status) }
    }

    private func request(_ suiteText: String, _ surroundings: Surroundings) throws -> JobRequest {
        var request = JobRequest(
            suite: suite, suiteText: suiteText, overrides: try overrides(), scope: scope, meters: meter)
        (request.idleBelow, request.deadlineSeconds) = (queue.idleBelow, queue.deadline)
        request.batchJob = surroundings.jobContext
        return request
    }

    private func overrides() throws -> SuiteOverrides {
        var overrides = SuiteOverrides()
        overrides.tasks = task.map(MLTask.init(rawValue:))
        (overrides.plugin, overrides.model, overrides.device) = (plugin, model.map(UserPath.model), device)
        (overrides.repeats, overrides.count) = (repeats, count)
        (overrides.untilCI, overrides.maxRepeats) = (untilCI, maxRepeats)
        (overrides.sessions, overrides.sessionPauseSeconds) = (sessions, sessionPause?.seconds)
        if strict { overrides.isStrict = true }
        if allowEstimate { overrides.allowsEstimate = true }
        overrides.label = label
        overrides.idleSeconds = idle?.seconds
        overrides.parameters = try parameters.values()
        return overrides
    }
}
