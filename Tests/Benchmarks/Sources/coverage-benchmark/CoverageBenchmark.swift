import ArgumentParser
import CoverageBench
import Foundation

/// Whether the intervals of the table hold what they promise, against a truth that is known.
@main struct CoverageBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coverage",
        abstract: "Try the table's intervals against known truth, on an injected clock.",
        discussion: "Exits with 1 where a cell does not hold what the method promises.")

    @Option(help: "Draws of each cell.") var draws = 10_000
    @Option(help: "The same draws for the same seed.") var seed: UInt64 = 16
    @Option(help: "Only cells whose name has this in it.") var only: String?
    @Flag(help: "One JSON object a line.") var json = false

    func run() async throws {
        let cells = CoverageCell.all.filter { only.map($0.name.contains) ?? true }
        if !json { print("coverage  width %  /narrowest  bias %  cell") }
        var failed = 0
        let results = AsyncStream<CoverageResult?> { results in
            let (draws, seed) = (draws, seed)
            Task.detached {
                await withTaskGroup(of: CoverageResult?.self) { group in
                    for (index, cell) in cells.enumerated() {
                        group.addTask { CoverageResult(cell, draws: draws, seed: seed &+ UInt64(index)) }
                    }
                    for await result in group { results.yield(result) }
                }
                results.finish()
            }
        }
        for await result in results {
            guard let result else { continue }
            if result.problem != nil { failed += 1 }
            print(json ? Self.json(result) : Self.line(result))
            fflush(nil)
        }
        print("\(cells.count) cells, \(failed) that do not hold")
        if failed > 0 { throw ExitCode(1) }
    }

    private static func line(_ result: CoverageResult) -> String {
        String(
            format: "%8.1f  %7.3f  %10.2f  %6.3f  ", result.coverage * 100, result.width * 100,
            result.narrowest > 0 ? result.width / result.narrowest : 0, result.bias * 100)
            + result.cell.name + (result.problem.map { "   ✘ \($0)" } ?? "")
    }

    private static func json(_ result: CoverageResult) -> String {
        let values: [String: Any] = [
            "cell": result.cell.name, "draws": result.draws, "coverage": result.coverage, "width": result.width,
            "narrowest": result.narrowest, "bias": result.bias, "problem": result.problem ?? NSNull(),
        ]
        let data = try? JSONSerialization.data(withJSONObject: values, options: .sortedKeys)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
