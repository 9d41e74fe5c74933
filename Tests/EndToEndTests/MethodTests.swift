import Core
import Foundation
import Recording
import Testing

extension EndToEnd {
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

            let daemon = try Background(
                [Program.taskwatt, "serve"], environment: environment, log: "\(scratch.path)/daemon.log")
            let isReady = try await eventually(within: 20) { try await scratch.taskwatt("status").status == 0 }
            try #require(isReady, "the daemon does not answer: \(daemon.text)")
            let there = try await Program.run(strict, environment: environment)
            #expect(there.status == 1)
            #expect(there.error.contains("taskwatt: not started (strict): Meters fails"), "\(there.error)")
            daemon.send(SIGTERM)
            #expect(try await daemon.status(within: 10) == 0)
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
                  - {task: text-classification, plugin: onnx-proxies, count: auto, repeats: 1, parameters: {size: tiny}}
                  - {task: text-classification, plugin: onnx-proxies, duration_s: 0.5, parameters: {size: tiny}}
                """)
            let outcome = try await Program.run(
                [Program.taskwatt, "run", suite], environment: try unfit(scratch))
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.error.contains("not fit for good figures: Meters ("), "\(outcome.error)")
            #expect(outcome.error.contains(" inferences a repeat, for "))
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

        /// The real sampler in real time: a machine that draws 86 W whether anybody works or not, so gross is 86 W × time and
        /// net is nothing. IntervalTests of ServiceTests does the same for whole suites whose load differs from idle.
        @Test(.timeLimit(.minutes(3))) func aHundredRepeatsHoldTheKnownEnergies() async throws {
            let scratch = try Scratch()
            let simulation = try Simulation(
                scratch,
                """
                {"zones": [
                  {"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 80}, "update": 0.001,
                   "range": 262143328850},
                  {"zone": "intel-rapl:0:0", "name": "dram", "load": {"base": 6}, "update": 0.001, "range": 65712999613}]}
                """)
            let suite = try scratch.write(
                "hundred.yaml",
                """
                name: hundred
                repeats: 100
                idle_s: 5
                idle_after_s: 0
                warm_up: {inferences: 2, seconds: 1}
                runs:
                  - {task: text-classification, plugin: onnx-proxies, duration_s: 0.1, parameters: {size: tiny}}
                """)
            let outcome = try await Program.run(
                simulation.command([Program.taskwatt, "run", suite, "--quiet"]), environment: scratch.environment)
            #expect(outcome.status == 0, "\(outcome.error)")
            let queries = try #require(try Store.existing(directory: scratch.state)).runs(RunFilter(stage: .query))
            #expect(queries.count == 100)
            var inside = (gross: 0, net: 0)
            var widths: [Double] = []
            for run in queries.map(\.record) {
                let seconds = run.energy.window.durationSeconds
                let total = run.energy.total
                let idle = try #require(run.idlePower).watts * seconds
                // Five blocks: four degrees of freedom.
                let scatter = try #require(run.idlePowerUncertainty).watts * seconds * Statistics.studentT95(4)
                let net = (total.uncertainty.joules * total.uncertainty.joules + scatter * scatter).squareRoot()
                if abs(total.energy.joules - 86 * seconds) <= total.uncertainty.joules { inside.gross += 1 }
                if abs(total.energy.joules - idle) <= net { inside.net += 1 }
                widths.append(total.uncertainty.joules / total.energy.joules)
            }
            // Nobody needs an interval that holds anything: 2 % of what was measured is enough for 0.1 s.
            #expect((Statistics.median(widths) ?? 1) < 0.02)
            #expect(inside.gross >= 89, "gross: \(inside.gross)")
            #expect(inside.net >= 89, "net: \(inside.net)")
        }

        @Test(arguments: [
            (["--count", "automatic"], "'automatic' is invalid for '--count"),
            (["--count", "0"], "'0' is invalid for '--count"),
            (["--until-ci", "2"], "it is a share of the mean with its sign, such as 2%"),
            (["--until-ci", "0%"], "'0%' is invalid for '--until-ci"),
            (["--until-ci", "2%", "--repeats", "5"], "Give --repeats or --until-ci, not both"),
            (["--max-repeats", "2"], "--max-repeats must be from 3"),
        ])
        func wrongUsage(arguments: [String], says: String) async throws {
            let scratch = try Scratch()
            let outcome = try await Program.run(
                [Program.taskwatt, "run"] + arguments, environment: scratch.environment)
            #expect(outcome.status == 64)
            #expect(outcome.error.contains(says), "\(outcome.error)")
        }
    }
}
