import ArgumentParser
import Collecting
import Core
import Foundation
import Recording
import Reporting
import Settings
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

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var state: RecordOptions

        func run() async throws {
            let surroundings = state.surroundings
            let machines = try CollectCommand.ledger(surroundings).machines()
            // A program looks for some among them, and would not miss those that are left out.
            let most = json ? length.limit : length.most(Self.usual)
            let shown = Array(machines.prefix(most ?? machines.count))
            let entries = try await FleetEntry.all(shown, in: try CollectCommand.record(surroundings))
            if json { return Console.print(try Console.json(entries)) }
            var table = TextTable([
                ("machine", .left), ("class", .left), ("latest suite", .left), ("drift", .left), ("heard", .left),
                ("last bundle", .left), ("to send", .right), ("oldest", .left), ("clock", .right), ("version", .left),
            ])
            for entry in entries { table.add(Self.cells(entry)) }
            Console.print(.lines(table.text()))
            if shown.count < machines.count { ListLength.tellMore("\(shown.count) of \(machines.count) machines") }
        }

        private static func cells(_ entry: FleetEntry) -> [String] {
            let machine = entry.machine
            let none = FigureText.none
            return [
                machine.name + (machine.revokedAt == nil ? "" : " (revoked)"),
                entry.equipment.map(PrintableText.oneLine) ?? none,
                entry.latest.map { "\(LocalTime.text($0.startedAt)) \(PrintableText.oneLine($0.suite)), \($0.status)" }
                    ?? none,
                entry.drift == .unknown ? none : entry.drift.rawValue,
                machine.lastSeenAt.map(LocalTime.text) ?? "never",
                machine.lastBundleAt.map(LocalTime.text) ?? "never",
                machine.waiting.map(String.init) ?? none,
                machine.oldestSeconds.map(DurationText.figure) ?? none,
                machine.clockSkew.map { "\(FigureText.fixed($0, 1)) s" } ?? none, machine.version ?? none,
            ]
        }
    }
}
