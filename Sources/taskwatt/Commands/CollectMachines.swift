import ArgumentParser
import Collecting
import Commands
import Reporting
import Terminal

extension CollectCommand {
    struct Machines: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "machines", abstract: "List the machines that are enrolled.",
            discussion: """
                Shows the class of each and its latest suite, whether it drifts by the suite `control`, when it was heard last, what \
                it had still to send then and for how long the oldest had waited, and how far its clock is ahead. Lists 100 unless --limit or --all says otherwise; JSON has all.

                Examples:
                  sudo taskwatt collect machines
                  sudo taskwatt collect machines --all | grep drifts
                  sudo taskwatt collect machines --json | jq '.[] | select(.waiting > 0)'
                """)

        private static let usual = 100

        @OptionGroup var length: ListLength

        @OptionGroup var answer: AnswerOptions

        @OptionGroup var state: RecordOptions

        func run() async throws {
            let files = CollectorFiles(state.surroundings)
            let machines = try files.ledger().machines()
            // A program looks for some among them, and would not miss those that are left out.
            let most = answer.isJSON ? length.limit : length.most(Self.usual)
            let shown = Array(machines.prefix(most ?? machines.count))
            let entries = try await FleetEntry.all(shown, in: try files.record())
            try answer.print(entries, .lines(entries.table.text()))
            if shown.count < machines.count, !answer.isJSON {
                ListLength.tellMore("\(shown.count) of \(machines.count) machines")
            }
        }
    }
}
