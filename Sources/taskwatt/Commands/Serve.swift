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
        commandName: "serve",
        abstract: "Run the daemon.",
        discussion: """
            Samples all meters once a second, runs suites from a queue, and answers on a Unix socket in the state directory \
            (/run/taskwatt/taskwatt.sock for the service). SIGTERM and Ctrl-C stop it; finished repeats are kept.

            Options override environment variables, which override the configuration file: \
            TASKWATT_CONFIG, TASKWATT_STATE_DIR, TASKWATT_LISTEN, TASKWATT_KEEP_SAMPLES, TASKWATT_KEEP_MINUTES, \
            TASKWATT_KEEP_HOURS.

            Examples:
              taskwatt serve --state-dir /tmp/watt & taskwatt run --state-dir /tmp/watt
              taskwatt serve --listen 127.0.0.1:9120    # then open http://127.0.0.1:9120/
            """)

    @Option(
        help: ArgumentHelp(
            "Listen on TCP too, for reading only.",
            discussion: "`listen:` in taskwatt.yaml can add a token for full access, and TLS.",
            valueName: "address:port"))
    var listen: String?

    @Option(help: ArgumentHelp("How long to keep every sample outside of runs, such as 7d.", valueName: "time"))
    var keepSamples: String?

    @Option(help: ArgumentHelp("How long to keep a mean of each minute after that, such as 90d.", valueName: "time"))
    var keepMinutes: String?

    @Option(help: ArgumentHelp("How long to keep a mean of each hour after that: 5y, or forever.", valueName: "time"))
    var keepHours: String?

    @Flag(help: "Log more.")
    var verbose = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let surroundings = Surroundings()
        let isJournal = JournalLogHandler.isWanted
        LoggingSystem.bootstrap { label -> any LogHandler in
            if isJournal { return JournalLogHandler() }
            return PrintableLogHandler(StreamLogHandler.standardError(label: label))
        }
        var logger = Logger(label: "taskwatt")
        logger.logLevel = verbose ? .debug : .info
        var context = surroundings.runnerContext(isDaemon: true)
        context.launcher = surroundings.pluginLauncher
        for problem in context.plugins.problems { logger.warning("\(problem)") }
        for plugin in context.plugins.refused {
            logger.warning("the plugin \(plugin.name) does not run: \(plugin.reason)")
        }
        for open in (try? surroundings.plainCredentials()) ?? [] { logger.warning("\(open)") }
        let times = Keeping.Overrides(samples: keepSamples, minutes: keepMinutes, hours: keepHours)
        let keeping: @Sendable () throws -> Keeping = { try surroundings.keeping(times) }
        // What is wrong is said before anything is begun.
        _ = try keeping()
        let daemon = Daemon(
            directory: surroundings.ownState(state), context: context, machine: try surroundings.machineRecord(state),
            keeping: keeping, listener: try surroundings.listener(listen), logger: logger
        ) { try await surroundings.meters(state) }
        try await daemon.run()
    }
}
