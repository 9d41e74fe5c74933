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

    init() throws {
        record = try TestRecord()
        try record.add([
            run(825.12, task: .textClassification, model: "bert", uncertainty: 40),
            run(825.12, task: .textClassification, model: "bert", uncertainty: 40),
            run(0.5, task: MLTask(rawValue: "own, \"task\""), size: nil, uncertainty: 0.1, provenance: .estimated),
        ])
        report = try TableReport(record.store)
    }

    private static let notes = [
        "kWh per 1,000 inferences, gross: idle power is in it; std over all runs of a task (n − 1); ± 95 % is the interval "
            + "of the mean.",
        "Of n = 1 the interval is the measurement's own.",
        "Scope components: CPU packages, memory and accelerators that have a meter; not the whole machine.",
        "estimated: by a model of the CPU's power, where no meter was read. `taskwatt meters` says what "
            + "would give measured figures.",
        "Paper: Luccioni et al., arXiv 2311.16863, Table 2, recomputed from its logs. Its figures hold the idle power of 8 "
            + "GPUs, a constant 42.5 W of CPU and a modelled 430.8 W of memory, so the ratio compares different scopes.",
    ]

    @Test("Text")
    func text() {
        let table = """
            task                  kWh: mean  std  n       ± 95 %  scope       provenance    paper  × paper
            ───────────────────  ──────────  ───  ─  ───────────  ──────────  ──────────  ───────  ───────
            text classification     0.00229    0  2            0  components  measured    0.00229     1.00
            own, "task"          0.00000139    –  1  0.000000278  components  estimated         –        –
            """
        #expect(report.rendered(as: .text) == table + "\n\n" + Self.notes.joined(separator: "\n") + "\n")
    }

    @Test("Markdown")
    func markdown() {
        let table = """
            | task | kWh: mean | std | n | ± 95 % | scope | provenance | paper | × paper |
            | --- | ---: | ---: | ---: | ---: | --- | --- | ---: | ---: |
            | text classification | 0.00229 | 0 | 2 | 0 | components | measured | 0.00229 | 1.00 |
            | own, "task" | 0.00000139 | – | 1 | 0.000000278 | components | estimated | – | – |
            """
        #expect(
            report.rendered(as: .markdown)
                == table + "\n\n" + Self.notes.map { "- \($0)\n" }.joined())
    }

    @Test("CSV, as another program reads it")
    func csv() throws {
        let fingerprint = report.rows[0].machineFingerprint
        #expect(
            try pythonReads(report.rendered(as: .csv)) == [
                [
                    "task", "title", "mean_kwh_per_1000", "std_kwh_per_1000", "n", "mean_uncertainty_95_kwh_per_1000",
                    "net", "scope", "provenance", "models", "size", "machine", "machine_fingerprint", "run_to_run_cv",
                    "coverage", "paper_mean_kwh_per_1000", "paper_ratio", "plugin", "setup", "flags",
                    "other_scopes_kwh_per_1000", "residuals",
                ],
                [
                    "text-classification", "text classification", "0.002292", "0", "2", "0", "false", "components",
                    "measured", "bert", "full", "host", fingerprint, "0", "1", "0.002292", "1", "p", "batch=1", "",
                    "", "",
                ],
                [
                    "own, \"task\"", "own, \"task\"", "\(report.rows[1].mean)", "", "1",
                    "\(report.rows[1].uncertainty)",
                    "false", "components", "estimated", "m", "", "host", fingerprint, "", "1", "", "",
                    "p", "batch=1", "", "", "",
                ],
            ])
    }

    @Test("JSON: one object with rows, every key of a row there even when it is null")
    func json() throws {
        let text = report.rendered(as: .json)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(Set(object.keys) == ["rows", "net", "left_out", "contended_baselines"])
        #expect(object["net"] as? Bool == false)
        let rows = try #require(object["rows"] as? [[String: Any]])
        let keys: Set = [
            "task", "title", "mean_kwh", "std_kwh", "n", "models", "scope", "provenance", "size", "machine",
            "machine_fingerprint", "mean_uncertainty_95_kwh", "run_to_run_cv", "coverage", "flags", "paper_mean_kwh",
            "paper_ratio", "plugin", "setup", "other_scopes_kwh", "reconciliations",
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
    func scopesSideBySide() throws {
        let record = try TestRecord()
        try record.add((0..<2).map { _ in run(3600, uncertainty: 36, wall: (4500, 45)) })
        let table = try TableReport(record.store)
        let row = try #require(table.rows.first)
        #expect(isClose(row.otherScopes["wall"], 0.0125))
        let pair = try #require(row.reconciliations.first)
        #expect(pair.outer == .wall && pair.inner == .components && pair.verdict == .unmetered)
        #expect(isClose(pair.share, 0.2))
        #expect(isClose(pair.uncertainty.joules, (2.0 * (36 * 36 + 45 * 45)).squareRoot(), relative: 1e-6))
        #expect(
            table.rendered(as: .text).contains(
                "masked language modeling, gross in other scopes: wall 0.0125; wall less components is 20.0 %, "
                    + "not explained by the stated uncertainties: what no inner meter sees."))
        let csv = try pythonReads(table.rendered(as: .csv))
        #expect(Array(csv[1].suffix(2)) == ["wall=0.0125", "wall-components=0.2:unmetered"])
        let data = Data(table.rendered(as: .json).utf8)
        #expect(try JSONDecoder().decode(TableReport.self, from: data) == table)
    }

    @Test("A table comes back from its JSON as it was: the command line reads the daemon's")
    func roundTrip() throws {
        let data = Data(report.rendered(as: .json).utf8)
        #expect(try JSONDecoder().decode(TableReport.self, from: data) == report)
    }

    @Test("An empty table is one in every format")
    func empty() throws {
        let record = try TestRecord()
        let report = try TableReport(record.store)
        #expect(report.rendered(as: .csv).split(separator: "\r\n").count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(report.rendered(as: .json).utf8)) as? [String: Any]
        #expect((object?["rows"] as? [Any])?.isEmpty == true)
        #expect(report.rendered(as: .text).hasPrefix("task  kWh: mean"))
    }

    @Test("A net table says so in its head")
    func net() throws {
        try record.add([run(3600, idle: 2)])
        var options = TableReport.Options()
        options.isNet = true
        let report = try TableReport(record.store, options)
        #expect(report.rendered(as: .text).contains("net kWh: mean"))
        #expect(report.rendered(as: .text).contains("net: the idle baseline is taken off"))
        #expect(report.rendered(as: .csv).contains(",true,components"))
    }

    @Test(
        "Three significant digits without an exponent",
        arguments: [
            (0.0, "0"), (0.002292, "0.00229"), (2.907177, "2.91"), (12.34, "12.3"), (1234.5, "1234"),
            (1e-7, "0.000000100"),
            (-0.01, "-0.0100"), (.nan, "–"), (.infinity, "–"),
        ] as [(Double, String)])
    func figures(value: Double, text: String) {
        #expect(TableReport.figure(value) == text)
    }

    @Test("Cells with bars and line breaks do not break a Markdown table")
    func markdownCells() {
        var table = TextTable([("a", .left), ("b", .right)])
        table.add(["x|y\nz", "1"])
        #expect(table.markdown() == "| a | b |\n| --- | ---: |\n| x\\|y z | 1 |\n")
    }
}
