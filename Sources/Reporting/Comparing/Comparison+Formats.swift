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
                row.title, FigureText.figure(row.a.mean), Self.interval(row.a.uncertainty), String(row.a.n),
                FigureText.figure(row.b.mean), Self.interval(row.b.uncertainty), String(row.b.n),
                FigureText.figure(row.ratio), interval ?? FigureText.none, Self.chance(row.p),
                row.isSignificant.map { $0 ? "yes" : "no" } ?? FigureText.none,
            ])
        }
        return table
    }

    /// Zero is that of logs that state none.
    private static func interval(_ uncertainty: Double) -> String {
        uncertainty > 0 ? FigureText.figure(uncertainty) : FigureText.none
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
        for row in rows where !row.differences.isEmpty {
            notes.append("\(row.title): the two sides differ in \(row.differences.joined(separator: "; ")).")
        }
        notes += doubts
        if rows.contains(where: { $0.ratio != nil && $0.low == nil }) {
            notes.append("No interval where a single run states no uncertainty.")
        }
        return notes + reasons
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
