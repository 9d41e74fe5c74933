import Core
import Foundation

/// How a table is written.
package enum TableFormat: String, Sendable, CaseIterable {
    case text, markdown, csv, json
}

extension TableReport {
    package func rendered(as format: TableFormat) -> String {
        switch format {
        case .text: table.text() + "\n" + notes.joined(separator: "\n") + "\n"
        case .markdown: table.markdown() + "\n" + notes.map { "- \($0)" }.joined(separator: "\n") + "\n"
        case .csv: csv
        case .json: json
        }
    }

    private var hasSizes: Bool { rows.contains { $0.size != nil && $0.size != "full" } }
    private var hasMachines: Bool { Set(rows.map(\.machineFingerprint)).count > 1 }

    /// The machine's name; where several machines of the table have the same one, with the begin of its fingerprint.
    private func machine(_ row: Row) -> String {
        let namesakes = rows.filter { $0.machine == row.machine && $0.machineFingerprint != row.machineFingerprint }
        return namesakes.isEmpty ? row.machine : "\(row.machine) (\(row.machineFingerprint.prefix(6)))"
    }

    /// Whether a task has rows that differ in model, plugin or set-up.
    private var hasSetups: Bool {
        Dictionary(grouping: rows, by: \.task).values.contains { rows in
            Set(rows.map(\.plugin)).count > 1 || Set(rows.map(\.setup)).count > 1
        }
    }

    /// What tells a row from the others of its task.
    private func difference(_ row: Row) -> String {
        let others = rows.filter { $0.task == row.task }
        let names = Set(others.flatMap(\.setup.keys)).filter { name in Set(others.map { $0.setup[name] }).count > 1 }
        let plugin = Set(others.map(\.plugin)).count > 1 ? [row.plugin] : []
        // The parameters of another plugin say nothing of this one.
        return (plugin + names.sorted().compactMap { name in row.setup[name].map { "\(name)=\($0)" } })
            .joined(separator: " ")
    }

    private var table: TextTable {
        let energy = isNet ? "net kWh" : "kWh"
        var columns: [(title: String, alignment: TextTable.Alignment)] = [
            ("task", .left), ("\(energy): mean", .right), ("std", .right), ("n", .right), ("± 95 %", .right),
            ("scope", .left), ("provenance", .left), ("paper", .right), ("× paper", .right),
        ]
        if hasSizes { columns.append(("size", .left)) }
        if hasMachines { columns.append(("machine", .left)) }
        if hasSetups { columns += [("model", .left), ("with", .left)] }
        var table = TextTable(columns)
        for row in rows {
            var cells = [
                row.title, Self.figure(row.mean), row.std.map { Self.figure($0) } ?? "–", String(row.n),
                Self.figure(row.uncertainty), row.scope.rawValue, row.provenance.rawValue,
                row.paperMean.map { Self.figure($0) } ?? "–", row.paperRatio.map { Self.ratio($0) } ?? "–",
            ]
            if hasSizes { cells.append(row.size ?? "–") }
            if hasMachines { cells.append(machine(row)) }
            if hasSetups { cells += [row.models.joined(separator: ", "), difference(row)] }
            table.add(cells)
        }
        return table
    }

    /// What a reader must know to read the figures right.
    package var notes: [String] {
        var notes = [
            "kWh per 1,000 inferences, \(isNet ? "net: the idle baseline is taken off" : "gross: idle power is in it"); "
                + "std over all runs of a task (n − 1); ± 95 % is the interval of the mean."
        ]
        if contendedBaselines > 0 {
            notes.append(
                "\(contendedBaselines) idle baseline\(contendedBaselines == 1 ? "" : "s") contended: something else ran "
                    + "while the idle power was measured, so net is too low; repeat on a quiet machine.")
        }
        if rows.contains(where: { $0.n == 1 }) { notes.append("Of n = 1 the interval is the measurement's own.") }
        if rows.contains(where: { $0.scope == .components }) {
            notes.append(
                "Scope components: CPU packages, memory and accelerators that have a meter; not the whole machine.")
        }
        if rows.contains(where: { $0.provenance == .estimated }) {
            notes.append(
                "estimated: by a model of the CPU's power, where no meter was read. `taskwatt meters` "
                    + "says what would give measured figures.")
        }
        if rows.contains(where: { $0.paperRatio != nil }) {
            notes.append(
                "Paper: Luccioni et al., arXiv 2311.16863, Table 2, recomputed from its logs. Its figures hold the idle power "
                    + "of 8 GPUs, a constant 42.5 W of CPU and a modelled 430.8 W of memory, so the ratio compares different "
                    + "scopes.")
        }
        let pooled = rows.filter { $0.models.count > 1 }.map { "\($0.title) (\($0.models.joined(separator: ", ")))" }
        if !pooled.isEmpty { notes.append("Means over several models: \(pooled.joined(separator: "; ")).") }
        if hasSizes { notes.append("size tiny: small models for tests; their energy says nothing of the real ones.") }
        let least = rows.map(\.coverage).min() ?? 1
        if least < 1 {
            notes.append(
                "Some windows were not seen whole (down to \(Self.percent(least))); energy is divided by coverage.")
        }
        notes += rows.compactMap(Self.scopes)
        var flagged: [String: Int] = [:]
        for row in rows { flagged.merge(row.flags) { $0 + $1 } }
        for (flag, count) in flagged.sorted(by: { $0.key < $1.key }) {
            notes.append("\(count) run\(count == 1 ? "" : "s") flagged \(flag): \(Self.meaning(of: flag))")
        }
        for (reason, count) in leftOut.sorted(by: { $0.key < $1.key }) {
            notes.append("Left out: \(count) run\(count == 1 ? "" : "s") (\(reason)).")
        }
        return notes
    }

    /// The scopes of one row side by side; `nil` where there is one only.
    private static func scopes(_ row: Row) -> String? {
        guard !row.otherScopes.isEmpty else { return nil }
        let all = row.otherScopes.sorted { $0.key > $1.key }.map { "\($0.key) \(figure($0.value))" }
        let residuals = row.reconciliations.map { pair in
            let share = pair.share.map { String(format: "%.1f %%", $0 * 100) } ?? "–"
            return "\(pair.outer.rawValue) less \(pair.inner.rawValue) is \(share), \(pair.verdict.text)"
        }
        return "\(row.title), gross in other scopes: " + (all + residuals).joined(separator: "; ") + "."
    }

    private static func meaning(of flag: String) -> String {
        switch RunFlag(rawValue: flag) {
        case .contended: "other processes or the hypervisor took CPU time; repeat on a quiet machine."
        case .unresolved: "too short or too little energy for the meters."
        case .samplerLate: "the sampler missed its interval by more than 20 %."
        case .idleDrift: "the idle power moved."
        case .metersDisagree: "two meters of one piece of silicon differ; `taskwatt export --runs` has both."
        case .scopesContradict: "an inner scope measured more than the one around it: a meter is wrong."
        case .unsettled: "the latency was still moving when the warm-up ended; warm up for longer."
        case .notCooled: "the machine was warmer than where the first repeat began."
        case .throttled: "heat slowed the processor or the accelerator down."
        case .lowCoverage, .suspended, nil: "see `taskwatt export`."
        }
    }

    private var csv: String {
        var writer = CSVWriter()
        writer.row([
            "task", "title", "mean_kwh_per_1000", "std_kwh_per_1000", "n", "mean_uncertainty_95_kwh_per_1000", "net",
            "scope",
            "provenance", "models", "size", "machine", "machine_fingerprint", "run_to_run_cv", "coverage",
            "paper_mean_kwh_per_1000", "paper_ratio", "plugin", "setup", "flags", "other_scopes_kwh_per_1000",
            "residuals",
        ])
        for row in rows {
            writer.row([
                row.task.rawValue, row.title, CSVWriter.number(row.mean), CSVWriter.number(row.std), String(row.n),
                CSVWriter.number(row.uncertainty), isNet ? "true" : "false", row.scope.rawValue,
                row.provenance.rawValue,
                row.models.joined(separator: " "), row.size ?? "", row.machine, row.machineFingerprint,
                CSVWriter.number(row.runToRunCV), CSVWriter.number(row.coverage), CSVWriter.number(row.paperMean),
                CSVWriter.number(row.paperRatio), row.plugin, row.setupText,
                row.flags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
                row.otherScopes.sorted { $0.key > $1.key }.map { "\($0.key)=\(CSVWriter.number($0.value))" }
                    .joined(separator: " "),
                row.reconciliations.map { pair in
                    "\(pair.outer.rawValue)-\(pair.inner.rawValue)=\(CSVWriter.number(pair.share)):\(pair.verdict.rawValue)"
                }.joined(separator: " "),
            ])
        }
        return writer.text
    }

    private var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return "{\"rows\":[]}\n" }
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    // MARK: Numbers

    /// Three significant digits without an exponent.
    static func figure(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        guard value != 0 else { return "0" }
        let magnitude = Int(floor(log10(abs(value))))
        return String(format: "%.\(max(0, 2 - magnitude))f", value)
    }

    static func ratio(_ value: Double) -> String { figure(value) }

    private static func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }
}
