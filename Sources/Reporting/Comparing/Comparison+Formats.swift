import Core
import Foundation

/// How a comparison is written.
package enum ComparisonFormat: String, Sendable, CaseIterable {
    case text, markdown, latex, csv, json

    /// Not for programs.
    package var isForPeople: Bool { self != .csv && self != .json }
}

extension Comparison {
    /// - Parameter hasRawCells: leaves texts of CSV as they are that a spreadsheet would take for formulas.
    package func rendered(as format: ComparisonFormat, hasRawCells: Bool = false) throws -> String {
        switch format {
        case .text: return table.text() + "\n" + notes.map { PrintableText.of($0) + "\n" }.joined()
        case .markdown: return table.markdown() + "\n" + notes.map { "- \(PrintableText.of($0))\n" }.joined()
        case .latex: return table.latex(caption: caption, label: "tab:taskwatt-compare", notes: notes(advises: false))
        // In full precision, a row a line, as JSON names the fields.
        case .csv: return csv(Column.csv, isRaw: hasRawCells)
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return PrintableText.json(String(decoding: try encoder.encode(self), as: UTF8.self)) + "\n"
        }
    }

    private var caption: String {
        "Energy of 1,000 inferences in kWh, \(isNet ? "net of the idle baseline" : "gross"): \(a) (A) and \(b) (B)."
    }

    private var hasRepeats: Bool { rows.contains { $0.repeats != nil } }

    private var table: TextTable { textTable(Column.shown(hasRepeats: hasRepeats)) }

    /// What a reader must know to read the figures right.
    package var notes: [String] { notes(advises: true) }

    /// - Parameter advises: whether they say what to type, which is for whoever sits at the machine and not for a paper.
    private func notes(advises: Bool) -> [String] {
        var notes = [
            "A is \(a), B is \(b). kWh per 1,000 inferences, \(isNet ? "net" : "gross"); ± 95 % is the interval of each mean.",
            "≠ 1: whether the 95 % interval of B/A leaves out 1 (Welch's test on the logarithms of the means); p is the "
                + "probability of a difference this large by chance. Each row is a separate test: one of twenty equal pairs "
                + "looks different.",
        ]
        notes += verdicts(advises)
        if hasRepeats {
            notes.append(
                "There are two intervals, since the error of the meters, or of the estimate, may not cancel. The interval of the "
                    + "repeats decides whether the readings differ: use it if the same meters have the same error on both sides. "
                    + "The interval of all decides whether the true energies differ.")
        }
        if rows.contains(where: { !$0.isAccuracyStated }) {
            notes.append(
                "\(unstatedMark) accuracy not stated of a meter: neither ± 95 % nor the interval of the ratio includes it."
            )
        }
        for row in rows where !row.differences.isEmpty {
            notes.append("\(row.title): the sides differ in \(row.differences.joined(separator: "; ")).")
        }
        notes += doubts
        if rows.contains(where: { $0.ratio != nil && $0.low == nil }) {
            notes.append(
                "No interval and no verdict without repeats, if the record has no other runs of the model on that "
                    + "machine\(advises ? ": `taskwatt run --repeats 5` measures some" : "").")
        }
        if rows.contains(where: { $0.ratio == nil }) {
            notes.append(
                "No ratio if a mean is not above zero\(isNet ? ": it is lost in the idle power" : "")."
            )
        }
        return notes + reasons
    }

    /// What the verdicts are of, and what they take for granted; by row, where rows differ in it.
    private func verdicts(_ advises: Bool) -> [String] {
        let told = rows.filter { $0.basis != nil }
        func notes(_ text: (Row) -> String?) -> [String] {
            var titles: [(text: String, rows: [String])] = []
            for row in told {
                guard let text = text(row) else { continue }
                if let index = titles.firstIndex(where: { $0.text == text }) {
                    titles[index].rows.append(row.title)
                } else {
                    titles.append((text, [row.title]))
                }
            }
            return titles.map {
                $0.rows.count == rows.count ? $0.text : "\($0.rows.joined(separator: "; ")): \($0.text)"
            }
        }
        return notes { $0.basis.flatMap(RatioSpread.Basis.init)?.text($0, advises) }
            + notes { $0.assumption.flatMap(RatioSpread.Assumption.init)?.text }
    }

    /// What makes a difference look like one of what was compared, and may be another.
    private var doubts: [String] {
        var notes: [String] = []
        for (name, sides) in [("A", rows.map(\.a)), ("B", rows.map(\.b))] {
            var flags: [String: Int] = [:]
            for side in sides { flags.merge(side.flags, uniquingKeysWith: +) }
            let runs = sides.reduce(0) { $0 + $1.n }
            notes += flags.sorted { $0.key < $1.key }.map { flag, count in
                "\(name): \(count) of \(FigureText.count(runs, "run")) flagged \(flag)."
            }
        }
        if rows.contains(where: { [$0.a.provenance, $0.b.provenance].contains(Provenance.estimated.rawValue) }) {
            notes.append("estimated: by a model of the CPU's power, which knows only how busy the CPU was.")
        }
        return notes
    }

    /// Why something of the two sides is in no row.
    package var reasons: [String] {
        let sides = [("A", onlyInA), ("B", onlyInB)].filter { !$0.1.isEmpty }
        return refused + sides.map { name, groups in "Only in \(name): \(groups.joined(separator: "; "))." }
    }
}

extension Comparison.Row {
    /// Whether an accuracy of every meter is in the intervals.
    var isAccuracyStated: Bool { a.isAccuracyStated && b.isAccuracyStated }
}

extension RatioSpread.Basis {
    /// What a verdict is of, for people.
    func text(_ row: Comparison.Row, _ advises: Bool) -> String? {
        let sides = [row.a.sessions, row.b.sessions].compactMap(\.self).map(String.init).joined(separator: " and ")
        return switch self {
        case .oneSession: "Verdict within one session, in which both sides ran; it assumes independent repeats."
        case .twoSessions:
            "Verdict between these two sessions: it assumes independent repeats, and other sessions may differ more"
                + (advises ? "; `taskwatt run --sessions 3` on both sides tells." : ".")
        case .knownSessions:
            "Verdict between sessions: how far they differ is known from other sessions of the same workload on this machine."
        case .sessions: "Verdict between sessions: the sides have \(sides)."
        case .pairedSessions:
            "Verdict between sessions: both sides ran in the same \(sides.prefix { $0 != " " }) sessions."
        case .logs: nil
        }
    }
}

extension RatioSpread.Assumption {
    var text: String {
        switch self {
        case .equalSpread:
            "One side has too few values for a spread of its own: the test assumes equal spread, relative to the means."
        case .asBefore:
            "The scatter is taken from other runs of the same model on that machine."
        }
    }
}
