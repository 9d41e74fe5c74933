import API
import ArgumentParser
import Client
import Reporting
import Terminal

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one run: its stages, power, meters, uncertainties and flags.",
        discussion: """
            RUN is the number of a run, as in exports and `taskwatt show last`, or a suite: its UUID, a prefix of it, or \
            `last`. In the line under the power, l is loading, w warm-up, i idle, and a digit the repeat.

            Examples:
              taskwatt show last
              taskwatt show 17
              taskwatt show 17 --json | jq .parts[0].group.windows[0].record.energy
            """)

    @Argument(help: "The number of a run, or a suite: its UUID, a prefix of it, or `last`.")
    var run: String

    @OptionGroup var answer: AnswerOptions

    @Flag(help: "Use only ASCII characters; the default if the locale is not UTF-8.")
    var ascii = false

    @OptionGroup var state: RecordOptions

    /// So many values of power in JSON; the text needs fewer.
    private static let columns = 256

    func run() async throws {
        let detail = try await state.record().detail(of: run, columns: Self.columns)
        try answer.print(
            detail, .lines(RunText(detail, isASCII: ascii || !Console.isUTF8, heading: Console.heading).text))
    }
}
