import Core
import Foundation
import Reporting

extension Verification {
    /// For people: a table of the runs, the table of the figures, and what was found.
    package func text() -> String {
        var text =
            PrintableText.of(
                "\(file): \(createdBy), format \(version)\(isRedacted ? ", redacted" : ""), SHA-256 \(sha256)") + "\n"
        for finding in findings {
            text += "  \(finding.outcome.mark) \(finding.rule.rawValue): \(PrintableText.of(finding.detail))\n"
        }
        for suite in suites {
            let date = CSVWriter.time(suite.startedAt).prefix(19)
            text +=
                "\n"
                + PrintableText.of(
                    "suite \(suite.suite) on \(suite.machine) (\(suite.machineFingerprint)), \(date)Z, \(suite.uuid)")
                + "\n\n"
            text += Self.runs(suite.runs) + "\n"
            if !suite.rows.isEmpty { text += Self.rows(suite.rows) + "\n" }
            for finding in suite.findings {
                text += "  \(finding.outcome.mark) \(finding.rule.rawValue): \(PrintableText.of(finding.detail))\n"
            }
            for (finding, runs) in Self.grouped(suite.runs) {
                text +=
                    "  \(finding.outcome.mark) \(runs), \(finding.rule.rawValue): \(PrintableText.of(finding.detail))\n"
            }
        }
        return text + "\n" + rules() + "\n" + verdict + "\n"
    }

    /// What is wrong with many runs in the same way is said once, the failures first.
    private static func grouped(_ runs: [Run]) -> [(finding: VerificationFinding, runs: String)] {
        var numbers: [VerificationFinding: [Int]] = [:]
        var order: [VerificationFinding] = []
        for run in runs {
            for finding in run.findings where numbers[finding]?.last != run.number {
                if numbers[finding] == nil { order.append(finding) }
                numbers[finding, default: []].append(run.number)
            }
        }
        let failed = order.filter { $0.outcome == .failed }
        return (failed + order.filter { $0.outcome != .failed }).map { finding in
            let own = numbers[finding] ?? []
            return (finding, "run\(own.count == 1 ? "" : "s") \(own.map(String.init).joined(separator: " "))")
        }
    }

    private static func runs(_ runs: [Run]) -> String {
        var table = TextTable([
            ("run", .right), ("stage", .left), ("task", .left), ("repeat", .right), ("recorded J", .right),
            ("from samples J", .right), ("difference", .right), ("", .left), ("rules broken", .left),
        ])
        for run in runs {
            let recorded = run.recorded.joules
            let share = run.recomputed.flatMap { new in
                recorded > 0 ? abs(new.joules - recorded) / recorded : nil
            }
            let broken = VerificationRule.allCases.filter { rule in run.findings.contains { $0.rule == rule } }
            table.add([
                String(run.number), run.stage.rawValue, run.task?.rawValue ?? "",
                run.repeatIndex.map(String.init) ?? "", FigureText.fixed(recorded, 3),
                run.recomputed.map { FigureText.fixed($0.joules, 3) } ?? "",
                share.map { $0 < 1e-9 ? "0" : FigureText.figure($0, digits: 2) } ?? "",
                run.status == .completed ? (run.findings.map(\.outcome).max() ?? .passed).mark : "",
                run.status == .completed ? broken.map(\.rawValue).joined(separator: ", ") : run.status.rawValue,
            ])
        }
        return table.text()
    }

    private static func rows(_ rows: [Row]) -> String {
        var table = TextTable([
            ("kWh per 1,000 inferences", .left), ("", .left), ("n", .right), ("mean", .right), ("from samples", .right),
            ("std", .right), ("from samples", .right), ("95 % ±", .right), ("from samples", .right),
        ])
        func figure(_ value: Double?) -> String { value.map { FigureText.figure($0, digits: 5) } ?? "" }
        for row in rows {
            table.add([
                row.task.rawValue, row.isNet ? "net" : "gross", String(row.n), figure(row.recordedMean),
                figure(row.recomputedMean), figure(row.recordedStd), figure(row.recomputedStd),
                figure(row.recordedUncertainty), figure(row.recomputedUncertainty),
            ])
        }
        return table.text()
    }

    /// How many runs keep each rule.
    private func rules() -> String {
        var table = TextTable([("rule", .left), ("", .left), ("warned", .right), ("failed", .right), ("means", .left)])
        for rule in VerificationRule.allCases {
            let own = allFindings.filter { $0.rule == rule }
            let (warned, failed) = (own.count { $0.outcome == .warned }, own.count { $0.outcome == .failed })
            table.add([
                rule.rawValue, (own.map(\.outcome).max() ?? .passed).mark, warned == 0 ? "" : String(warned),
                failed == 0 ? "" : String(failed), rule.summary,
            ])
        }
        return table.text()
    }

    private var verdict: String {
        let runs = suites.flatMap(\.runs)
        let checked = runs.count { $0.recomputed != nil }
        let rows = "\(FigureText.count(suites.reduce(0) { $0 + $1.rows.count }, "row")) of the table"
        let what = "\(checked == runs.count ? "" : "\(checked) of ")\(FigureText.count(runs.count, "run")) and \(rows)"
        let rest =
            checked == runs.count
            ? ""
            : "; the other \(FigureText.count(runs.count - checked, "run")) failed or saw nothing, and have no energy to check"
        return switch outcome {
        case .passed: "passed: \(what) follow from the samples\(rest)"
        case .warned: "passed with warnings: \(what) follow from the samples\(rest)"
        case .failed: "failed: not all of \(FigureText.count(runs.count, "run")) and \(rows) can be trusted"
        }
    }
}

extension VerificationOutcome {
    var mark: String {
        switch self {
        case .passed: "ok"
        case .warned: "!"
        case .failed: "FAIL"
        }
    }
}
