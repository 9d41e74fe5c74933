import Core
import Foundation
import Recording
import Testing

@Suite(.serialized) struct RunTests {
    @Test(.timeLimit(.minutes(20))) func theTinySuiteHasAllTenRows() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.taskwatt("run", "tiny", "--idle", "0", "--count", "3", "--quiet", "--json")
        #expect(outcome.status == 0, "\(outcome.error)")
        let rows = try Rows(outcome.output).rows
        #expect(rows.map(\.task) == MLTask.paperTasks.map(\.rawValue))
        #expect(rows.allSatisfy { $0.size == "tiny" && $0.n == 2 && $0.meanKwh > 0 })
        // Without a baseline there is no net figure, and why is said.
        let net = try await scratch.taskwatt("table", "--net", "--format", "json")
        #expect(try Rows(net.output).rows.isEmpty, "\(net.output)")
        let text = try await scratch.taskwatt("table", "--net")
        #expect((text.output + text.error).contains("no idle baseline"), "\(text)")
        #expect(try #require(try Store.existing(directory: scratch.state)).runs(RunFilter(stage: .idle)).isEmpty)
    }

    @Test func withoutSensorsEveryRowIsEstimated() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.run("image-classification", repeats: 2, count: 30, "--json", "--quiet")
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
            ["env", "-u", "CI", Program.taskwatt, "run"] + Scratch.small(),
            environment: scratch.environment.merging(home) { _, new in new })
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/home/.cache"))
    }

    @Test func plainLinesWhereThereIsNoTerminalAndABarWhereThereIs() async throws {
        let scratch = try Scratch()
        // A second and more of a plugin that sleeps: long enough for a bar on any machine.
        let arguments = [
            "run", "--task", "fill-mask", "--plugin", "sleeper", "--repeats", "1", "--count", "300", "--idle", "0.2",
        ]
        var environment = scratch.environment
        environment["TASKWATT_PLUGIN_PATH"] = Program.fixtures
        let plain = try await Program.run(
            [Program.taskwatt] + arguments, environment: environment)
        #expect(plain.error.contains("[1/1] fill-mask: repeat 1/1: 300 inferences"))
        #expect(!plain.error.contains("\r") && !plain.error.contains("\u{1B}"))
        let typed = ([Program.taskwatt] + arguments).map { "'\($0)'" }.joined(separator: " ")
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
            [Program.taskwatt, "run"] + Scratch.small(repeats: 500), environment: scratch.environment,
            log: "\(scratch.path)/log")
        #expect(try await eventually { background.text.contains("repeat 3/500") }, "\(background.text)")
        background.send(SIGINT)
        #expect(try await background.status() == 130)
        #expect(background.text.contains("interrupted; what was finished is kept"))
        #expect(background.text.contains("text classification"))
        #expect(scratch.processes(with: "onnx-proxies").isEmpty)
        let store = try #require(try Store.existing(directory: scratch.state))
        #expect(try store.runs(RunFilter(stage: .query)).count >= 3)
        #expect(try store.suiteRuns().first?.status == "interrupted")
    }

    @Test func exportsAreWholeAndAreCutOffByHeadWithoutAWord() async throws {
        let scratch = try Scratch()
        let run = try await scratch.run(repeats: 2, "--idle", "2")
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
        #expect(try await scratch.run(repeats: 1, "--label", "the second").status == 0)
        #expect(try Rows(try await scratch.taskwatt("table", "--format", "json").output).rows.map(\.n) == [3])
        let last = try await scratch.taskwatt("table", "--suite-run", "last", "--format", "json")
        #expect(try Rows(last.output).rows.map(\.n) == [1])
        let lastRuns = try await scratch.taskwatt("export", "--suite-run", "last")
        #expect(lastRuns.output.split(separator: "\r\n").count == 1 + 4)
        let net = try await scratch.taskwatt("table", "--net")
        #expect(net.output.contains("net kWh"))
        try await tablesOfThatRecord(scratch)
    }

    /// A record of two suites, looked at by choice.
    private func tablesOfThatRecord(_ scratch: Scratch) async throws {
        let chosen = try await scratch.taskwatt(
            "table", "--since", "today", "--model", "bert-base", "--by", "model,date", "--columns", "n,carbon",
            "--carbon-zone", "fr")
        #expect(chosen.output.contains("task                 model      date"), "\(chosen.output)\(chosen.error)")
        #expect(chosen.output.contains("g CO2e at 56.0 g per kWh: FR (France), 2023"))
        let unknown = try await scratch.taskwatt("table", "--by", "planet")
        #expect(unknown.status == 64 && unknown.error.contains("`planet`") && unknown.error.contains("threads"))
        let zone = try await scratch.taskwatt("table", "--columns", "n", "--carbon-zone", "fr")
        #expect(zone.output.contains(/n +(10\S+ )?g CO2e\n/), "\(zone.output)")
        let unfit = try await scratch.taskwatt("table", "--model", "none", "--format", "latex")
        #expect(unfit.status == 64 && unfit.output.isEmpty && unfit.error.contains("unknown model `none`"))
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
        struct Listed: Decodable {
            var label: String?
            var status: String
        }
        let listed: [Listed] = try decoded(try await scratch.taskwatt("list", "--json").output)
        #expect(listed.map(\.label) == ["the second", nil] && listed.map(\.status) == ["completed", "completed"])
        let labelled = try await scratch.taskwatt("compare", "last-1", "label:the second", "--format", "csv")
        #expect(labelled.status == 0 && labelled.output.contains(",label:the second,"), "\(labelled.error)")
        let nothing = try await scratch.taskwatt("compare", "last", "machine:elsewhere")
        #expect(nothing.status == 64)
        #expect(nothing.error.contains("unknown machine `elsewhere`"))
    }
}
