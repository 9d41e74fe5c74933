import Core
import Foundation

/// How a comparison is written.
package enum ComparisonFormat: String, Sendable, CaseIterable {
    case text, markdown, json
}

extension Comparison {
    package func rendered(as format: ComparisonFormat) throws -> String {
        switch format {
        case .text: return table.text() + "\n" + notes.joined(separator: "\n") + "\n"
        case .markdown: return table.markdown() + "\n" + notes.map { "- \($0)" }.joined(separator: "\n") + "\n"
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    private var table: TextTable {
        let energy = isNet ? "net kWh" : "kWh"
        var table = TextTable([
            ("task", .left), ("A: \(energy)", .right), ("± 95 %", .right), ("n", .right), ("B: \(energy)", .right),
            ("± 95 %", .right), ("n", .right), ("B/A", .right), ("95 %", .left), ("p", .right), ("≠ 1", .left),
        ])
        for row in rows {
            let interval = row.low.flatMap { low in
                row.high.map { "\(FigureText.figure(low))–\(FigureText.figure($0))" }
            }
            table.add([
                row.title, FigureText.figure(row.a.mean), FigureText.figure(row.a.uncertainty), String(row.a.n),
                FigureText.figure(row.b.mean), FigureText.figure(row.b.uncertainty), String(row.b.n),
                FigureText.figure(row.ratio), interval ?? FigureText.none, Self.chance(row.p),
                row.isSignificant.map { $0 ? "yes" : "no" } ?? FigureText.none,
            ])
        }
        return table
    }

    /// Two digits; below a thousandth only that.
    private static func chance(_ p: Double?) -> String {
        guard let p else { return FigureText.none }
        return p < 0.001 ? "<0.001" : String(format: "%.2g", p)
    }

    /// What a reader must know to read the figures right.
    package var notes: [String] {
        var notes = [
            "A is \(a), B is \(b). kWh per 1,000 inferences, \(isNet ? "net" : "gross"); ± 95 % is the interval of each mean.",
            "≠ 1: whether the 95 % interval of B/A leaves out 1 (Welch's test on the logarithms of the means); p is how often "
                + "chance alone would bring as much. Each row is a test of its own: of twenty equal pairs one differs.",
        ]
        notes += verdicts
        for row in rows where !row.differences.isEmpty {
            notes.append("\(row.title): the two sides differ in \(row.differences.joined(separator: "; ")).")
        }
        notes += doubts
        if rows.contains(where: { $0.ratio != nil && $0.low == nil }) {
            notes.append(
                "No interval and no verdict where nothing was repeated, and the record has no other runs of the model on that "
                    + "machine: `taskwatt run --repeats 5` makes some.")
        }
        return notes + reasons
    }

    /// What the verdicts are of, and what they take for granted; by row, where rows differ in it.
    private var verdicts: [String] {
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
        return notes { $0.basis.flatMap(RatioSpread.Basis.init)?.text($0) }
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
            notes.append("estimated: by a model of the CPU's power, which sees how busy it was and nothing else.")
        }
        return notes
    }

    /// Why something of the two sides is in no row.
    package var reasons: [String] {
        let sides = [("A", onlyInA), ("B", onlyInB)].filter { !$0.1.isEmpty }
        return refused + sides.map { name, groups in "Only in \(name): \(groups.joined(separator: "; "))." }
    }
}

extension RatioSpread.Basis {
    /// What a verdict is of, for people.
    func text(_ row: Comparison.Row) -> String? {
        let sides = [row.a.sessions, row.b.sessions].compactMap(\.self).map(String.init).joined(separator: " and ")
        return switch self {
        case .oneSession: "Verdict within one session: both sides ran in it; it assumes independent repeats."
        case .twoSessions:
            "Verdict between these two sessions: it assumes independent repeats, and other sessions may differ by more; "
                + "`taskwatt run --sessions 3` on both sides tells."
        case .knownSessions:
            "Verdict between sessions: how far they differ is known from other sessions of the same on this machine."
        case .sessions: "Verdict between sessions, of which the sides have \(sides)."
        case .pairedSessions:
            "Verdict between sessions, of which both sides ran in the same \(sides.prefix { $0 != " " }), one by one."
        case .logs: nil
        }
    }
}

extension RatioSpread.Assumption {
    var text: String {
        switch self {
        case .equalSpread:
            "A side has too few values for a spread of its own: it assumes equal spread, relative to the means."
        case .asBefore:
            "How far values scatter is taken from the other runs of the same model on that machine in the record."
        }
    }
}
