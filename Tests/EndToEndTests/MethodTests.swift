import Core
import Foundation
import Recording
import Testing

@Suite(.serialized) struct MethodTests {
    private static let task = ["--task", "text-classification", "--set", "size=tiny"]

    /// A machine whose configuration names a meter that does not answer: a check of `doctor` fails there, whatever else it is.
    private func unfit(_ scratch: Scratch) throws -> [String: String] {
        let configuration = try scratch.write(
            "taskwatt.yaml",
            "meters:\n  - {name: desk, type: json, url: \"http://127.0.0.1:9/\", pointer: /power, unit: W}\n")
        return scratch.environment.merging(["TASKWATT_CONFIG": configuration]) { $1 }
    }

    @Test func strictDoesNotStartOnAMachineThatIsNotFit() async throws {
        let scratch = try Scratch()
        let environment = try unfit(scratch)
        let strict = [Program.taskwatt, "run", "--strict", "--json"] + Self.task
        let refused = try await Program.run(strict, environment: environment)
        #expect(refused.status == 1)
        #expect(refused.output.isEmpty)
        #expect(refused.error.contains("taskwatt: not started (strict): Meters fails"), "\(refused.error)")
        #expect(try #require(try Store.existing(directory: scratch.state)).suiteRuns().isEmpty)

        let daemon = try await scratch.daemon(environment: environment)
        let there = try await Program.run(strict, environment: environment)
        #expect(there.status == 1)
        #expect(there.error.contains("taskwatt: not started (strict): Meters fails"), "\(there.error)")
        try await daemon.stop()
    }

    @Test func autoCountsAndRepeatsUntilAnInterval() async throws {
        let scratch = try Scratch()
        let suite = try scratch.write(
            "auto.yaml",
            """
            name: auto
            idle_s: 0
            until_ci: 100%
            warm_up: {inferences: 20, seconds: 5}
            runs:
              - {task: fill-mask, plugin: sleeper, count: auto, repeats: 1, parameters: {milliseconds: 20}}
              - {task: text-classification, plugin: onnx-proxies, duration_s: 0.5, parameters: {size: tiny}}
            """)
        // A plugin that sleeps is as fast in the window as in the warm-up, so the first window is long enough.
        let outcome = try await Program.run(
            [Program.taskwatt, "run", suite],
            environment: try unfit(scratch).merging(["TASKWATT_PLUGIN_PATH": Program.fixtures]) { $1 })
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.error.contains("not fit for good figures: Meters ("), "\(outcome.error)")
        #expect(outcome.error.contains(" inferences per repeat, for "))
        #expect(outcome.error.contains("ended after "))
        let queries = try #require(try Store.existing(directory: scratch.state)).runs(RunFilter(stage: .query))
        #expect((4...51).contains(queries.count))
        for run in queries.map(\.record) {
            #expect(run.procedure?.latencySettled != nil)
            #expect(run.machineBefore != nil && run.machineAfter != nil)
        }
        let first = try #require(queries.first).record
        #expect(first.energy.window.durationSeconds >= 10)
        #expect(first.procedure?.autoCount != nil && first.procedure?.repeatsEnd == .count)
        #expect(queries.last?.record.procedure?.repeatsEnd == .interval)
        #expect(queries.last?.record.procedure?.autoCount == nil)
    }
}
