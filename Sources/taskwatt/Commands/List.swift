import API
import ArgumentParser
import Client
import Commands
import Core
import Glibc
import Recording
import Reporting
import Service
import Terminal

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the suites in the record, the latest first.",
        discussion: """
            Each has a UUID. `taskwatt show`, `taskwatt compare` and other commands accept a prefix of it. Lists 20 unless --limit \
            or --all says otherwise.

            Examples:
              taskwatt list
              taskwatt list --label before
              taskwatt list --json | jq -r '.[] | select(.status == "failed") | .uuid'
            """)

    @Option(help: "Only suites with this label (`taskwatt run --label`).")
    var label: String?

    @Option(help: "Only suites with this name.")
    var suite: String?

    @Option(help: "Only suites of this machine.")
    var machine: String?

    private static let usual = 20

    @OptionGroup var length: ListLength

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: RecordOptions

    func run() async throws {
        let most = min(length.most(Self.usual) ?? .max, ListLength.range.upperBound)
        // One more shows whether there are more.
        var suites = try await state.record().suiteRuns(
            label: label, suite: suite, machine: machine, limit: min(most + 1, ListLength.range.upperBound))
        if suites.count > most {
            suites.removeLast(suites.count - most)
            ListLength.tellMore("the latest \(most) suites")
        } else if suites.count == ListLength.range.upperBound {
            Console.note("no more than \(suites.count) suites are listed; choose by --label, --suite or --machine")
        }
        if suites.isEmpty, !answer.isJSON {
            let asked = GivenOptions.text(["label": label, "suite": suite, "machine": machine])
            throw UserError(
                .failed,
                asked.isEmpty
                    ? "the record has no suite; `taskwatt run` measures the first" : "no suite fits \(asked)")
        }
        // A reader copies what is short; a program gets all of it.
        let list = SuiteList(suites, isShort: Console.isTerminal(STDOUT_FILENO))
        try answer.print(suites, .lines(list.text))
    }
}
