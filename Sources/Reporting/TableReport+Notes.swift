import Core

extension TableReport {
    /// What a reader must know to read the figures right, a sentence or two each.
    package var notes: [String] { notes() }

    /// - Parameters:
    ///   - columns: those that the notes stand under; `nil` of all. What only another column shows needs no note.
    ///   - advises: whether they say what to do about it too, which is for whoever sits at the machine and not for a paper.
    func notes(_ columns: [TableColumn]? = nil, advises: Bool = true) -> [String] {
        let shown = Set(columns ?? TableColumn.allCases)
        return [energyNote(shown)] + accuracyNotes(advises) + doubts(shown, advises)
            + [methodNote, machineNote].compactMap(\.self) + scopeNotes(advises) + comparisonNotes(shown)
            + peakNotes(shown, advises)
            + rowNotes(shown, advises)
            + countNotes(advises)
    }

    /// For a caption: what the figures are.
    package var caption: String {
        "Energy of 1,000 inferences in kWh, \(isNet ? "net of the idle baseline" : "gross"): mean and standard "
            + "deviation over all runs"
    }

    private func energyNote(_ shown: Set<TableColumn>) -> String {
        let unit = energyScale.exponent == 0 ? "" : ", in the unit of the mean"
        return
            "kWh per 1,000 inferences, \(isNet ? "net: without the idle power" : "gross: with the idle power"); "
            + "std over all runs of a task (n − 1)\(unit)"
            + (shown.contains(.interval)
                ? "; ± 95 % is half the width of the 95 % interval of the mean\(unit.isEmpty ? "" : ", in the same unit")."
                : ".")
    }

    /// What makes figures worse than they look.
    private func doubts(_ shown: Set<TableColumn>, _ advises: Bool) -> [String] {
        func note(_ text: String, advice: String) -> String { advises ? "\(text); \(advice)." : "\(text)." }
        var notes: [String] = []
        if isNet, rows.contains(where: { $0.mean < 0 }) {
            notes.append(
                note(
                    "Net is below zero in some rows: the idle power before was higher than the power of the run, so the machine was "
                        + "not idle, or the load is too small to resolve",
                    advice: "repeat on a quiet machine with a longer baseline"))
        }
        if isNet, contendedBaselines > 0 {
            notes.append(
                note(
                    "\(FigureText.count(contendedBaselines, "idle baseline")) contended: other programs ran while the idle "
                        + "power was measured, so net is too low", advice: "repeat on a quiet machine"))
        }
        if isNet, shown.contains(.interval), let shortest = method.baselines.first, shortest <= 1 {
            notes.append(
                note(
                    "An idle baseline of \(Self.plain(shortest)) s is a single block: its uncertainty is unknown, and not in the "
                        + "intervals here", advice: "repeat with a longer one (`taskwatt run --idle 10`)"))
        }
        if isNet, autocorrelatedBaselines > 0 {
            notes.append(
                "\(FigureText.count(autocorrelatedBaselines, "idle baseline")) autocorrelated: each second is like the one before, so "
                    + "net is less certain than its ± says; repeat with a longer baseline (`taskwatt run --idle 60`).")
        }
        if driftedBaselines > 0 {
            notes.append(
                note(
                    "The idle power after \(FigureText.count(driftedBaselines, "suite")) differs from that before (idle-drift): "
                        + "net may be off by the difference", advice: "let the machine settle and repeat"))
        }
        let imported = Set(rows.map(\.source)).subtracting([.taskwatt])
        if !imported.isEmpty, shown.contains(.interval) {
            notes.append(
                "Imported logs (\(imported.map(\.rawValue).sorted().joined(separator: ", "))) state no uncertainty: their "
                    + "interval includes only the spread of the runs.")
        }
        return notes
    }

    private var methodNote: String? {
        let own = rows.contains { $0.source == .taskwatt }
        guard own, let repeats = Self.range(method.repeats), let inferences = Self.range(method.inferences) else {
            return nil
        }
        let batch = Self.range(method.batches.compactMap(Int.init)) ?? "1"
        let seconds = Self.range(method.baselines)
        let baseline = seconds.map { "idle baseline of \($0) s" } ?? "no idle baseline"
        return
            "Method: \(repeats) repeat\(repeats == "1" ? "" : "s") of each model and dataset\(inSessions), \(inferences) inferences "
            + "each, batch \(batch); \(baseline); loading and warm-up are excluded; Taskwatt "
            + "\(method.versions.joined(separator: ", "))."
    }

    /// ` in each of 3 sessions`, where there are several.
    var inSessions: String {
        guard let sessions = Self.range(rows.compactMap(\.sessions)), sessions != "1" else { return "" }
        return " in each of \(sessions) sessions"
    }

    static func range(_ values: [Int]) -> String? {
        guard let least = values.min(), let most = values.max() else { return nil }
        return least == most ? "\(least)" : "\(least) to \(most)"
    }

    static func range(_ values: [Double]) -> String? {
        guard let least = values.min(), let most = values.max() else { return nil }
        return least == most ? plain(least) : "\(plain(least)) to \(plain(most))"
    }

    /// Without the `.0` of a whole number.
    private static func plain(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }

    private var machineNote: String? {
        var names: [String] = []
        for row in rows {
            // A row of a class says how many there are by itself.
            let isOfMany = row.machines.count > 1
            let name = isOfMany ? row.processor ?? "" : machine(row) + (row.processor.map { ": \($0)" } ?? "")
            if name.isEmpty { continue }
            if !names.contains(name) { names.append(name) }
        }
        guard !names.isEmpty else { return nil }
        let shown = names.prefix(4).joined(separator: "; ")
        let more = names.count > 4 ? " and \(names.count - 4) more" : ""
        return "Machine\(names.count == 1 ? "" : "s"): \(shown)\(more)."
    }

    private func scopeNotes(_ advises: Bool) -> [String] {
        var notes: [String] = []
        if rows.contains(where: { $0.scope == .components }) {
            notes.append(
                "Scope components: CPU packages, memory and accelerators that have a meter; not the whole machine.")
        }
        if rows.contains(where: { $0.scope == .system }) {
            notes.append("Scope system: the board, without the losses of its power supply.")
        }
        if rows.contains(where: { $0.scope == .wall }) { notes.append("Scope wall: the whole machine, at its plug.") }
        if rows.contains(where: { $0.provenance == .estimated && $0.source == .taskwatt }) {
            notes.append(
                "estimated: by a model of the CPU's power, since no meter was read."
                    + (advises ? " `taskwatt meters` says how to get measured figures." : ""))
        }
        if rows.contains(where: { $0.provenance == .simulated }) {
            notes.append("simulated: by meters that exist only for tests; not a real machine.")
        }
        return notes
    }

    private func comparisonNotes(_ shown: Set<TableColumn>) -> [String] {
        var notes: [String] = []
        if let carbon, shown.contains(.carbon) {
            let place = carbon.zone.map { "\($0)\(carbon.name.map { " (\($0))" } ?? "")" }
            let origin = [place, carbon.year.map(String.init), carbon.source].compactMap(\.self).joined(separator: ", ")
            notes.append("g CO2e at \(FigureText.figure(carbon.gramsPerKilowattHour)) g per kWh: \(origin).")
        }
        let hasPaper = shown.contains(.ratio) && rows.contains { $0.paperRatio != nil && $0.source != .paper }
        if hasPaper || shown.contains(.paper) && rows.contains(where: { $0.paperMean != nil && $0.source != .paper }) {
            notes.append(
                "Paper: Luccioni et al., arXiv 2311.16863, Table 2, recomputed from its logs. Its figures include the idle power "
                    + "of 8 GPUs, a constant 42.5 W of CPU and a modelled 430.8 W of memory, so the ratio compares different "
                    + "scopes"
                    + (isNet ? ", and net with gross." : "."))
        } else if rows.contains(where: { $0.source == .paper }) {
            notes.append(
                "From the logs of Luccioni et al., arXiv 2311.16863: the figures include idle power of 8 GPUs, a constant 42.5 W of "
                    + "CPU and a modelled 430.8 W of memory.")
        }
        return notes
    }

    /// Of runs that were faster than what is taken for their device's peak.
    private func peakNotes(_ shown: Set<TableColumn>, _ advises: Bool) -> [String] {
        let count = rows.count { $0.operation?.beatsPeak ?? false }
        guard count > 0, shown.contains(.peakShare) else { return [] }
        return [Self.beatenPeak(count) + (advises ? "; \(Self.peakAdvice)." : ".")]
    }

    /// - Parameter rows: how many.
    static func beatenPeak(_ rows: Int) -> String {
        "\(FigureText.count(rows, "row")) faster than the peak of the device by more than the peak's interval, so without a share of it: "
            + "the device can do more than this peak"
    }

    static let peakAdvice = "measure the peak again on a quiet machine (`taskwatt calibrate --peak`)"

    private func rowNotes(_ columns: Set<TableColumn>, _ advises: Bool) -> [String] {
        var notes: [String] = []
        let pooled = rows.filter { $0.models.count > 1 }
        if !pooled.isEmpty {
            let few = pooled.filter { $0.models.count <= Self.mostModels }
                .map { "\($0.title) (\($0.models.joined(separator: ", ")))" }
            let many = pooled.map(\.models.count).filter { $0 > Self.mostModels }
            let more = Self.range(many).map { ["\(FigureText.count(many.count, "row")) of \($0) models"] } ?? []
            notes.append(
                "Means over several models, whose std is the spread between models: "
                    + (few + more).joined(separator: "; ") + ".")
        }
        if rows.contains(where: { $0.setup["quantization"] == "dynamic" }) {
            notes.append(
                "quantization dynamic: weights of 8 bits, and activations quantised in each inference, which is extra work; if the "
                    + "engine has no fast kernels for it, it takes more energy than fp32.")
        }
        if !changes.isEmpty {
            let shown = changes.prefix(5).map { "\($0.what) changed between run \($0.before) and run \($0.after)" }
            let rest = changes.count > 5 ? ", and \(changes.count - 5) more changes in the JSON" : ""
            notes.append("Separate rows: \(shown.joined(separator: "; "))\(rest).")
        }
        if hasSizes {
            notes.append("size tiny: small models for tests; their energy says nothing about the real models.")
        }
        let least = rows.map(\.coverage).min() ?? 1
        if least < 1 {
            notes.append(
                "The meters missed part of some windows (coverage down to \(FigureText.percent(least))); each energy is divided by its coverage."
            )
        }
        if boundIntervals > 0, columns.contains(.interval) {
            notes.append(
                "± 95 % and the session CV of \(FigureText.count(boundIntervals, "row")) of several models are upper bounds: there are "
                    + "too many sessions to compare them one by one.")
        }
        let sessions =
            columns.contains(.interval) ? sessionNotes + (advises ? [sessionAdvice].compactMap(\.self) : []) : []
        return notes + sessions + scopesSideBySide + outlierNotes + outlyingMachineNotes + driftNotes(advises)
            + doubtNotes
    }

    /// Of how many models a note has the names.
    private static let mostModels = 4

    /// The runs far off the others; of many, the first.
    private var outlierNotes: [String] {
        if !outliersSearched {
            let runs = FigureText.count(rows.reduce(0) { $0.addingSaturated($1.n) }, "run")
            return ["Outliers were not searched for in \(runs); `taskwatt table --outliers` does it, run by run."]
        }
        let all = rows.flatMap { row in row.outliers.map { (row, $0) } }
        if all.isEmpty { return [] }
        let shown = all.prefix(5).map { row, outlier in
            "run \(outlier.run) (\(row.title), \(outlier.model)): \(FigureText.figure(outlier.value))"
        }
        let rest = all.count > 5 ? ", and \(all.count - 5) more in the JSON" : ""
        return [
            "Outliers (5 % of clean sets have one), still in the mean: "
                + shown.joined(separator: "; ") + rest + "."
        ]
    }

    private func countNotes(_ advises: Bool) -> [String] {
        var flagged: [String: Int] = [:]
        for row in rows { flagged.merge(row.flags) { $0 + $1 } }
        let flags = flagged.sorted { $0.key < $1.key }.map { flag, count -> String in
            // What comes after a semicolon is what to do about it.
            let text = RunFlag(rawValue: flag).map { advises ? $0.text : String($0.text.prefix { $0 != ";" }) }
            return "\(FigureText.count(count, "run")) flagged \(flag)\(text.map { ": \($0)." } ?? ".")"
        }
        let failed = failures.map { failures in
            "\(failures.inferences) of \(FigureText.count(failures.of, "inference")) failed, in \(FigureText.count(failures.runs, "run")): "
                + "they are not counted, but their energy is included."
        }
        return flags + [failed].compactMap(\.self)
            + leftOut.sorted { $0.key < $1.key }.map { reason, count in
                "Left out: \(FigureText.count(count, "run")) (\(reason))."
            }
    }

    /// The other scopes of each row, and what each holds beyond the one inside it; none where one scope was measured.
    private var scopesSideBySide: [String] {
        let measured = rows.filter { !$0.otherScopes.isEmpty }
        if measured.isEmpty { return [] }
        let texts = measured.map { row in
            let all = row.otherScopes.sorted { $0.key > $1.key }.map { "\($0.key) \(FigureText.figure($0.value))" }
            let residuals = row.reconciliations.map { pair in
                "\(pair.outer.rawValue) less \(pair.inner.rawValue) is \(FigureText.percent(pair.share, digits: 1))"
                    + " (\(pair.verdict.rawValue))"
            }
            return "\(row.title) " + (all + residuals).joined(separator: ", ")
        }
        let verdicts = Set(measured.flatMap(\.reconciliations).map(\.verdict))
        let meanings = [Reconciliation.Verdict.explained, .unmetered, .contradiction].filter(verdicts.contains)
            .map { "\($0.rawValue): \($0.text)" }
        return ["Gross in other scopes: \(texts.joined(separator: "; ")). \(meanings.joined(separator: "; "))."]
    }
}
