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
        let record = try await state.surroundings.record()
        let comparison: Comparison
        do { comparison = try await record.comparison(request) } catch {
            // One of this process is of a type of its own; a daemon's has only its kind.
            for side in UserError(error).kind == .notFound ? [request.a, request.b] : [] {
                if let unknown = try await record.unknownName(in: side.filter) { throw unknown }
            }
            throw error
        }
        guard !comparison.rows.isEmpty else {
            let reasons = comparison.reasons.joined(separator: " ")
            throw UserError(.failed, "\(a) and \(b) have nothing in common to compare: \(reasons)")
        }
        let format = json ? .json : format
        Console.print(
            rendered: try comparison.rendered(as: format, hasRawCells: cells.areRaw), forPeople: format.isForPeople,
            isText: format == .text)
    }
}

extension ComparisonFormat: ExpressibleByArgument {}
