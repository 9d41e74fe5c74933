import Core
import Foundation
import Recording
import TestSupport
import Testing

@Suite(.serialized) struct ReportTests {
    /// Two short repeats, between them nothing.
    private let run = ["run"] + Scratch.small("fill-mask", repeats: 2, count: 100)

    /// What of `show --json` is looked at.
    private struct Shown: Decodable {
        struct Part: Decodable {
            struct Trace: Decodable {
                struct Stretch: Decodable {
                    var stage: String
                    var bins: [JSONValue]
                }
                var stretches: [Stretch]
            }
            var trace: Trace
        }
        struct Suite: Decodable { var suite: String }
        var suite: Suite
        var run: Int?
        var parts: [Part]
    }

    private func expectShown(_ scratch: Scratch, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let text = try await scratch.taskwatt("show", "last")
        #expect(text.status == 0 && text.error.isEmpty, "\(text.error)", sourceLocation: sourceLocation)
        for part in ["query 1", "query 2", "warm-up", "power ", "stage ", "Machine"] {
            #expect(text.output.contains(part), "\(part)", sourceLocation: sourceLocation)
        }
        let json = try await scratch.taskwatt("show", "last", "--json")
        let shown = try JSONDecoder().decode(Shown.self, from: Data(json.output.utf8))
        #expect(shown.run == nil && shown.suite.suite == "quick", sourceLocation: sourceLocation)
        let stages = shown.parts.flatMap(\.trace.stretches).map(\.stage)
        #expect(stages.filter { $0 == "query" }.count == 2, "\(stages)", sourceLocation: sourceLocation)
        let missing = try await scratch.taskwatt("show", "4711")
        #expect(missing.status == 64 && missing.output.isEmpty, sourceLocation: sourceLocation)
        #expect(missing.errorLines.count == 1, sourceLocation: sourceLocation)
        #expect(
            missing.error.contains("there is no run 4711; the record has the runs 1 to"),
            sourceLocation: sourceLocation)
    }

    @Test func aSimulatedMachineIsReportedAndShown() async throws {
        let scratch = try Scratch()
        let simulation = try Simulation(scratch, Simulation.machine(averaging: 0.02))
        let outcome = try await Program.run(
            simulation.command([Program.taskwatt] + run), environment: scratch.environment)
        #expect(outcome.status == 0, "\(outcome.error)")
        let file = "\(scratch.path)/report.html"
        let report = try await scratch.taskwatt("report", "--output", file)
        #expect(report.status == 0 && report.output.isEmpty)
        #expect(report.error == "taskwatt: wrote \(file)\n")
        let html = try scratch.read("report.html")
        #expect(html.hasPrefix("<!DOCTYPE html>"))
        #expect(html.contains("masked language modeling") && html.contains("class=\"power measured\""))
        // Nothing is fetched: every address is of a place in the page.
        #expect(html.ranges(of: "href=\"").count == html.ranges(of: "href=\"#").count)
        #expect(!html.contains("src=") && !html.contains("<script") && !html.contains("@import"))
        try await expectShown(scratch)
        // The fourth window is the first repeat.
        let one = try await scratch.taskwatt("show", "4", "--ascii")
        #expect(one.output.contains("Run 4: query 1 of masked language modeling"))
        #expect(one.output.contains("powercap/intel-rapl:0") && one.output.contains("edges and resolution"))
        #expect(one.output.utf8.allSatisfy { $0 < 128 })
        // A locale that is not UTF-8 has ASCII too.
        let plain = try await Program.run(
            [Program.taskwatt, "show", "4"], environment: scratch.environment.merging(["LC_ALL": "C"]) { $1 })
        #expect(plain.output == one.output)
        let rich = try await Program.run(
            [Program.taskwatt, "show", "4"], environment: scratch.environment.merging(["LC_ALL": "C.UTF-8"]) { $1 })
        #expect(rich.output.contains("±") && rich.output != one.output)
    }

    @Test func aDaemonReportsItsOwnRecord() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let nothing = try await scratch.taskwatt("report", "--output", "-")
        #expect(nothing.status == 1 && nothing.output.isEmpty)
        #expect(nothing.error.contains("there is nothing to report"))
        let outcome = try await Program.run([Program.taskwatt] + run, environment: scratch.environment)
        #expect(outcome.status == 0, "\(outcome.error)")
        try await expectShown(scratch)
        let served = try await scratch.taskwatt("report", "--output", "-", "--net")
        #expect(served.status == 0, "\(served.error)")
        try await daemon.stop()
        let own = try await scratch.taskwatt("report", "--output", "-", "--net")
        // The same page, but for the minute in which it was written.
        func withoutFooter(_ html: String) -> Substring {
            html.prefix(upTo: html.range(of: "<footer>")?.lowerBound ?? html.endIndex)
        }
        #expect(withoutFooter(served.output) == withoutFooter(own.output))
        #expect(own.output.contains("net kWh"))
    }

    @Test func whatIsWrongIsSaidInOneLine() async throws {
        let scratch = try Scratch()
        let none = try await scratch.taskwatt("report")
        #expect(none.status == 1 && none.errorLines.count == 1)
        #expect(none.error.contains("there is no record in"))
        let named = try await scratch.taskwatt("table", "--state-dir", "\(scratch.path)/elsewhere")
        #expect(named.status == 1 && named.error.contains("`taskwatt run --state-dir \(scratch.path)/elsewhere`"))
        let file = try await scratch.taskwatt("table", "--state-dir", try scratch.write("plain", "x"))
        #expect(file.status == 1 && !file.error.contains("`taskwatt run"), "\(file.error)")
        #expect(try await scratch.taskwatt("show").status == 64)
        let suite = try Store(directory: scratch.state).beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [], version: "1", startedAt: 1_764_000_000))
        try Store(directory: scratch.state).record(TestSupport.run(), samples: [], suiteRun: suite)
        let nowhere = try await scratch.taskwatt("report", "--output", "\(scratch.path)/none/report.html")
        #expect(nowhere.status == 1 && nowhere.errorLines.count == 1)
        #expect(nowhere.error.contains("none/report.html cannot be written"))
        // What is there stays, whatever it is.
        let mine = try scratch.write("mine.tex", "\\documentclass{article}")
        let kept = try await scratch.taskwatt("report", "--output", mine)
        #expect(kept.status == 1 && kept.error.contains("--force"))
        #expect(try String(contentsOfFile: mine, encoding: .utf8) == "\\documentclass{article}")
        #expect(try await scratch.taskwatt("report", "--output", mine, "--force").status == 0)
        #expect(try await scratch.taskwatt("report", "--output", mine).status == 1)
        let unfit = try await scratch.taskwatt("report", "--suite-run", "x", "--task", "y", "--output", "-")
        #expect(unfit.status == 64 && unfit.output.isEmpty)
        #expect(unfit.error.contains("there is no run x"))
    }
}
