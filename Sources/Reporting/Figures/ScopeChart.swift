import Core
import Foundation

/// For each row of the table that has several scopes: the outer one as a whole bar, divided into what the inner one saw
/// and what is left.
struct ScopeChart: Figure {
    let table: TableReport

    private static let width = 960.0
    private static let plot = (left: 300.0, right: 650.0)
    private static let step = 30.0

    /// The task, and what tells the row from the others of it.
    private func name(_ row: TableReport.Row) -> String {
        let difference = table.difference(row)
        return row.title + (difference.isEmpty ? "" : ", \(difference)")
    }

    private var pairs: [(TableReport.Row, Reconciliation)] {
        table.rows.flatMap { row in row.reconciliations.map { (row, $0) } }
    }

    var isEmpty: Bool { pairs.isEmpty }

    let legend: [Legend.Entry] = [
        .bar("measured", "what the inner scope holds"), .bar("rest", "the residual: what no inner meter sees"),
        .bar("contradiction", "a contradiction: the inner scope measured more than the outer"),
    ]

    let caption: [Markup] = []

    var data: [FigureData] {
        let rows = pairs.map { row, pair -> [FigureData.Cell] in
            func energy(_ joules: Double) -> FigureData.Cell { .number(joules, shown: FigureText.joules(joules)) }
            let (outer, residual) = (pair.outerEnergy.joules, pair.residual.joules)
            return [
                .name(name(row)), .text("\(pair.outer.rawValue) less \(pair.inner.rawValue)"), energy(outer),
                energy(outer - residual), energy(residual), energy(pair.uncertainty.joules),
                pair.share.map { .number($0, shown: FigureText.percent($0, digits: 1)) } ?? .none,
                .text("\(pair.verdict.rawValue): \(pair.verdict.text)"), .provenance(row.provenance),
            ]
        }
        return [
            FigureData(
                caption: "What each scope holds beyond the one inside it, over all runs of a row",
                columns: [
                    .init(title: "task", key: "task", isNumber: false),
                    .init(title: "scopes", key: "scopes", isNumber: false),
                    .init(title: "outer", key: "outer_joules", isNumber: true),
                    .init(title: "inner", key: "inner_joules", isNumber: true),
                    .init(title: "residual", key: "residual_joules", isNumber: true),
                    .init(title: "± 95 %", key: "residual_uncertainty_95_joules", isNumber: true),
                    .init(title: "share", key: "residual_share", isNumber: true),
                    .init(title: "verdict", key: "verdict", isNumber: false),
                    .init(title: "provenance", key: "provenance", isNumber: false),
                ], rows: rows)
        ]
    }

    var drawing: Drawing {
        let pairs = pairs
        let height = Double(pairs.count) * Self.step + 54
        var drawing = Drawing(
            id: "scope-chart", width: Self.width, height: height,
            title: "What each scope holds beyond the one inside it",
            description: pairs.map { row, pair in
                "\(name(row)): \(pair.inner.rawValue) \(FigureText.percent(1 - (pair.share ?? 0), digits: 1)) of \(pair.outer.rawValue), "
                    + "\(pair.verdict.rawValue)."
            }.joined(separator: " "))
        // A contradiction goes beyond the whole.
        let largest = pairs.map { 1 - ($0.1.share ?? 0) }.max() ?? 1
        let scale = Scale(0...max(1, largest), to: Self.plot)
        for tick in [0, 0.25, 0.5, 0.75, 1] {
            drawing.line(scale(tick), 8, scale(tick), height - 42, "grid")
            drawing.text(scale(tick), height - 26, "\(Int(saturating: tick * 100)) %", "tick", anchor: .middle)
        }
        drawing.text(
            (Self.plot.left + Self.plot.right) / 2, height - 8, "share of the outer scope’s energy", "axis",
            anchor: .middle)
        for (index, (row, pair)) in pairs.enumerated() {
            let y = Double(index) * Self.step + 12
            let share = pair.share ?? 0
            drawing.text(
                Self.plot.left - 10, y + 13,
                TextWidth.short(
                    "\(row.title) · \(row.provenance.rawValue)"
                        + (table.difference(row).isEmpty ? "" : " · \(table.difference(row))"),
                    in: Self.plot.left - 18), "label", anchor: .end)
            let inner = scale(min(1 - share, 1))
            drawing.rectangle(Self.plot.left, y, inner - Self.plot.left, 18, "bar measured")
            if share > 0 {
                drawing.rectangle(inner, y, scale(1) - inner, 18, "bar rest")
            } else {
                drawing.rectangle(scale(1), y, scale(1 - share) - scale(1), 18, "bar contradiction")
            }
            drawing.text(
                Self.plot.right + 10, y + 13,
                "\(pair.outer.rawValue) − \(pair.inner.rawValue): \(FigureText.percent(share, digits: 1)), \(pair.verdict.rawValue)",
                "value")
        }
        return drawing
    }
}
