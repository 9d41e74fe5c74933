import ArgumentParser
import Foundation

/// Compares the sampler with a bare C loop that does the same reads at the same deadlines, in one run.
@main
struct SamplerBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sampler-benchmark",
        abstract: "Compare the sampler's CPU time with that of a bare C loop.",
        discussion: "Both read the same 8 counters at the same rates, in turn. See Tests/Benchmarks/README.md.")

    @Option(help: "Seconds of each round.")
    var seconds = 5.0

    @Option(help: "Rounds of each rate; in each, the loop and the sampler run once.")
    var rounds = 5

    @Option(help: ArgumentHelp("Readings a second, 0.1 to 1,000.", valueName: "rate,…"))
    var rates = "1,10,100,1000"

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard seconds >= 1, seconds <= 3600 else { throw ValidationError("--seconds takes 1 to 3600") }
        guard rounds >= 1, rounds <= 1000 else { throw ValidationError("--rounds takes 1 to 1000") }
        _ = try parsedRates()
    }

    private func parsedRates() throws -> [Double] {
        try rates.split(separator: ",").map { text in
            guard let rate = Double(text), (0.1...1000).contains(rate), rate * seconds >= 1 else {
                throw ValidationError("--rates: `\(text)` is no rate of 0.1 to 1000 that --seconds has room for")
            }
            return rate
        }
    }

    func run() throws {
        let zones = try CounterTree(zones: 8)
        var results: [RateResult] = []
        for rate in try parsedRates() {
            var loop: [Measurement] = []
            var sampler: [Measurement] = []
            for round in 0..<rounds {
                // The order alternates, so that what the first leaves behind is not always the second's.
                let order: [any Subject.Type] =
                    round % 2 == 0 ? [BareLoop.self, Sampler.self] : [Sampler.self, BareLoop.self]
                for subject in order {
                    let measured = try measure(subject, zones: zones, rate: rate, seconds: seconds)
                    if subject == Sampler.self { sampler.append(measured) } else { loop.append(measured) }
                }
            }
            let result = RateResult(rate: rate, loop: loop, sampler: sampler)
            results.append(result)
            if !json {
                if results.count == 1 { Self.print(RateResult.tableHead) }
                Self.print(result.tableLine)
            }
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            Self.print(String(decoding: try encoder.encode(results), as: UTF8.self))
        }
    }

    /// A line, at once: a pipe would keep it back until the end.
    private static func print(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
}
