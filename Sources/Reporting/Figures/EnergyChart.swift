import Core
import Foundation

/// kWh per 1,000 inferences by task on an axis of decades: ours with the 95 % interval, the paper's beside it.
struct EnergyChart: Figure {
    let table: TableReport

    private static let width = 960.0
    private static let plot = (left: 300.0, right: 850.0)
    private static let barHeight = 15.0
    private static let top = 34.0

    /// One bar.
    private struct Bar {
        var label: String
        var style: String
        var value: Double
        var low: Double
        var high: Double
        var text: String
        var tip: String
    }

    /// The bars of one task.
    private struct Group {
        var title: String
        var bars: [Bar]
    }

    private var groups: [Group] {
        var groups: [Group] = []
        var last: MLTask?
        for row in table.rows {
            if row.task != last { groups.append(Group(title: row.title, bars: [])) }
            groups[groups.count - 1].bars.append(bar(row))
            last = row.task
            let isLastOfTask = table.rows.last { $0.task == row.task } == row
            if isLastOfTask, let paper = PaperTable.rows[row.task] {
                groups[groups.count - 1].bars.append(
                    Bar(
                        label: "paper", style: "paper", value: paper.mean, low: paper.mean - paper.std,
                        high: paper.mean + paper.std, text: FigureNumber.three(paper.mean),
                        tip: "\(row.title), the paper: \(FigureNumber.three(paper.mean)) kWh, "
                            + "standard deviation \(FigureNumber.three(paper.std)) kWh"))
            }
        }
        return groups
    }

    /// Whether a task of the table is one of the paper's.
    var hasPaper: Bool { table.rows.contains { PaperTable.rows[$0.task] != nil } }

    private var hasScopes: Bool { Set(table.rows.map(\.scope)).count > 1 }
    private var hasMachines: Bool { Set(table.rows.map(\.machineFingerprint)).count > 1 }

    private func bar(_ row: TableReport.Row) -> Bar {
        var words = [row.models.joined(separator: ", ")]
        if let size = row.size, size != "full" { words.append("size \(size)") }
        if hasScopes { words.append(row.scope.rawValue) }
        if hasMachines { words.append(table.machine(row)) }
        let difference = table.difference(row)
        if !difference.isEmpty { words.append(difference) }
        return Bar(
            label: words.joined(separator: " · "), style: row.provenance.rawValue, value: row.mean,
            low: row.mean - (row.uncertainty ?? 0), high: row.mean + (row.uncertainty ?? 0),
            text: "\(FigureNumber.three(row.mean)) \(row.provenance.rawValue)",
            tip:
                "\(row.title), \((words + [row.scope.rawValue, row.provenance.rawValue]).joined(separator: ", ")): \(FigureNumber.three(row.mean)) kWh "
                + (row.uncertainty.map { "± \(FigureNumber.three($0)) kWh (95 %), " } ?? "")
                + "n = \(row.n)")
    }

    var drawing: Drawing {
        let groups = groups
        let bars = groups.flatMap(\.bars)
        let scale = Scale.decades(
            bars.flatMap { [$0.value, max($0.low, $0.value / 10), $0.high] }, to: Self.plot)
        let heights = groups.map { Double($0.bars.count) * (Self.barHeight + 5) + 26 }
        let height = Self.top + heights.reduce(0, +) + 34
        var drawing = Drawing(
            id: "energy-chart", width: Self.width, height: height,
            title: "Energy of each task, in kWh per 1,000 inferences, on a logarithmic axis", description: summary)
        let bottom = height - 34
        for tick in scale.ticks {
            drawing.line(scale(tick), Self.top - 8, scale(tick), bottom, "grid")
            drawing.text(scale(tick), Self.top - 14, FigureNumber.tick(tick), "tick", anchor: .middle)
            drawing.text(scale(tick), bottom + 14, FigureNumber.tick(tick), "tick", anchor: .middle)
        }
        drawing.text(
            (Self.plot.left + Self.plot.right) / 2, height - 4,
            "\(table.isNet ? "net " : "")kWh per 1,000 inferences, one step a factor of ten", "axis", anchor: .middle)
        var y = Self.top
        for (group, height) in zip(groups, heights) {
            drawing.line(8, y - 4, Self.width - 8, y - 4, "rule")
            drawing.text(8, y + 13, group.title, "group")
            var line = y + 20
            for bar in group.bars {
                Self.draw(bar, at: line, on: scale, in: &drawing)
                line += Self.barHeight + 5
            }
            y += height
        }
        return drawing
    }

    private static func draw(_ bar: Bar, at y: Double, on scale: Scale, in drawing: inout Drawing) {
        let middle = y + barHeight / 2
        drawing.text(plot.left - 10, middle + 4, short(bar.label), "label", anchor: .end)
        guard bar.value > 0 else {
            drawing.text(plot.left + 6, middle + 4, "\(FigureNumber.three(bar.value)): no place on this axis", "value")
            return
        }
        let x = scale(bar.value)
        drawing.add(
            .element(
                "g", [:], .element("title", [:], .text(bar.tip)),
                Drawing.rectangle(plot.left, y, max(2, x - plot.left), barHeight, "bar \(bar.style)")))
        // A lower end below zero has no place on an axis of decades: the line runs to the edge, without a cap.
        let hasLow = bar.low > scale.domain.lowerBound
        let (low, high) = (scale(max(bar.low, scale.domain.lowerBound)), scale(bar.high))
        let caps: [(x: Double, y: Double)?] = ((hasLow ? [low] : []) + [high]).flatMap { end in
            [(end, middle - 4), (end, middle + 4), nil] as [(x: Double, y: Double)?]
        }
        let whisker = Drawing.path([(low, middle), (high, middle), nil] + caps)
        drawing.path(whisker, "halo")
        drawing.path(whisker, "whisker")
        drawing.text(max(high, x) + 7, middle + 4, bar.text, "value")
    }

    /// What fits beside the bars; the tip has it all. What tells it from another is at its end.
    private static func short(_ label: String) -> String {
        label.count <= 46 ? label : "\(label.prefix(15))…\(label.suffix(30))"
    }

    private var summary: String {
        table.rows.map { row in
            let paper = row.paperMean.map { ", in the paper \(FigureNumber.three($0))" } ?? ""
            let interval = row.uncertainty.map { " ± \(FigureNumber.three($0))" } ?? ""
            let difference = table.difference(row)
            return
                "\(row.title)\(difference.isEmpty ? "" : " (\(difference))"): \(FigureNumber.three(row.mean))\(interval), "
                + "\(row.provenance.rawValue)\(paper)."
        }.joined(separator: " ")
    }

    var legend: [Legend.Entry] {
        [
            .bar("measured", "measured or derived"), .bar("estimated", "estimated by a model"),
            .bar("simulated", "simulated"),
        ] + (hasPaper ? [.bar("paper", "the paper's mean; its line is the standard deviation between models")] : [])
    }

    var caption: [Markup] {
        let bars =
            hasPaper
            ? "Error bars: ours show the 95 % interval of the mean, the paper’s one standard deviation between models"
            : "Error bars show the 95 % interval of the mean"
        let paper =
            hasPaper
            ? " The paper’s figures include the idle power of 8 GPUs, a constant 42.5 W of CPU and a modelled 430.8 W of memory."
            : ""
        return [
            .text(
                "\(bars); one that reaches below zero runs to the edge. A logarithmic axis has no zero: read the ends of the "
                    + "bars, not their lengths.\(paper) The same figures are in the table.")
        ]
    }

    var data: [FigureData] {
        let columns: [FigureData.Column] = [
            .init(title: "task", key: "task", isNumber: false), .init(title: "whose", key: "whose", isNumber: false),
            .init(title: "models", key: "models", isNumber: false), .init(title: "size", key: "size", isNumber: false),
            .init(title: "with", key: "with", isNumber: false),
            .init(title: "scope", key: "scope", isNumber: false),
            .init(title: "machine", key: "machine", isNumber: false),
            .init(title: "provenance", key: "provenance", isNumber: false),
            .init(
                title: "\(table.isNet ? "net " : "")kWh per 1,000",
                key: table.isNet ? "net_kwh_per_1000" : "kwh_per_1000",
                isNumber: true),
            .init(title: "± 95 %", key: "uncertainty_95_kwh_per_1000", isNumber: true),
            .init(title: "standard deviation", key: "std_kwh_per_1000", isNumber: true),
            .init(title: "runs", key: "n", isNumber: true),
        ]
        var rows: [[FigureData.Cell]] = []
        for (index, row) in table.rows.enumerated() {
            rows.append([
                .name(row.title), .text("ours"), .name(row.models.joined(separator: ", ")),
                row.size.map { .name($0) } ?? .none, .named(table.difference(row)),
                .text(row.scope.rawValue), .name(table.machine(row)),
                .provenance(row.provenance), .number(row.mean), row.uncertainty.map { .number($0) } ?? .none,
                row.std.map { .number($0) } ?? .none, .number(Double(row.n), shown: String(row.n)),
            ])
            let isLastOfTask = !table.rows[(index + 1)...].contains { $0.task == row.task }
            if isLastOfTask, let paper = PaperTable.rows[row.task] {
                rows.append([
                    .name(row.title), .text("paper"), .none, .none, .none, .none, .none, .none, .number(paper.mean),
                    .none,
                    .number(paper.std), .none,
                ])
            }
        }
        return [
            FigureData(
                caption: "Energy of each task" + (hasPaper ? ", ours and the paper’s" : ""), columns: columns,
                rows: rows)
        ]
    }
}
