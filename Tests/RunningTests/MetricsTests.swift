import Core
import PluginHosting
import Testing
import WorkloadProtocol

@testable import Running

@Suite("Metrics of a run")
struct MetricsTests {
    private func problem(_ metrics: [String: Double]?) -> String? {
        RunResult(completed: 1, failed: 0, start: 1, end: 2, latencies: nil, metrics: metrics)
            .problem(asked: RunParams(count: 1))
    }

    @Test("What a plugin may say")
    func good() {
        #expect(problem(nil) == nil)
        #expect(problem([:]) == nil)
        #expect(problem(["output_tokens": 0, "time_to_first_token_p95_s": 1e-3, "x": -1]) == nil)
    }

    @Test("What nobody could read")
    func bad() throws {
        #expect(try #require(problem(["output_tokens": .infinity])).contains("`output_tokens` is inf"))
        #expect(try #require(problem(["a": .nan])).contains("`a` is nan"))
        for name in ["", "Tokens", "a b", "a-b", "ä", "a\nb", String(repeating: "a", count: 65)] {
            let words = try #require(problem([name: 1]))
            #expect(words.contains("a metric is called") && !words.contains("\n"))
        }
        let many = Dictionary(uniqueKeysWithValues: (0...100).map { ("m\($0)", 1.0) })
        #expect(try #require(problem(many)).contains("101 metrics"))
    }

    /// The runner keeps what a plugin says, of the repeats alone.
    @Test("They come into the record")
    func recorded() async throws {
        let bench = try PluginBench("metrics")
        let outcome = try await bench.runner(PluginBench.suite([PluginBench.hostile], repeats: 2)).run()
        #expect(outcome.failures == [])
        let query = bench.runs.filter { $0.stage == .query }
        #expect(query.map(\.metrics) == [["output_tokens": 30], ["output_tokens": 30]])
        #expect(bench.runs.filter { $0.stage != .query }.allSatisfy { $0.metrics.isEmpty })
        let broken = try PluginBench("bad-metrics")
        #expect(try await broken.failure().contains("a metric is called `Tokens`"))
    }
}
