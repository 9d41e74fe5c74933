import API
import ArgumentParser
import Client
import Commands
import Glibc
import Service
import Settings
import Terminal

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
        let surroundings = state.surroundings
        let client = try await surroundings.daemon()
        let listings = client == nil ? try await surroundings.meters() : []
        let isTerminal = Console.isTerminal(STDOUT_FILENO)
        let command = self
        try await Interruption.cancelling {
            var board = PowerBoard()
            var looks = 0
            while true {
                let text: String
                if let client {
                    text = board.look(try await client.get("/v1/meters"), try await client.status())
                } else {
                    text = board.look(await MeterStatus.read(listings, patience: 1))
                }
                if isTerminal {
                    Console.screen(text, isFirst: looks == 0)
                } else {
                    Console.print(.lines(text + "\n"))
                }
                looks += 1
                if looks == command.count { return }
                try await Task.sleep(for: .seconds(command.interval.seconds))
            }
        }
    }
}
