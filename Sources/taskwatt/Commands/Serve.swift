import ArgumentParser
import Core
import Foundation
import Glibc
import Logging
import Metering
import Recording
import Running
import Service

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon.",
        discussion: """
            Samples all meters once a second, runs suites from a queue, and answers on a Unix socket in the state directory \
            (for the system's service, /run/taskwatt/taskwatt.sock). SIGTERM and Ctrl-C stop it; finished repeats are kept.

            Example:
              taskwatt serve --state-dir /tmp/watt & taskwatt run --state-dir /tmp/watt
            """)

    @Flag(help: "Log more.")
    var verbose = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let surroundings = Surroundings()
        let isJournal = JournalLogHandler.isWanted
        LoggingSystem.bootstrap { label -> any LogHandler in
            if isJournal { return JournalLogHandler() }
            return StreamLogHandler.standardError(label: label)
        }
        var logger = Logger(label: "taskwatt")
        logger.logLevel = verbose ? .debug : .info
        var context = surroundings.runnerContext()
        context.launcher = surroundings.pluginLauncher
        for problem in context.plugins.problems { logger.warning("\(problem)") }
        let keeping: @Sendable () throws -> Keeping = { try surroundings.keeping() }
        let daemon = Daemon(
            directory: surroundings.ownState(state), context: context, machine: try surroundings.machineRecord(state),
            keeping: keeping, logger: logger
        ) { try await surroundings.meters(state) }
        try await daemon.run()
    }
}

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether a daemon answers, and what it does.",
        discussion: "Exits with 1 where none answers.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let places = Surroundings().daemonStates(state)
        guard let client = await DaemonClient.find(places) else {
            // One that is not for us was told of.
            if places.contains(where: \.isForOthers) { throw ExitCode(CommandFailure.failed) }
            throw CommandFailure(
                "no daemon answers on \(places.map(\.socketPath).joined(separator: " or ")); `taskwatt serve` starts one, and "
                    + "commands work without")
        }
        let status = try await client.status()
        if json {
            Console.print(try Console.json(status))
            return
        }
        let hours = (Date().timeIntervalSince1970 - status.startedAt) / 3600
        Console.print(
            String(
                format: "taskwatt %@, process %d, up %.1f h, record in %@\n", status.version, status.processID, hours,
                status.stateDirectory))
        let kind = [status.scope?.rawValue, status.provenance?.rawValue].compactMap { $0 }.joined(separator: ", ")
        Console.print(
            status.power.map { String(format: "%.2f W now (%@)\n", $0.watts, kind) } ?? "no power now (\(kind))\n")
        for job in status.jobs {
            Console.print("job \(job.id): \(job.suite) \(job.state.rawValue)\(job.suiteRun.map { ", \($0)" } ?? "")\n")
            for failure in job.failures { Console.print("    \(failure)\n") }
        }
    }
}
