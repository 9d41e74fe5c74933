import Core
import PluginHosting
import Suites
import Testing
import WorkloadProtocol

@testable import Running

/// Whole batches: counts are inferences, latencies are batches.
@Suite("Batches", .serialized)
struct BatchTests {
    private static func result(_ completed: Int, _ failed: Int = 0, latencies: Int? = nil) -> RunResult {
        RunResult(
            completed: completed, failed: failed, start: 1, end: 2,
            latencies: latencies.map { [Double](repeating: 0.1, count: $0) })
    }

    @Test(
        "A count is met by its next multiple of the batch, and by nothing else",
        arguments: [
            (count: 1, batch: 4, completed: 4, failed: 0, isRight: true),
            (4, 4, 4, 0, true), (5, 4, 8, 0, true), (5, 4, 4, 4, true), (5, 4, 5, 0, false), (5, 4, 4, 0, false),
            (5, 4, 12, 0, false), (5, 4, 6, 2, false), (3, 1, 3, 0, true), (3, 1, 4, 0, false),
        ])
    func counts(count: Int, batch: Int, completed: Int, failed: Int, isRight: Bool) {
        let problem = Self.result(completed, failed).problem(asked: RunParams(count: count), batch: batch)
        #expect((problem == nil) == isRight, "\(problem ?? "accepted")")
    }

    @Test("A run by time is of whole batches, with a latency each")
    func duration() {
        let asked = RunParams(durationSeconds: 1)
        #expect(Self.result(12, latencies: 3).problem(asked: asked, batch: 4) == nil)
        #expect(Self.result(12, latencies: 12).problem(asked: asked, batch: 4)?.contains("in batches of 4") == true)
        #expect(Self.result(10).problem(asked: asked, batch: 4)?.contains("no whole batches of 4") == true)
    }

    @Test("A window that lies outside its call is refused, but for what two clocks differ by")
    func window() {
        func problem(_ call: ClosedRange<Double>) -> String? {
            Self.result(1).problem(asked: RunParams(count: 1), during: call)
        }
        #expect(problem(0.5...2.5) == nil && problem(1...2) == nil && problem(1.005...1.995) == nil)
        #expect(problem(1.1...3)?.contains("from 1.000 s to 2.000 s") == true)
        #expect(problem(0...1.9)?.contains("from 0.000 s to 1.900 s") == true)
    }

    @Test("Latencies fit into their run, times those that are under way at once")
    func latenciesFit() {
        func problem(_ latencies: [Double], concurrency: Int = 1) -> String? {
            RunResult(completed: latencies.count, failed: 0, start: 1, end: 3, latencies: latencies)
                .problem(asked: RunParams(count: latencies.count), concurrency: concurrency)
        }
        #expect(problem([1, 1]) == nil && problem([2.1]) == nil)
        #expect(problem([2.2])?.contains("2.200 s in a run of 2.000 s") == true)
        #expect(problem([1, 1, 1])?.contains("`concurrency`") == true)
        #expect(problem([1, 1, 1], concurrency: 2) == nil)
        #expect(problem([1, 1, 1, 1, 1, 1], concurrency: 2) != nil)
        #expect(problem([4], concurrency: 8) != nil)
    }

    @Test("A run of which nothing completed is none")
    func noneCompleted() {
        #expect(Self.result(0, 3).problem(asked: RunParams(count: 3))?.contains("3 failed") == true)
        #expect(Self.result(0, 3).problem(asked: RunParams(durationSeconds: 1)) != nil)
        #expect(Self.result(1, 2).problem(asked: RunParams(count: 3)) == nil)
    }

    @Test("The largest count has no multiple to be rounded to, and does not overflow")
    func largest() {
        #expect(Int.max.roundedUp(toMultipleOf: 1) == .max)
        #expect(Int.max.roundedUp(toMultipleOf: 1000) == .max)
        #expect(7.roundedUp(toMultipleOf: 3) == 9)
    }

    @Test("The record counts inferences, and the latency is a batch's")
    func record() async throws {
        let bench = try PluginBench("batch")
        var entry = PluginBench.hostile
        entry.amount = .count(6)
        let outcome = try await bench.runner(PluginBench.suite([entry], repeats: 1)).run()
        #expect(outcome.failures == [])
        #expect(bench.runs.map(\.stage) == [.load, .warmUp, .query])
        #expect(bench.runs.map(\.completedInferences) == [0, 4, 8])
        #expect(bench.runs[2].workload?.batch == 4)
        #expect(bench.runs[2].latency?.mean == 0.001)
        let total = bench.events.last { $0.stage == .query && $0.total != nil }?.total
        #expect(total == 8)
    }

    @Test("What a plugin says of its failures is told after the run, on one line")
    func told() async throws {
        let bench = try PluginBench("some-fail")
        var entry = PluginBench.hostile
        entry.amount = .count(3)
        let outcome = try await bench.runner(PluginBench.suite([entry], repeats: 1)).run()
        #expect(outcome.failures == [])
        #expect(bench.runs.last?.failedInferences == 1)
        #expect(bench.events.contains { $0.stage == .query && $0.message == "1 of 3 failed:·no memory" })
    }

    @Test("A plugin that says a batch and does not keep to it fails")
    func broken() async throws {
        let short = try await PluginBench("batch-short").failure()
        #expect(short.contains("1 inferences completed and 0 failed, where 1 were asked for (4 in whole batches of 4)"))
        let latencies = try await PluginBench("batch-latencies").failure()
        #expect(latencies.contains("4 inferences completed in batches of 4, and gives 4 latencies"), "\(latencies)")
    }
}
