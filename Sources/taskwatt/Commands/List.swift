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
            Each has a UUID. `taskwatt show`, `taskwatt compare` and other commands accept a prefix of it.

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

    @Option(help: "The largest number of suites to list.")
    var limit = 20

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: RecordOptions

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 100000.") }
    }

    func run() async throws {
        let suites = try await state.surroundings.record().suiteRuns(
            label: label, suite: suite, machine: machine, limit: limit)
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
