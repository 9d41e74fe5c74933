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
