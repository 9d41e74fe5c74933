import ArgumentParser
import Commands
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
        let surroundings = state.surroundings
        var options: [ConfigurationKey: String] = [:]
        (options[.listen], options[.keepSamples]) = (listen, keepSamples)
        (options[.keepMinutes], options[.keepHours]) = (keepMinutes, keepHours)
        try await surroundings.serve(options, logger: .ofThisService(isVerbose: verbose))
    }
}
