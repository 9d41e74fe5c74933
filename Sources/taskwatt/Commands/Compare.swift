import ArgumentParser
import Core
import Foundation
import Recording
import Reporting
import Service

struct Compare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare two machines, models or dates: the ratio, its interval, and whether they differ.",
        discussion: """
            A and B are each a suite's UUID (or its begin, last, last-1), two times with .. between, or a name after one of \
            \(RunSelection.kinds.map { "\($0):" }.joined(separator: ", ")), or after a parameter of the plugins, such as \
            threads:1. What else is chosen holds for both. Rows are paired by what they have in common; what they differ in is \
            said below.

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

    @Argument(help: "The one side, which the ratio is taken of.")
    var a: String

    @Argument(help: "The other side.")
    var b: String

    @Option(help: "How: \(ComparisonFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: ComparisonFormat = .text

    @Flag(help: "Less the idle baseline.")
    var net = false

    @Flag(help: "Compare measured with estimated, one scope with another, and sizes too.")
    var mixed = false

    @Flag(help: "The same as --format json.")
    var json = false

    @OptionGroup var cells: CellOptions
    @OptionGroup(title: "Which runs, of both sides") var filter: FilterOptions
    @OptionGroup var state: StateOptions

    func validate() throws { _ = try request }

    private var request: Comparison.Request {
        get throws {
            let base = try filter.filter
            let now = Date()
            do {
                return Comparison.Request(
                    a: try RunSelection.parse(a, base: base, now: now),
                    b: try RunSelection.parse(b, base: base, now: now), isNet: net, isMixed: mixed)
            } catch {
                throw ValidationError("\(error).")
            }
        }
    }

    func run() async throws {
        let request = try request
        let comparison = try await Record.find(Surroundings(), state).comparison(request)
        guard !comparison.rows.isEmpty else {
            let reasons = comparison.reasons.joined(separator: " ")
            throw CommandFailure("\(a) and \(b) have nothing that compares: \(reasons)")
        }
        let format = json ? .json : format
        Console.print(
            rendered: try comparison.rendered(as: format, hasRawCells: cells.areRaw), forPeople: format.isForPeople,
            isText: format == .text)
    }
}

extension ComparisonFormat: ExpressibleByArgument {}
