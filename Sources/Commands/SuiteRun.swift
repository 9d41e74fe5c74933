package import API
package import Client
import Core
import Forwarding
import Foundation
import Host
import Metering
import PluginHosting
import Recording
package import Reporting
package import Running
package import Service
package import Settings
import Suites
import WorkloadProtocol

/// A suite that a user asks for: the daemon runs it if one answers and has its plugins, else this process does.
package struct SuiteRun: Sendable {
    private let surroundings: Surroundings
    package let request: JobRequest
    /// With the request's options.
    private let suite: Suite
    private let emit: @Sendable (RunEvent) -> Void

    /// - Parameter emit: shows how it goes on.
    /// - Throws: `YAMLProblem`, `SuiteError`.
    package init(
        _ request: JobRequest, _ surroundings: Surroundings, emit: @escaping @Sendable (RunEvent) -> Void
    ) throws {
        self.request = request
        self.surroundings = surroundings
        suite = try SuiteFile.parse(request.suiteText, file: request.suite).applying(request.overrides)
        self.emit = emit
    }

    /// The daemon, of a suite that is for its queue alone.
    ///
    /// - Throws: `UserError` where none answers, or it cannot run the suite.
    package func queue() async throws -> DaemonClient {
        let answering = try await surroundings.daemon()
        guard let client = answering, try await hasPlugins(client) else {
            throw UserError(
                .failed,
                "--detach, --idle-below and --deadline are for the daemon's queue, and "
                    + (answering == nil ? "no daemon answers" : "the daemon does not have this suite's plugins"),
                remedy: answering == nil
                    ? "`taskwatt serve` starts one; without these options the suite runs here"
                    : "install them where the daemon finds them, or leave these options out"
            )
        }
        return client
    }

    /// Runs it to its end.
    ///
    /// - Parameter inThisProcess: here, whatever the daemon could do, whose queue waits meanwhile.
    /// - Returns: how it ended, and its table; `nil` of a suite of which nothing was recorded.
    package func run(inThisProcess: Bool = false) async throws -> (SuiteResult, TableReport?) {
        let answering = try await surroundings.daemon()
        if inThisProcess { return try await runHolding(answering) }
        guard let client = answering, try await hasPlugins(client) else { return try await runHere(answering) }
        if client.directory == Surroundings.systemState, let own = surroundings.configurationFile,
            own != Surroundings.systemConfiguration
        {
            var event = RunEvent(.message)
            event.message =
                "the system's daemon measures, by its own configuration: what \(own) says of meters does not count; "
                + "`--state-dir DIRECTORY` measures in this process"
            emit(event)
        }
        return try await client.run(request, emit)
    }

    /// Whether the daemon can start every plugin of a suite. One of the user's own runs with the user's rights, in this process.
    private func hasPlugins(_ client: DaemonClient) async throws -> Bool {
        let plugins: [PluginStatus] = try await client.get("/v1/plugins")
        let own = surroundings.plugins
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

    private func runHolding(_ daemon: DaemonClient?) async throws -> (SuiteResult, TableReport?) {
        let hold = try await QueueHold.take(
            daemon, holder: holder, reason: "taskwatt run --here", note: surroundings.note)
        do {
            let outcome = try await runHere(daemon, isAsked: true)
            await hold?.release()
            return outcome
        } catch {
            await hold?.release()
            throw error
        }
    }

    /// Who holds the queue, for those who look at it.
    private var holder: String {
        let what = request.batchJob.flatMap { job in job.jobID.map { "\(job.scheduler.rawValue) job \($0)" } }
        return "\(PrintableText.of(NSUserName())), \(what ?? "process \(ProcessInfo.processInfo.processIdentifier)")"
    }

    /// Runs it in this process.
    ///
    /// - Parameters:
    ///   - daemon: that is there.
    ///   - isAsked: whether the user asks for it; else the daemon does not have the plugin, or there is none.
    private func runHere(_ daemon: DaemonClient?, isAsked: Bool = false) async throws -> (SuiteResult, TableReport?) {
        let own = isAsked ? surroundings.ownState(in: request.batchJob) : surroundings.ownState
        let context = surroundings.runnerContext()
        // All that can be known to be wrong is said before anything is made.
        try context.plugins.check(suite)
        let listings = try await surroundings.meters()
        // Who asks for it here has meters of this process, unless the daemon reads more.
        let client =
            isAsked ? try await MeterAccess.better(than: listings, ids: request.meters, surroundings) : daemon
        if client == nil {
            let chosen = try MeterCatalogue.select(listings, ids: request.meters)
            _ = try MeterAccess.selection(chosen.map(\.description), scope: request.scope, of: listings)
        }
        var directory = own
        if let daemon, daemon.directory == directory {
            // The daemon holds the lock of that record.
            directory = StateDirectory(path: "\(directory.path)-own", socketPath: directory.socketPath)
        }
        try directory.create()
        let lock = try StateLock(directory, holder: "`taskwatt run`")
        let store = try Store(directory: directory.path)
        let configuration = try surroundings.configuration()
        let sender = configuration.forwarding.sender(
            stateDirectory: directory.path, listener: configuration.listener, version: surroundings.version)?(store)
        _ = try store.markInterrupted()
        let execution = SuiteExecution(
            context: context, store: QueuedWriter(store), machine: try surroundings.machineRecord(),
            evidence: MeterEvidenceFile(directory: own.path))
        let result: SuiteResult
        if isAsked || client != nil {
            surroundings.note(
                (isAsked ? "it runs here" : "the daemon does not have this plugin: it runs here")
                    + (client == nil ? "" : ", and the daemon reads the meters") + "; kept in \(directory.path)")
        }
        if let client {
            let metering = try await DaemonMetering(
                client, SessionRequest(interval: SuiteExecution.interval, scope: request.scope, meters: request.meters))
            let heartbeat = Task { await metering.keepAlive() }
            result = try await execution.run(request, metering: metering, listings: listings, emit: emit)
            heartbeat.cancel()
            await metering.end()
        } else {
            result = try await execution.run(request, listings: listings, emit: emit)
        }
        var isGiven = false
        if let daemon {
            let handover = Handover(daemon: daemon, store: store, surroundings: surroundings)
            isGiven = await handover.give(result.suiteRuns, within: Handover.patience(after: result.status))
        }
        // What cannot be sent now waits for the next command.
        if !isGiven, result.status != .interrupted { await sender?.sendAll(within: ForwardingConfiguration.patience) }
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
}
