import API
import ArgumentParser
import Client
import Core
import Foundation
import Recording
import Reporting
import Service
import Settings
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

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: RecordOptions

    func run() async throws {
        let most = min(length.most(Self.usual) ?? .max, ListLength.range.upperBound)
        // One more shows whether there are more.
        var suites = try await state.surroundings.record().suiteRuns(
            label: label, suite: suite, machine: machine, limit: min(most + 1, ListLength.range.upperBound))
        if suites.count > most {
            suites.removeLast(suites.count - most)
            ListLength.tellMore("the latest \(most) suites")
        } else if suites.count == ListLength.range.upperBound {
            Console.note("no more than \(suites.count) suites are listed; choose by --label, --suite or --machine")
        }
        if json { return Console.print(try Console.json(suites)) }
        guard !suites.isEmpty else {
            let asked = [("label", label), ("suite", suite), ("machine", machine)]
                .compactMap { name, value in value.map { "--\(name) \($0)" } }.joined(separator: " ")
            throw UserError(
                .failed,
                asked.isEmpty
                    ? "the record has no suite; `taskwatt run` measures the first"
                    : "no suite fits \(asked)")
        }
        // A reader copies what is short; a program gets all of it.
        let digits = Console.isTerminal(STDOUT_FILENO) ? Self.digits(suites.map(\.uuid)) : Int.max
        let hasSources = suites.contains { $0.source != .taskwatt }
        var table = TextTable(
            [("uuid", .left), ("began", .left), ("suite", .left), ("label", .left), ("state", .left), ("runs", .right)]
                + [("machine", .left)] + (hasSources ? [("source", .left)] : []))
        for suite in suites {
            table.add(
                [
                    String(suite.uuid.prefix(digits)), LocalTime.text(suite.startedAt), PrintableText.of(suite.suite),
                    suite.label.map(PrintableText.of) ?? FigureText.none, suite.status, String(suite.runs),
                    PrintableText.of(suite.machine),
                ] + (hasSources ? [suite.source.rawValue] : []))
        }
        Console.print(.lines(table.text()))
    }

    /// How many characters of UUIDs tell them apart, eight at least.
    static func digits(_ uuids: [String]) -> Int {
        (8..<36).first { count in Set(uuids.map { $0.prefix(count) }).count == uuids.count } ?? 36
    }
}
