import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

@Suite("The table's formats")
struct TableFormatTests {
    private let record: TestRecord
    private let report: TableReport

    init() async throws {
        record = try TestRecord()
        try record.add([
            run(825.12, task: .textClassification, model: "bert", uncertainty: 40),
            run(825.12, task: .textClassification, model: "bert", uncertainty: 40),
            run(0.5, task: MLTask(rawValue: "own, \"task\""), size: nil, uncertainty: 0.1, provenance: .estimated),
        ])
        report = try await TableReport(record.store)
    }

    /// How the notes begin, in their order.
    private static let notes = [
        "kWh per 1,000 inferences, gross", "† accuracy not stated of a", "Method: 1 to 2 repeats", "Machine: host.",
        "Scope components: ", "estimated: ", "Paper: Luccioni et al., arXiv 2311.16863", "± 95 % within one session",
        "No ± 95 % ", "`taskwatt run --sessions 3` ",
    ]

    private func expectNotes(
        _ text: Substring, after mark: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let lines = text.split(separator: "\n")
        #expect(lines.count == Self.notes.count, sourceLocation: sourceLocation)
        for (line, begin) in zip(lines, Self.notes) {
            #expect(line.hasPrefix(mark + begin), "\(line)", sourceLocation: sourceLocation)
        }
    }

    @Test("Text")
    func text() {
        let table = """
            task                   10⁻⁶ kWh: mean  std  n  ± 95 %  scope       provenance  × paper
            ─────────────────────  ──────────────  ───  ─  ──────  ──────────  ──────────  ───────
            text classification †            2290    0  2       0  components  measured       1.00
            own, "task" †                    1.39    –  1       –  components  estimated         –
            """
        let text = report.rendered(as: .text)
        #expect(text.hasPrefix(table + "\n\n"))
        expectNotes(text.dropFirst(table.count))
    }

    @Test("Markdown")
    func markdown() {
        let table = """
            | task | 10⁻⁶ kWh: mean | std | n | ± 95 % | scope | provenance | × paper |
            | --- | ---: | ---: | ---: | ---: | --- | --- | ---: |
            | text classification † | 2290 | 0 | 2 | 0 | components | measured | 1.00 |
            | own, "task" † | 1.39 | – | 1 | – | components | estimated | – |
            """
        let text = report.rendered(as: .markdown)
        #expect(text.hasPrefix(table + "\n\n"))
        expectNotes(text.dropFirst(table.count), after: "- ")
    }

    @Test("A paper has no use for what to type")
    func advice() {
        #expect(report.rendered(as: .text).contains("`taskwatt meters`"))
        #expect(!report.rendered(as: .latex).contains("taskwatt meters"))
    }

    @Test("CSV, as another program reads it")
    func csv() throws {
        let fingerprint = report.rows[0].machineFingerprint
        let day = report.rows[0].firstDay
        #expect(
            try pythonReads(report.rendered(as: .csv)) == [
                [
                    "task", "title", "mean_kwh_per_1000", "std_kwh_per_1000", "n", "mean_uncertainty_95_kwh_per_1000",
                    "net", "scope", "provenance", "models", "size", "machine", "machine_fingerprint", "run_to_run_cv",
                    "coverage", "paper_mean_kwh_per_1000", "paper_ratio", "plugin", "setup", "flags",
                    "other_scopes_kwh_per_1000", "residuals", "source", "datasets", "suites", "first_day", "last_day",
                    "gross_kwh_per_1000", "net_kwh_per_1000", "power_w", "latency_s", "operations_per_inference",
                    "gops_per_w", "g_co2e_per_1000", "processor", "outlier_runs", "relative_accuracy",
                    "accuracy_sources", "sessions", "between_sessions_cv", "series_doubts", "engine", "model_sha256",
                    "program_sha256", "labels", "joules_per_gop", "net_joules_per_gop", "net_gops_per_w",
                    "landauer_ratio", "net_landauer_ratio", "peak", "peak_gops_per_w", "peak_share", "class",
                    "machines",
                ],
                [
                    "text-classification", "text classification", "0.002292", "0", "2", "0", "false", "components",
                    "measured", "bert", "full", "host", fingerprint, "0", "1", "0.002292", "1", "p", "batch=1", "",
                    "", "", "taskwatt", "", "test", day, day, "0.002292", "", "8.2512", "", "", "", "", "", "",
                    "not stated", "a: not stated", "1", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "",
                    "host",
                ],
                [
                    "own, \"task\"", "own, \"task\"", "\(report.rows[1].mean)", "", "1",
                    "",
                    "false", "components", "estimated", "m", "", "host", fingerprint, "", "1", "", "",
                    "p", "batch=1", "", "", "", "taskwatt", "", "test", day, day, "\(report.rows[1].gross)", "",
                    "0.005", "", "", "", "", "", "", "not stated", "a: not stated", "1", "", "", "", "", "", "",
                    "", "", "", "", "", "", "", "", "", "host",
                ],
            ])
    }

    @Test("JSON: one object with rows, every key of a row there even when it is null")
    func json() throws {
        let text = report.rendered(as: .json)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "rows", "net", "by", "changes", "method", "left_out", "contended_baselines", "drifted_baselines",
                "autocorrelated_baselines", "bound_intervals", "outliers_searched", "drifting_machines",
            ])
        #expect(object["net"] as? Bool == false)
        let rows = try #require(object["rows"] as? [[String: Any]])
        let keys: Set = [
            "task", "title", "mean_kwh", "std_kwh", "n", "models", "scope", "provenance", "size", "machine",
            "machine_fingerprint", "mean_uncertainty_95_kwh", "run_to_run_cv", "coverage", "flags", "paper_mean_kwh",
            "paper_ratio", "plugin", "setup", "other_scopes_kwh", "reconciliations", "datasets", "suites", "source",
            "processor", "first_day", "last_day", "gross_kwh", "net_kwh", "power_w", "latency_s",
            "operations_per_inference", "gops_per_w", "g_co2e", "outliers", "sessions", "between_sessions_cv",
            "series_doubts", "accuracies", "accuracy_stated", "relative_accuracy", "engine", "model_sha256",
            "program_sha256", "labels", "operation", "machine_class", "machines", "outlying_machines", "with",
        ]
        for row in rows { #expect(Set(row.keys) == keys) }
        #expect(rows[0]["task"] as? String == "text-classification")
        #expect(isClose(rows[0]["mean_kwh"] as? Double, 0.002292))
        #expect(rows[0]["std_kwh"] as? Double == 0)
        #expect(rows[0]["n"] as? Int == 2)
        #expect(rows[0]["scope"] as? String == "components")
        #expect(rows[0]["provenance"] as? String == "measured")
        #expect(rows[0]["paper_mean_kwh"] as? Double == 0.002292)
        #expect(rows[1]["std_kwh"] is NSNull)
        #expect(rows[1]["paper_mean_kwh"] is NSNull)
        #expect(text.hasSuffix("}\n"))
    }

    @Test("Other scopes stand beside the total, with what is left over and whether that is explained")
    func scopesSideBySide() async throws {
        let record = try TestRecord()
        try record.add((0..<2).map { _ in run(3600, uncertainty: 36, wall: (4500, 45)) })
        let table = try await TableReport(record.store)
        let row = try #require(table.rows.first)
        #expect(isClose(row.otherScopes["wall"], 0.0125))
        let pair = try #require(row.reconciliations.first)
        #expect(pair.outer == .wall && pair.inner == .components && pair.verdict == .unmetered)
        #expect(isClose(pair.share, 0.2))
        #expect(isClose(pair.uncertainty.joules, (2.0 * (36 * 36 + 45 * 45)).squareRoot(), relative: 1e-6))
        #expect(
            table.rendered(as: .text).contains(
                "Gross in other scopes: masked language modeling wall 0.0125, wall less components is 20.0 % (unmetered). "
                    + "unmetered: not explained by the stated uncertainties: what no inner meter sees."))
        let csv = try pythonReads(table.rendered(as: .csv))
        #expect(Array(csv[1][20...21]) == ["wall=0.0125", "wall-components=0.2:unmetered"])
        let data = Data(table.rendered(as: .json).utf8)
        #expect(try JSONDecoder().decode(TableReport.self, from: data) == table)
    }

    @Test("A table comes back from its JSON as it was: the command line reads the daemon's")
    func roundTrip() throws {
        let data = Data(report.rendered(as: .json).utf8)
        #expect(try JSONDecoder().decode(TableReport.self, from: data) == report)
    }

    @Test("An empty table is one in every format")
    func empty() async throws {
        let record = try TestRecord()
        let report = try await TableReport(record.store)
        #expect(report.rendered(as: .csv).split(separator: "\r\n").count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(report.rendered(as: .json).utf8)) as? [String: Any]
        #expect((object?["rows"] as? [Any])?.isEmpty == true)
        #expect(report.rendered(as: .text).hasPrefix("task  kWh: mean"))
    }

    @Test("A net table says so in its head")
    func net() async throws {
        try record.add([run(3600, idle: 2)])
        var options = TableReport.Options()
        options.isNet = true
        let report = try await TableReport(record.store, options)
        #expect(report.rendered(as: .text).contains("net kWh: mean"))
        #expect(report.rendered(as: .text).contains("inferences, net: "))
        #expect(report.rendered(as: .csv).contains(",true,components"))
    }

    @Test(
        "Three significant digits, with an exponent where zeros would be all that one sees",
        arguments: [
            (0.0, "0"), (0.002292, "0.00229"), (2.907177, "2.91"), (12.34, "12.3"), (1234.5, "1234"),
            (1e-7, "1.00e-7"), (5.482e-7, "5.48e-7"), (0.0001, "0.000100"), (0.00009999, "0.000100"),
            (0.00009994, "9.99e-5"),
            (0.99996, "1.00"), (9.996, "10.0"), (999.6, "1000"), (-5.482e-7, "-5.48e-7"), (1e-300, "1.00e-300"),
            (-0.01, "-0.0100"), (.nan, "–"), (.infinity, "–"),
        ] as [(Double, String)])
    func figures(value: Double, text: String) {
        #expect(FigureText.figure(value) == text)
    }

    @Test("The columns asked for stand beside the task, mean and std, in every format for people, and in CSV")
    func columns() throws {
        let columns: [TableColumn] = [.plugin, .cv]
        #expect(
            report.rendered(as: .text, columns: columns).hasPrefix(
                "task                   10⁻⁶ kWh: mean  std  plugin  run CV\n"))
        #expect(
            report.rendered(as: .markdown, columns: columns).hasPrefix(
                "| task | 10⁻⁶ kWh: mean | std | plugin | run CV |\n")
        )
        let csv = try pythonReads(report.rendered(as: .csv, columns: columns))
        #expect(csv[0] == ["task", "mean_kwh_per_1000", "std_kwh_per_1000", "plugin", "run_to_run_cv"])
        #expect(csv[1] == ["text-classification", CSVWriter.number(report.rows[0].mean), "0", "p", "0"])
    }

    @Test("What rows are kept apart by stands after the task")
    func labels() async throws {
        var options = TableReport.Options()
        options.by = [.model]
        let text = try await TableReport(record.store, options).rendered(as: .text, columns: [.n, .models])
        #expect(text.hasPrefix("task                   model  10⁻⁶ kWh: mean  std  n\n"))
    }

    @Test("A table of many kinds of rows is no wider than 100 columns: what is the same in all goes below it")
    func width() async throws {
        let record = try TestRecord()
        for machine in ["a-machine-with-a-name", "another-one"] {
            let suite = try record.suite(machine: machine)
            try record.add(
                MLTask.paperTasks.flatMap { [run(0.825, task: $0), run(0.9, task: $0, size: "tiny")] }, suite: suite)
        }
        let text = try await TableReport(record.store).rendered(as: .text)
        let lines = text.split(separator: "\n").prefix(42)
        #expect(lines.map(\.count).max().map { $0 <= 100 } == true)
        #expect(text.contains("\nIn all rows: provenance measured, scope components"))
    }

    @Test("Carbon has a column and its origin below")
    func carbon() async throws {
        var options = TableReport.Options()
        options.carbon = CarbonIntensity.of(zone: "DE")
        let text = try await TableReport(record.store, options).rendered(as: .text)
        #expect(text.contains("  g CO2e") && text.contains("0.873"))
        #expect(text.contains("g CO2e at 381 g per kWh: DE (Germany), 2023, CodeCarbon 3.3.2"))
    }

    @Test("Cells with bars and line breaks do not break a Markdown table")
    func markdownCells() {
        var table = TextTable([("a", .left), ("b", .right)])
        table.add(["x|y\nz", "1"])
        #expect(table.markdown() == "| a | b |\n| --- | ---: |\n| x\\|y z | 1 |\n")
    }
}
