import API
import ArgumentParser
import Client
import Commands
import Core
import Foundation
import Recording
import Reporting
import Terminal

struct Compare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare two machines, models, settings or dates: the ratio and its interval.",
        discussion: """
            A and B are each the UUID of a suite (or a prefix of it, last, last-1), two times with .. between, or a name after \
            one of \(RunSelection.kinds.map { "\($0):" }.joined(separator: ", ")), or after a plugin parameter, such as \
            threads:1. Other options select runs of both sides. Rows are paired by what they have in common; notes list \
            the differences.

            Examples:
              taskwatt compare last-1 last
              taskwatt compare machine:desktop machine:laptop
              taskwatt compare precision:fp32 precision:int8
              taskwatt compare threads:1 threads:2 --suite-run last
              taskwatt compare label:before label:after --format latex
              taskwatt compare model:bert-base model:roberta-base --task fill-mask
              taskwatt compare ..2026-11-01 2026-11-01..
              taskwatt compare source:paper source:taskwatt --mixed
            """)

    @Argument(help: "The first side; the ratio is B/A.")
    var a: String

    @Argument(help: "The second side.")
    var b: String

    @Option(help: "The format: \(ComparisonFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: ComparisonFormat = .text

    @Flag(help: "Subtract the idle power.")
    var net = false

    @Flag(help: "Allow comparing measured with estimated figures, and different scopes and sizes.")
    var mixed = false

    @Flag(help: "The same as --format json.")
    var json = false

    @OptionGroup var cells: CellOptions
    @OptionGroup(title: "Which runs, of both sides") var filter: FilterOptions
    @OptionGroup var state: RecordOptions

    func validate() throws { _ = try request }

    private var request: Comparison.Request {
        get throws {
            let (base, now) = (try filter.filter, Date())
            return try validated {
                Comparison.Request(
                    a: try RunSelection.parse(a, base: base, now: now),
                    b: try RunSelection.parse(b, base: base, now: now), isNet: net, isMixed: mixed)
            }
        }
    }

    func run() async throws {
        let comparison = try await state.record().comparison(try request, of: (a, b))
        let format = json ? .json : format
        Console.print(
            rendered: try comparison.rendered(as: format, hasRawCells: cells.areRaw), forPeople: format.isForPeople,
            isText: format == .text)
    }
}

extension ComparisonFormat: ExpressibleByArgument {}
