import Core
import Foundation
package import Recording

/// The paragraph for a paper's section on methods, in LaTeX, from what was really done, with the entries for its bibliography.
package struct MethodsText: Sendable {
    private let table: TableReport
    private let facts: MethodsFacts

    /// - Parameter options: which runs, and whether figures are net; as of the table that the paper prints.
    package init(_ store: any RecordReader, _ options: TableReport.Options) async throws(StoreError) {
        table = try await TableReport(store, options)
        facts = try await MethodsFacts(store, options.filter)
    }

    /// Whether no run is in the table, so that there is nothing to tell of.
    package var isEmpty: Bool { table.rows.isEmpty }

    /// LaTeX; the sentences hold no command but `\cite`.
    package var text: String {
        let paragraph = [
            what, models, machines, meters, protocolSentence, gross, uncertainty, estimates, coverage, doubts,
        ].compactMap(\.self).joined(separator: " ")
        return paragraph + "\n\n" + Bibliography.entries(engines: facts.engines, versions: table.method.versions)
    }

    // MARK: Sentences

    private var what: String {
        let titles = Self.unique(table.rows.map(\.title))
        let days = Self.unique([table.rows.map(\.firstDay).min(), table.rows.map(\.lastDay).max()].compactMap(\.self))
        return "We measured the energy of \(Self.listed(titles)) with Taskwatt "
            + "\(escaped(table.method.versions.joined(separator: ", ")))~\\cite{taskwatt} on "
            + "\(escaped(days.joined(separator: " to "))), in kWh per 1,000 inferences as in~\\cite{luccioni2024power}."
    }

    /// A sentence for each setting that rows were measured with, with the models and data of those rows.
    private var models: String {
        let hasTasks = Set(table.rows.map(\.task)).count > 1
        var sentences = facts.settings.map { setting, subjects in
            let names = subjects.models.map { model in
                let size = model.parameters.map { " (\(FigureText.grouped(Double($0))) parameters)" } ?? ""
                return escaped(model.name + size + (hasTasks ? " for \(model.task.title)" : ""))
            }
            var text = "Models: \(names.joined(separator: ", "))"
            if !subjects.datasets.isEmpty { text += "; data: \(escaped(subjects.datasets.joined(separator: ", ")))" }
            if let engine = setting.engine {
                text += "; run by \(escaped(engine))" + (Bibliography.key(of: engine).map { "~\\cite{\($0)}" } ?? "")
            }
            let device = setting.device.map { " on \($0)" } ?? ""
            let how = [setting.precision, "batch \(setting.batch)"].compactMap(\.self) + setting.parameterTexts
            return text + escaped("\(device), \(how.joined(separator: ", "))") + "."
        }
        let random = facts.settings.filter { $0.setting.plugin == "onnx-proxies" }.flatMap(\.subjects.models).map(
            \.name)
        if !random.isEmpty {
            let isAll = facts.settings.allSatisfy { $0.setting.plugin == "onnx-proxies" }
            let whose = isAll ? "" : " of \(Self.listed(Self.unique(random)))"
            sentences.append(
                "The weights\(whose) are random, in the published architectures: the arithmetic is theirs, the answers are not."
            )
        }
        if table.hasSizes {
            sentences.append(
                "Models of another size than full are smaller than the published ones, and so is their energy.")
        }
        return sentences.joined(separator: " ")
    }

    private var machines: String? {
        guard !facts.machines.isEmpty else { return nil }
        let texts = facts.machines.map { machine in
            escaped(([machine.name] + machine.parts).joined(separator: ", "))
        }
        return "Machine\(texts.count == 1 ? "" : "s"): \(texts.joined(separator: "; "))."
    }

    private var meters: String? {
        guard !facts.meters.isEmpty else { return nil }
        let texts = facts.meters.map {
            escaped("\($0.name) (\($0.id), \($0.scope.rawValue), \($0.provenance.rawValue))")
        }
        let scopes = Self.unique(table.rows.map(\.scope.rawValue))
        let interval = facts.intervals.map { "every \(DurationText.short($0))" }.joined(separator: " or ")
        return "Energy was read from \(texts.joined(separator: ", "))"
            + (interval.isEmpty ? "" : ", sampled \(interval)")
            + "; the total is that of the scope \(scopes.joined(separator: " or ")), each piece of silicon once."
    }

    private var protocolSentence: String? {
        guard let repeats = TableReport.range(table.method.repeats),
            let inferences = TableReport.range(table.method.inferences)
        else { return nil }
        let baseline = TableReport.range(table.method.baselines)
        let before = baseline.map {
            "Idle power was measured for \($0) s before the first workload\(facts.hasIdleAfter ? " and once more after the last" : "")."
        }
        return "Loading and warm-up were recorded apart and are excluded; \(repeats) "
            + "repeat\(repeats == "1" ? "" : "s") of \(inferences) inferences followed\(table.inSessions), one after the other. "
            + (hasSessions ? "Between sessions every plugin was started and every model loaded anew. " : "")
            + (stopping.map { "\($0) " } ?? "") + (before ?? "No idle power was measured.")
    }

    /// Repeats whose number was not set beforehand are another experiment than those whose was.
    private var stopping: String? {
        let (narrow, most) = (facts.repeatsEnds[.interval] ?? 0, facts.repeatsEnds[.most] ?? 0)
        guard narrow + most > 0 else { return nil }
        return "Repeats went on until the 95\\,\\% interval that their spread makes was as narrow as asked for"
            + (most == 0
                ? "."
                : ", or the most that were allowed had been made: so ended \(most) of \(narrow + most) series of them.")
    }

    private var gross: String {
        table.isNet
            ? "Figures are net: idle power times time is taken off."
            : "Figures are gross: idle power is in them."
    }

    /// Whether a row is of several sessions.
    private var hasSessions: Bool { table.rows.contains { ($0.sessions ?? 1) > 1 } }

    private var uncertainty: String {
        let accuracies = Self.unique(facts.meters.filter { $0.accuracy == nil }.map(\.id))
        let stated = table.statedAccuracies.map { "\(TableReport.some($0.meters)) (\($0.text))" }.joined(
            separator: "; ")
        return
            "Standard deviations are over all runs of a task (n $-$ 1). Intervals of means are of 95\\,\\% (Student's t at the "
            + "effective degrees of freedom~\\cite{gum}): they hold the spread of \(hasSessions ? "the sessions' means, where a model ran in several, else of " : "")"
            + "repeats of one model on one dataset and the "
            + "stated accuracy of the meters"
            + (stated.isEmpty ? "" : ", of \(escaped(stated))")
            + (accuracies.isEmpty ? "." : "; none is stated for \(escaped(accuracies.joined(separator: ", "))).")
    }

    private var estimates: String? {
        let estimated = table.rows.contains { $0.provenance == .estimated }
        guard estimated else { return nil }
        return
            "What is marked estimated comes from a model of the processor's power by its busy share, not from a meter."
    }

    private var coverage: String? {
        let least = table.rows.map(\.coverage).min() ?? 1
        guard least < 1 else { return nil }
        return
            "The meters saw at least \(escaped(FigureText.percent(least))) of each window; energy is divided by that share."
    }

    private var doubts: String? {
        var flags: [String: Int] = [:]
        for row in table.rows { flags.merge(row.flags) { $0 + $1 } }
        var parts = flags.sorted { $0.key < $1.key }.map { flag, count in
            // What comes after a semicolon is what to do about it.
            let text = RunFlag(rawValue: flag).map { ": \($0.text.prefix { $0 != ";" })" } ?? ""
            return "\(FigureText.count(count, "run")) \(count == 1 ? "was" : "were") flagged \(flag)\(text)"
        }
        parts += table.leftOut.sorted { $0.key < $1.key }.map { reason, count in
            "\(FigureText.count(count, "run")) \(count == 1 ? "was" : "were") left out (\(reason))"
        }
        if table.contendedBaselines > 0 {
            parts.append(
                "\(FigureText.count(table.contendedBaselines, "idle baseline")) "
                    + "\(table.contendedBaselines == 1 ? "was" : "were") measured while something else ran")
        }
        if table.driftedBaselines > 0 {
            parts.append("the idle power moved in \(FigureText.count(table.driftedBaselines, "suite"))")
        }
        return parts.isEmpty ? nil : escaped(parts.map { "\($0)." }.joined(separator: " "))
    }

    // MARK: Words

    private func escaped(_ text: String) -> String { LaTeXText.escaped(PrintableText.of(text)) }

    static func unique(_ values: [String]) -> [String] {
        var seen: Set<String> = []
        return values.filter { seen.insert($0).inserted }
    }

    private static func listed(_ names: [String]) -> String {
        let names = names.map { LaTeXText.escaped($0) }
        guard names.count > 1, let last = names.last else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " and " + last
    }
}
