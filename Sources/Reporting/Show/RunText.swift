import Core
import Foundation
import Recording

/// A run, or a suite, for a terminal.
package struct RunText {
    let detail: RunDetail
    /// Without characters that a terminal of another encoding cannot show.
    let isASCII: Bool
    let heading: (String) -> String

    static let columns = 64

    package init(_ detail: RunDetail, isASCII: Bool, heading: @escaping (String) -> String = { $0 }) {
        self.detail = detail
        self.isASCII = isASCII
        self.heading = heading
    }

    package var text: String {
        var parts = [head]
        for part in detail.parts { parts.append(stages(part)) }
        if let (group, run) = chosen {
            parts += [domains(run), totals(run), budget(run), workload(group), machine, flags(run)]
        } else {
            parts += [
                suiteFlags, machine,
                "`taskwatt show NUMBER` shows one of these runs with its meters and uncertainties.\n",
            ]
        }
        let all = parts.filter { !$0.isEmpty }.joined(separator: "\n")
        return isASCII ? Self.ascii(all) : all
    }

    private var chosen: (group: WorkloadGroup, run: NumberedRun)? {
        for part in detail.parts {
            if let run = part.group.windows.first(where: { $0.id == detail.run }) { return (part.group, run) }
        }
        return nil
    }

    var plusMinus: String { isASCII ? "+-" : "±" }

    private var head: String {
        let suite = detail.suite
        let label = suite.label.map { " (\(PrintableText.of($0)))" } ?? ""
        let name = "\(PrintableText.of(suite.suite))\(label), \(suite.uuid)"
        var title = "Suite \(name)"
        if let (group, run) = chosen {
            title = "Run \(run.id): \(run.name)" + (group.workload == nil ? "" : " of \(PrintableText.of(group.title))")
        }
        var lines = [heading(title)]
        if chosen != nil { lines.append("suite \(name)") }
        // What a run says of itself below is not said twice.
        let ownError = chosen?.run.record.error
        let error = suite.error.map { ownError.map($0.contains) == true ? "" : ": \(PrintableText.of($0))" } ?? ""
        let origin = suite.source == .taskwatt ? "" : ", imported from \(suite.source.rawValue)"
        lines.append(
            "\(ReportPage.minute(suite.startedAt)) on \(PrintableText.of(suite.machine)), \(suite.status)\(error), "
                + "Taskwatt \(PrintableText.of(suite.version))\(origin)")
        if let run = chosen?.run.record, let error = run.error {
            lines.append("\(run.status.rawValue): \(PrintableText.of(error))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: Stages

    /// More windows than fit a screen or two are cut short.
    private static let mostWindows = 60

    private func stages(_ part: RunDetail.Part) -> String {
        var table = TextTable([
            ("", .left), ("run", .right), ("stage", .left), ("time", .right), ("energy", .right),
            ("\(plusMinus) 95 %", .right), ("mean power", .right), ("inferences", .right), ("flags", .left),
        ])
        for run in part.group.windows.prefix(Self.mostWindows) {
            let total = run.record.energy.total
            let failed = run.record.failedInferences > 0 ? " (\(run.record.failedInferences) failed)" : ""
            // Of what was not seen, or did not come to a window, nothing is known, and that is no 0.
            let isSeen = total.coverage > 0
            let isCounted = run.record.stage == .query && !run.record.isEmpty
            table.add([
                run.id == detail.run ? (isASCII ? ">" : "▸") : "", String(run.id), run.name,
                run.record.isEmpty ? "–" : DurationText.figure(run.seconds),
                isSeen ? FigureText.joules(total.energy.joules) : "–",
                isSeen ? FigureText.joules(total.uncertainty.joules) : "–", watts(run.meanWatts),
                isCounted ? "\(run.record.completedInferences)\(failed)" : run.record.stage == .query ? "–" : "",
                run.record.flags.map(\.rawValue).joined(separator: " "),
            ])
        }
        let more = part.group.windows.count - Self.mostWindows
        return heading(PrintableText.of(part.group.title)) + "\n" + table.text()
            + (more > 0 ? "and \(more) more windows\n" : "") + sparkline(part)
    }

    private func sparkline(_ part: RunDetail.Part) -> String {
        guard let spark = Sparkline(part.trace, columns: Self.columns, isASCII: isASCII) else {
            return "no power samples were kept\n"
        }
        let peak = part.trace.maximum.map { "; the highest sample is \(watts($0))" } ?? ""
        return """

            power   \(spark.line)
            stage   \(spark.stages)
                    \(watts(spark.range.lowerBound)) to \(watts(spark.range.upperBound)) \
            (\(part.group.scope.rawValue), \(part.group.provenance.rawValue)), a column is \
            \(DurationText.figure(spark.secondsPerColumn))\(peak)

            """
    }

    private func watts(_ value: Double?) -> String { value.map { "\(FigureText.figure($0)) W" } ?? FigureText.none }

    // MARK: One run

    private func domains(_ run: NumberedRun) -> String {
        guard !run.record.energy.domains.isEmpty else { return "" }
        var table = TextTable([
            ("meter", .left), ("scope", .left), ("energy", .right), ("\(plusMinus) 95 %", .right),
            ("mean power", .right),
            ("seen", .right), ("provenance", .left), ("", .left),
        ])
        for domain in run.record.energy.domains {
            let remarks =
                (domain.inTotal ? ["in the total"] : []) + domain.flags.map(\.rawValue)
                + (domain.lacksAccuracy ? ["accuracy not stated"] : [])
            let isSeen = domain.coverage > 0
            table.add([
                PrintableText.of(domain.id), domain.scope.rawValue,
                isSeen ? FigureText.joules(domain.energy.joules) : "–",
                isSeen ? FigureText.joules(domain.uncertainty.joules) : "–",
                watts(domain.energy.over(run.seconds * domain.coverage)?.watts),
                FigureText.shortPercent(domain.coverage), domain.provenance.rawValue,
                remarks.joined(separator: ", "),
            ])
        }
        return heading("Meters") + "\n" + table.text()
    }

    private func totals(_ run: NumberedRun) -> String {
        var lines: [String] = []
        for total in [run.record.energy.total] + run.record.energy.otherScopes {
            guard total.coverage > 0 else {
                lines.append("\(total.scope.rawValue): its energy was not seen")
                continue
            }
            var line =
                "\(total.scope.rawValue): "
                + FigureText.prefixed(
                    total.energy.joules, uncertainty: total.uncertainty.joules, "J", sign: plusMinus)
                + ", \(total.provenance.rawValue)"
            if let per1000 = run.record.kilowattHoursPer1000(total) {
                line += ", \(FigureText.figure(per1000)) kWh per 1,000 inferences"
            }
            lines.append(line)
        }
        for pair in run.record.energy.reconciliations {
            let share = pair.share.map { " (\(FigureText.percent($0, digits: 1)) of \(pair.outer.rawValue))" } ?? ""
            lines.append(
                "\(pair.outer.rawValue) less \(pair.inner.rawValue): \(FigureText.joules(pair.residual.joules))\(share), "
                    + pair.verdict.text)
        }
        if let latency = run.record.latency {
            lines.append(
                "latency: median \(DurationText.figure(latency.median)), 95th percentile \(DurationText.figure(latency.p95)), "
                    + "maximum \(DurationText.figure(latency.maximum))")
        }
        let shares = [
            ("other processes", run.record.otherCPUShare), ("steal", run.record.stealShare),
            ("sampler's jitter (p95)", run.record.energy.jitter),
        ]
        let said = shares.compactMap { name, share in share.map { "\(name) \(FigureText.percent($0, digits: 1))" } }
        if !said.isEmpty { lines.append(said.joined(separator: ", ")) }
        return heading("Energy") + "\n" + lines.joined(separator: "\n") + "\n"
    }

    private func budget(_ run: NumberedRun) -> String {
        // Of what was not seen there is no energy to be uncertain of.
        guard run.record.energy.total.coverage > 0 else { return "" }
        let budget = UncertaintyBudget(run.record, idleSeconds: idleSeconds)
        var table = TextTable([("from", .left), ("gross", .right), ("net", .right), ("", .left)])
        func joules(_ value: Double?) -> String { FigureText.joules(value) }
        table.add([
            "accuracy of the meters", joules(budget.gross.accuracy), joules(budget.net?.accuracy),
            run.record.energy.domains.contains { $0.inTotal && $0.lacksAccuracy } || budget.gross.accuracy == 0
                ? "not stated for all; `overrides` of taskwatt.yaml can state it" : "as stated",
        ])
        table.add(["edges and resolution", joules(budget.gross.reading), joules(budget.net?.reading), "of this window"])
        table.add(["idle baseline", "", joules(budget.net?.idle), "u(idle power) × time"])
        table.add(["together", joules(budget.gross.combined), joules(budget.net?.combined), "in quadrature"])
        table.add([
            "\(plusMinus) 95 %", joules(budget.gross.halfWidth), joules(budget.net?.halfWidth),
            "× \(FigureText.fixed(budget.gross.factor, 3))"
                + (budget.net.map { ", and × \(FigureText.fixed($0.factor, 3)) of net" } ?? ""),
        ])
        table.add(["energy", joules(budget.gross.energy), joules(budget.net?.energy), ""])
        let none = budget.net == nil ? "net: there is no idle baseline to subtract\n" : ""
        return heading("Uncertainty budget (standard uncertainties)") + "\n" + table.text() + none
    }

    private var idleSeconds: Double? {
        detail.parts.lazy.flatMap(\.group.windows).first { $0.record.stage == .idle }?.seconds
    }

    private func workload(_ group: WorkloadGroup) -> String {
        guard let workload = group.workload else { return "" }
        let named: [(String, String?)] = [
            ("task", workload.task.rawValue), ("model", workload.model), ("dataset", workload.dataset),
            ("plugin", [workload.plugin, workload.pluginVersion].compactMap(\.self).joined(separator: " ")),
            ("engine", workload.engine), ("device", workload.device), ("precision", workload.precision),
            ("batch", String(workload.batch)), ("size", workload.size),
            ("weights", workload.parameterCount.map { FigureText.grouped(Double($0)) }),
            ("operations per inference", workload.operationsPerInference.map { FigureText.figure($0 / 1e9) + " GOP" }),
            ("seed", workload.seed.map { String($0) }), ("model's SHA-256", workload.modelSHA256),
            ("program's SHA-256", workload.programSHA256),
        ]
        let parameters = workload.parameters.sorted { $0.key < $1.key }.map { ("parameter \($0.key)", $0.value.text) }
        return heading("Workload") + "\n"
            + facts(named.compactMap { name, value in value.map { (name, $0) } } + parameters)
    }

    // MARK: Around it

    private var machine: String {
        heading("Machine") + "\n"
            + facts(JSONFacts.of(detail.suite.inventory) + JSONFacts.of(detail.suite.machineState))
    }

    private func facts(_ facts: [(name: String, value: String)]) -> String {
        let width = facts.map(\.name.count).max() ?? 0
        return facts.map { name, value in
            PrintableText.of(name) + String(repeating: " ", count: max(0, width - name.count + 2))
                + PrintableText.of(value)
                + "\n"
        }.joined()
    }

    private func flags(_ run: NumberedRun) -> String {
        let energy = Set(run.record.energy.domains.flatMap(\.flags)).sorted { $0.rawValue < $1.rawValue }
        let own = run.record.flags.map { "\($0.rawValue): \($0.text)" }
        let names = Set(run.record.flags.map(\.rawValue))
        let others = energy.filter { !names.contains($0.rawValue) }
            .compactMap { flag in flag.text.map { "\(flag.rawValue): \($0)" } }
        let lines = own + others
        return heading("Flags") + "\n" + (lines.isEmpty ? "none\n" : lines.map { $0 + "\n" }.joined())
    }

    private var suiteFlags: String {
        var counts: [RunFlag: Int] = [:]
        for run in detail.parts.flatMap(\.group.windows) {
            for flag in run.record.flags { counts[flag, default: 0] += 1 }
        }
        guard !counts.isEmpty else { return "" }
        return heading("Flags") + "\n"
            + counts.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                "\($0.value) \($0.key.rawValue): \($0.key.text)\n"
            }
            .joined()
    }

    /// One character for one, so that columns stay where they are.
    private static func ascii(_ text: String) -> String {
        let same: [Character: Character] = [
            "─": "-", "–": "-", "−": "-", "µ": "u", "×": "x", "’": "'", "…": "~", "²": "2", "√": "r",
        ]
        return String(text.map { $0.isASCII || isMark($0) ? $0 : same[$0] ?? "?" })
    }

    /// What a heading is marked by is none of Unicode's characters (U+FDD0 to U+FDEF), and becomes what a terminal obeys.
    private static func isMark(_ character: Character) -> Bool {
        character.unicodeScalars.allSatisfy { (0xFDD0...0xFDEF).contains($0.value) }
    }
}
