import API
import ArgumentParser
import Core
import Foundation
import Glibc
import Listening
import Logging
import Metering
import PluginHosting
import PolledMeters
import Recording
import Running
import Service
import Settings

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the daemon.",
        discussion: """
            Samples all meters once a second, runs suites from a queue, and answers on a Unix socket in the state directory \
            (/run/taskwatt/taskwatt.sock for the service). SIGTERM and Ctrl-C stop it; finished repeats are kept.

            Precedence: option, environment, file. The variable of an option is TASKWATT_ and its name in capitals, such as \
            TASKWATT_KEEP_SAMPLES; `taskwatt config show` tells what counts, and where it is set.

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
        let surroundings = state.surroundings
        let isJournal = JournalLogHandler.isWanted
        LoggingSystem.bootstrap { label -> any LogHandler in
            if isJournal { return JournalLogHandler() }
            return PrintableLogHandler(StreamLogHandler.standardError(label: label))
        }
        var logger = Logger(label: "taskwatt")
        logger.logLevel = verbose ? .debug : .info
        var context = surroundings.runnerContext(isDaemon: true)
        context.hosting.launcher = surroundings.pluginLauncher
        for problem in context.plugins.problems { logger.warning("\(problem)") }
        for plugin in context.plugins.refused {
            logger.warning("the plugin \(plugin.name) does not run: \(plugin.reason)")
        }
        var options: [ConfigurationKey: String] = [:]
        (options[.listen], options[.keepSamples]) = (listen, keepSamples)
        (options[.keepMinutes], options[.keepHours]) = (keepMinutes, keepHours)
        // What is wrong is said before anything is begun.
        let configuration = try CurrentConfiguration { [options] in try surroundings.configuration(options) }
        for open in configuration.value.meters.plainCredentials { logger.warning("\(open)") }
        let listener = try configuration.value.listener.map { listener in
            (listener, try listener.tokenFile.map { try AccessToken(SecretFile.read($0), file: $0) })
        }
        let daemon = Daemon(
            directory: surroundings.ownState, context: context, machine: try surroundings.machineRecord(),
            retention: { configuration.value.retention }, reread: { try configuration.reload() }, listener: listener,
            forwarding: configuration.value.forwarding.sender(
                stateDirectory: surroundings.ownState.path, listener: configuration.value.listener,
                version: surroundings.version),
            logger: logger, listings: { try await surroundings.meters(configuration.value.meters) })
        try await daemon.run()
    }
}
