import ArgumentParser
import Commands

struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show the power of every meter and of the running task, live.",
        discussion: """
            Shows the meters of the daemon if one runs, else those that you may read. For the tasks of the daemon it shows the \
            power of the whole machine, idle power included, while each task answers queries. Ctrl-C ends it. If the output \
            is not a terminal, the updates are printed one after another.

            Examples:
              taskwatt top
              taskwatt top --interval 5
              taskwatt top --count 1
            """)

    @Option(help: ArgumentHelp("The time between two updates: 200ms to 1h.", valueName: "time"))
    var interval = DurationArgument(seconds: 1)

    @Option(help: ArgumentHelp("Stop after this many updates.", valueName: "n"))
    var count: Int?

    @OptionGroup var state: StateOptions

    func validate() throws {
        guard (0.2...3600).contains(interval.seconds) else {
            throw ValidationError("--interval must be from 200ms to 1h.")
        }
        if let count, count < 1 { throw ValidationError("--count must be 1 or more.") }
    }

    func run() async throws {
        try await PowerBoard.watch(state.surroundings, interval: .seconds(interval.seconds), count: count)
    }
}
