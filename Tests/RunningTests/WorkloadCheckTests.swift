import Core
import Foundation
import Testing

@testable import Running
@testable import Suites

/// The look at every plugin before anything is measured.
@Suite("Check of the workloads", .serialized)
struct WorkloadCheckTests {
    private static func suite(_ entries: [Suite.Entry], idle: Double = 0.5) -> Suite {
        var suite = PluginBench.suite(entries, repeats: 1)
        suite.idleSeconds = idle
        suite.idleAfterSeconds = idle
        return suite
    }

    private static func calls(_ bench: PluginBench) -> [String] {
        let text = try? String(contentsOfFile: "\(bench.directory)/plugins/hostile/calls.log", encoding: .utf8)
        return (text ?? "").split(separator: "\n").map(String.init)
    }

    @Test("Where nothing can run, nothing is measured, and each entry is told once")
    func hopeless() async throws {
        let bench = try PluginBench("refuse")
        let meter = ScriptedMeter()
        let outcome = try await bench.runner(
            Self.suite([PluginBench.hostile, PluginBench.hostile], idle: 3600), meter
        ).run()
        #expect(outcome.failures.count == 2)
        #expect(outcome.failures.allSatisfy { $0.contains("there is no·engine here; apt install engine") })
        #expect(bench.runs.map(\.status) == [.failed, .failed])
        #expect(meter.closedWindows == 0)
    }

    @Test("What cannot run is known before the baseline, and the others are measured")
    func oneOfTwo() async throws {
        let bench = try PluginBench("refuse")
        let outcome = try await bench.runner(Self.suite([PluginBench.hostile, PluginBench.sleeper])).run()
        #expect(outcome.failures.count == 1)
        #expect(bench.runs.map(\.stage) == [.idle, .query, .load, .warmUp, .query, .idleAfter])
        #expect(bench.runs.map(\.status) == [.completed, .failed, .completed, .completed, .completed, .completed])
        let starts = bench.events.compactMap(\.message).filter { $0 == "starting hostile" }
        #expect(starts.isEmpty, "it was started again")
    }

    @Test(
        "A device that the plugin's answer does not name is refused before anything is measured",
        arguments: ["banana", "cuda:0"])
    func device(_ device: String) async throws {
        let bench = try PluginBench("none")
        var entry = PluginBench.sleeper
        entry.device = device
        let meter = ScriptedMeter()
        let outcome = try await bench.runner(Self.suite([entry, entry], idle: 3600), meter).run()
        #expect(outcome.failures.count == 2 && outcome.failures.allSatisfy { $0.contains("`\(device)`") })
        #expect(bench.runs.map(\.status) == [.failed, .failed] && meter.closedWindows == 0)
    }

    @Test("The same workload is asked once, no model is loaded, and another one is asked too")
    func calls() async throws {
        let bench = try PluginBench("log")
        var other = PluginBench.hostile
        other.parameters["padding"] = .string("x")
        var shorter = PluginBench.hostile
        shorter.amount = .count(1)
        shorter.place = "elsewhere"
        let runner = bench.runner(Self.suite([PluginBench.hostile, shorter, other], idle: 0))
        #expect(try await WorkloadCheck(runner: runner).problems().isEmpty)
        #expect(Self.calls(bench) == ["initialize", "initialize"])
    }

    @Test("The only entry of a suite without a baseline is started once")
    func single() async throws {
        let bench = try PluginBench("log")
        let outcome = try await bench.runner(Self.suite([PluginBench.hostile], idle: 0)).run()
        #expect(outcome.failures == [])
        #expect(Self.calls(bench) == ["initialize", "prepare"])
    }

    @Test("A suite that is cancelled in it measures nothing and leaves no process")
    func cancelled() async throws {
        let bench = try PluginBench("hang-initialize")
        let meter = ScriptedMeter()
        let runner = bench.runner(Self.suite([PluginBench.hostile, PluginBench.sleeper]), meter)
        let task = Task { try await runner.run() }
        while bench.processes().isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(bench.processes() == [])
        #expect(bench.runs.isEmpty)
        #expect(meter.closedWindows == 0)
    }

    @Test("A dataset of a suite reaches the plugin that has a parameter for it")
    func dataset() async throws {
        let bench = try PluginBench("dataset")
        var entry = PluginBench.hostile
        entry.dataset = "org/set"
        _ = try await bench.runner(Self.suite([entry], idle: 0)).run()
        let workload = try #require(bench.runs.last?.workload)
        #expect(workload.engine == "data org/set")
        #expect(workload.dataset == "org/set")
        // The sleeper has none, and is not given what it does not know.
        var label = PluginBench.sleeper
        label.dataset = "org/set"
        let second = try PluginBench("none")
        _ = try await second.runner(Self.suite([label], idle: 0)).run()
        #expect(second.runs.last?.workload?.dataset == "org/set")
        #expect(second.runs.last?.workload?.programSHA256?.count == 64)
        #expect(second.runs.last?.workload?.parameters == ["milliseconds": .integer(5)])
    }
}
