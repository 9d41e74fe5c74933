import ArgumentParser
import Commands
import Core
import Exchange
import Host
import Recording
import Settings
import Terminal

struct Send: CancellableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send suites to the collector, or to the shared directory, now.",
        discussion: """
            `collector` and `drop` in taskwatt.yaml name who is to have the suites of this machine. A daemon sends each when it has \
            ended, and tries again until it has been taken; without one, `taskwatt run` and this command do. Also sends again \
            what was refused. Exits with 1 if something is still to be sent.

            Examples:
              taskwatt send
              taskwatt send last 3f2a9c1b      these too, from before there was a collector
            """)

    @Argument(help: ArgumentHelp("More suites to send: a UUID or a prefix of it, or `last`.", valueName: "run"))
    var runs: [String] = []

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: StateOptions

    func work() async throws {
        let isJSON = answer.isJSON
        let summary = try await state.surroundings.send(runs) { if !isJSON { Console.note($0) } }
        try answer.print(summary, "\(summary.line(at: Clocks.wall()))\n")
        if !summary.isEmpty { throw ExitCode.failure }
    }
}
