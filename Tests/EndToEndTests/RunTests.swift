import Core
import Foundation
import Recording
import Testing

extension EndToEnd {
    @Suite(.serialized) struct RunTests {
        private static let tiny = ["--set", "size=tiny", "--quiet"]

        /// Two tasks at tiny size, 2 × 2.5 s each.
        private func suite(_ scratch: Scratch) throws -> String {
            try scratch.write(
                "tiny.yaml",
                """
                name: tiny
                repeats: 2
                idle_s: 1
                idle_after_s: 1
                warm_up: {inferences: 2, seconds: 1}
                runs:
                  - {task: text-classification, plugin: onnx-proxies, duration_s: 2.5, parameters: {size: tiny}}
                  - {task: text-generation, plugin: onnx-proxies, duration_s: 2.5, parameters: {size: tiny}}
                """)
        }

        @Test func measuredRowsAgreeWithTheTruth() async throws {
            let scratch = try Scratch()
            // 350 J are five seconds, so that windows without a wrap are rare.
            let simulation = try Simulation(
                scratch,
                """
                {"zones": [
                  {"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 40, "square": 60, "period": 1.3},
                   "update": 0.001, "range": 350000000, "limit": 120},
                  {"zone": "intel-rapl:0:0", "name": "dram", "load": {"base": 6}, "update": 0.001, "range": 65712999613}],
                 "chips": [{"driver": "xe", "kind": "energy", "load": {"base": 25}, "update": 0.001}]}
                """)
            let suite = try suite(scratch)
            let outcome = try await Program.run(
                simulation.command([Program.taskwatt, "run", suite, "--json"]), environment: scratch.environment)
            #expect(outcome.status == 0, "\(outcome.error)")
            let rows = try Rows(outcome.output).rows
            #expect(rows.map(\.task) == ["text-classification", "text-generation"])
            #expect(rows.allSatisfy { $0.provenance == "measured" && $0.scope == "components" && $0.n == 2 })
            #expect(rows.allSatisfy { $0.size == "tiny" })
            #expect(rows[0].paperMeanKwh == 0.002292)

            let gaps = try simulation.longestGaps()
            let runs = try #require(try Store.existing(directory: scratch.state)).runs()
            #expect(
                runs.map(\.record.stage) == [
                    .idle, .load, .warmUp, .query, .query, .load, .warmUp, .query, .query, .idleAfter,
                ])
            var hasWrapped = false
            for run in runs.map(\.record) {
                let window = run.energy.window
                let truth = try await simulation.truth(from: window.start.seconds, to: window.end.seconds)
                let domain = try #require(run.energy.domains.first { $0.id == "powercap/intel-rapl:0" })
                let step = 100 * (gaps[domain.id] ?? 0)
                #expect(abs(domain.energy.joules - (truth[domain.id] ?? 0)) <= step, "\(run.stage)")
                #expect(domain.coverage == 1)
                hasWrapped = hasWrapped || domain.flags.contains(.wrapped)
            }
            #expect(hasWrapped)
            // The row is the mean of its two repeats, from the joules in the record.
            let queries = runs.map(\.record).filter { $0.stage == .query && $0.workload?.task == .textClassification }
            let figures = queries.map { run -> Double in
                run.energy.total.energy.joules / Double(run.completedInferences) * 1000 / 3.6e6
            }
            #expect(abs(rows[0].meanKwh / ((figures[0] + figures[1]) / 2) - 1) < 1e-9)
            // The idle baseline of the simulated machine: what it draws whether anybody works or not.
            let idle = try #require(runs.first?.record.idlePower?.watts)
            #expect(idle > 40 + 6 + 25 && idle < 100 + 6 + 25)
        }

        @Test(.timeLimit(.minutes(4))) func theTinySuiteHasAllTenRows() async throws {
            let scratch = try Scratch()
            let outcome = try await scratch.taskwatt("run", "tiny", "--quiet", "--json")
            #expect(outcome.status == 0, "\(outcome.error)")
            let rows = try Rows(outcome.output).rows
            #expect(rows.map(\.task) == MLTask.paperTasks.map(\.rawValue))
            #expect(rows.allSatisfy { $0.size == "tiny" && $0.n == 2 && $0.meanKwh > 0 })
        }

        @Test func withoutSensorsEveryRowIsEstimated() async throws {
            let scratch = try Scratch()
            let outcome = try await Program.run(
                [
                    Program.taskwatt, "run", "--task", "image-classification", "--repeats", "2", "--count", "30",
                    "--json",
                ]
                    + Self.tiny, environment: scratch.environment)
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.error.isEmpty)
            let row = try #require(try Rows(outcome.output).rows.first)
            // Machines with sensors measure; there the row says so.
            let meters = try await scratch.taskwatt("meters", "--json")
            #expect(row.provenance == (meters.output.contains("\"measured\"") ? "measured" : "estimated"))
            #expect(row.meanKwh > 0)
        }

        /// The official builds of ONNX Runtime send telemetry unless told not to: no device id, no queue of events is left.
        @Test func theEngineSendsNothing() async throws {
            let scratch = try Scratch()
            let home = ["HOME": "\(scratch.path)/home", "XDG_CACHE_HOME": ""]
            let outcome = try await Program.run(
                // On a CI server the engine is quiet by itself.
                [
                    "env", "-u", "CI", Program.taskwatt, "run", "--task", "text-classification", "--repeats", "1",
                    "--count", "5",
                ] + Self.tiny,
                environment: scratch.environment.merging(home) { _, new in new })
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/home/.cache"))
        }

        @Test func plainLinesWhereThereIsNoTerminalAndABarWhereThereIs() async throws {
            let scratch = try Scratch()
            let arguments = [
                "run", "--task", "text-generation", "--repeats", "1", "--count", "4000", "--set", "size=tiny",
            ]
            let plain = try await Program.run([Program.taskwatt] + arguments, environment: scratch.environment)
            #expect(plain.error.contains("[1/1] text-generation: repeat 1/1: 4000 inferences"))
            #expect(!plain.error.contains("\r") && !plain.error.contains("\u{1B}"))
            let typed = ([Program.taskwatt] + arguments).map { "'\($0)'" }.joined(separator: " ")
            var environment = scratch.environment
            environment["NO_COLOR"] = ""
            environment["TERM"] = "xterm"
            let terminal = try await Program.run(["script", "-qec", typed, "/dev/null"], environment: environment)
            #expect(terminal.output.contains("\u{1B}[2m"))
            #expect(terminal.output.contains("measuring the idle power"))
            #expect(terminal.output.contains("░"))
            environment["NO_COLOR"] = "1"
            let colourless = try await Program.run(["script", "-qec", typed, "/dev/null"], environment: environment)
            #expect(!colourless.output.contains("\u{1B}[2m"))
        }

        @Test func controlCKeepsTheFinishedRepeatsAndEndsThePlugin() async throws {
            let scratch = try Scratch()
            let background = try Background(
                [
                    Program.taskwatt, "run", "--task", "text-classification", "--repeats", "500", "--count", "5",
                    "--set", "size=tiny",
                ],
                environment: scratch.environment, log: "\(scratch.path)/log")
            #expect(try await eventually(within: 30) { background.text.contains("repeat 3/500") }, "\(background.text)")
            background.send(SIGINT)
            #expect(try await background.status(within: 10) == 130)
            #expect(background.text.contains("interrupted; what was finished is kept"))
            #expect(background.text.contains("text classification"))
            #expect(scratch.processes(with: "onnx-proxies").isEmpty)
            let store = try #require(try Store.existing(directory: scratch.state))
            #expect(try store.runs(RunFilter(stage: .query)).count >= 3)
            #expect(try store.suiteRuns().first?.status == "interrupted")
        }

        @Test func exportsAreWholeAndAreCutOffByHeadWithoutAWord() async throws {
            let scratch = try Scratch()
            let run = try await Program.run(
                [Program.taskwatt, "run", "--task", "text-classification", "--repeats", "2", "--count", "5"]
                    + Self.tiny,
                environment: scratch.environment)
            #expect(run.status == 0, "\(run.error)")
            let runs = try await scratch.taskwatt("export", "--format", "csv", "--runs")
            #expect(runs.output.split(separator: "\r\n").count == 1 + 5)
            let samples = try await scratch.taskwatt("export", "--samples")
            #expect(samples.output.hasPrefix("run_id,meter,time,monotonic_s,energy_j,power_w,stage,task,"))
            #expect(samples.output.split(separator: "\r\n").count > 30)
            let head = try await Program.run(
                ["bash", "-c", "set -o pipefail; '\(Program.taskwatt)' export --samples | head -n 1"],
                environment: scratch.environment)
            #expect(head.error.isEmpty)
            for format in ["text", "markdown", "latex", "csv", "json", "html"] {
                let table = try await scratch.taskwatt("table", "--format", format)
                #expect(table.status == 0)
                #expect(table.output.contains("text classification"))
            }
            // A second suite: the table has both, unless only the last is asked for.
            _ = try await Program.run(
                [Program.taskwatt, "run", "--task", "text-classification", "--repeats", "1", "--count", "5"]
                    + Self.tiny,
                environment: scratch.environment)
            #expect(try Rows(try await scratch.taskwatt("table", "--format", "json").output).rows.map(\.n) == [3])
            let last = try await scratch.taskwatt("table", "--suite-run", "last", "--format", "json")
            #expect(try Rows(last.output).rows.map(\.n) == [1])
            let lastRuns = try await scratch.taskwatt("export", "--suite-run", "last")
            #expect(lastRuns.output.split(separator: "\r\n").count == 1 + 4)
            let net = try await scratch.taskwatt("table", "--net")
            #expect(net.output.contains("net kWh"))
            try await EndToEnd.tablesOfThatRecord(scratch)
        }
    }

    /// A record of two suites, looked at by choice.
    private static func tablesOfThatRecord(_ scratch: Scratch) async throws {
        let chosen = try await scratch.taskwatt(
            "table", "--since", "today", "--model", "bert-base", "--by", "model,date", "--columns", "n,carbon",
            "--carbon-zone", "fr")
        #expect(chosen.output.contains("task                 model      date"), "\(chosen.output)\(chosen.error)")
        #expect(chosen.output.contains("g CO2e at 56.0 g per kWh: FR (France), 2023"))
        let zone = try await scratch.taskwatt("table", "--columns", "n", "--carbon-zone", "fr")
        #expect(zone.output.contains(/n +g CO2e\n/), "\(zone.output)")
        let unfit = try await scratch.taskwatt("table", "--model", "none", "--format", "latex")
        #expect(unfit.status == 1 && unfit.output.isEmpty && unfit.error.contains("no run fits --model none"))
        let none = try await scratch.taskwatt("table", "--until", "2020-01-01", "--source", "paper")
        #expect(none.status == 1)
        #expect(none.error.contains("no run fits --until 2020-01-01 --source paper; `taskwatt import paper`"))
        let comparison = try await scratch.taskwatt("compare", "last-1", "last", "--json")
        struct Compared: Decodable {
            struct Row: Decodable { var ratio: Double }
            var rows: [Row]
        }
        let compared: Compared = try decoded(comparison.output)
        #expect(compared.rows.count == 1 && compared.rows[0].ratio > 0)
        let nothing = try await scratch.taskwatt("compare", "last", "machine:elsewhere")
        #expect(nothing.status == 1)
        #expect(nothing.error.contains("no run fits machine:elsewhere"))
    }

    /// The table's JSON, as far as its form is promised.
    struct Rows: Decodable {
        struct Row: Decodable {
            var task: String
            var meanKwh: Double
            var stdKwh: Double?
            var n: Int
            var scope: String
            var provenance: String
            var paperMeanKwh: Double?
            var size: String?
        }

        var rows: [Row]

        init(_ text: String) throws { self = try decoded(text) }
    }
}
