import Core
import Foundation
import Recording

extension ReportPage {
    var tableSection: Section? {
        // There is room for what the terminal has none for.
        var columns: [TableColumn] = [.n, .interval, .cv, .paper, .ratio]
        columns += table.defaultColumns.filter { !columns.contains($0) && $0 != .models } + [.models]
        let grid = table.grid(columns)
        let provenance = grid.columns.firstIndex { $0.title == TableColumn.provenance.title }
        let rows = zip(table.rows, grid.rows).map { row, cells in
            cells.enumerated().map { column, text in
                column == provenance
                    ? Self.badge(row.provenance) : grid.columns[column].alignment == .left ? .name(text) : .text(text)
            }
        }
        let content: [Markup] =
            rows.isEmpty
            ? [Self.paragraph("No run is in the table. What was left out, and why, is below.")]
            : [
                .table(
                    caption: table.caption, columns: grid.columns.map(\.title),
                    alignRight: Set(grid.columns.indices.filter { grid.columns[$0].alignment != .left }), rows: rows)
            ]
        let notes: Markup = .element(
            "ul", ["class": "notes"], table.notes(columns).map { .element("li", [:], .prose($0)) })
        return Section(id: "table", title: "The table", parts: content + [notes])
    }

    static func badge(_ provenance: Provenance) -> Markup {
        .element("span", ["class": "badge \(provenance.rawValue)"], .text(provenance.rawValue))
    }

    var energySection: Section? {
        guard !table.rows.isEmpty else { return nil }
        return Section(
            id: "energy", title: "Energy beside the paper’s",
            parts: [
                Self.figure(
                    EnergyChart(table: table).markup,
                    caption: [
                        EnergyChart.legend,
                        .text(
                            "Thin lines: of ours the 95 % interval of the mean, of the paper’s one standard deviation "
                                + "between models; where that reaches below zero the line runs to the edge. An axis of decades "
                                + "has no zero: read the ends of the bars, not their lengths. The paper’s figures hold the idle "
                                + "power of 8 GPUs, a constant 42.5 W of CPU and a modelled 430.8 W of memory. The same figures "
                                + "are in the table above."),
                    ])
            ])
    }

    var powerSection: Section? {
        guard charts.contains(where: { !$0.charts.isEmpty }) else { return nil }
        var parts: [Markup] = [
            Self.paragraph(
                "One picture a workload, with the same scale within a suite. The line is the mean of the samples of the "
                    + "total’s meters, the band around it their least and greatest value, so that no peak is lost. "
                    + "Shaded: loading, warm-up, and each repeat of the queries. Between the windows nothing is counted."
            )
        ]
        for (suite, charts) in charts where !charts.isEmpty {
            let heading: Markup =
                suite.map {
                    .text("Suite ") + .name($0.suite) + .text(", \(Self.minute($0.startedAt)), ") + .name($0.machine)
                }
                ?? .text("An earlier suite")
            parts.append(.element("h3", [:], heading))
            parts.append(
                .element(
                    "div", ["class": "charts"],
                    charts.map { chart in
                        .element(
                            "figure", [:],
                            .element(
                                "figcaption", [:],
                                .element("strong", [:], .name(chart.group.title)), .text(" "),
                                Self.badge(chart.group.provenance)),
                            chart.markup,
                            .details("The windows in figures", Self.windows(chart.group)))
                    }))
        }
        if digest.grouping.dropped > 0 {
            parts.append(
                Self.paragraph(
                    "The latest \(ReportDigest.mostGroups) workloads are shown; \(digest.grouping.dropped) earlier ones are "
                        + "not. `taskwatt report --suite-run` shows one suite.", "note"))
        }
        return Section(id: "power", title: "Power over time", parts: parts)
    }

    private static func windows(_ group: WorkloadGroup) -> Markup {
        let most = 100
        let rows = group.windows.prefix(most).map { run -> [Markup] in
            let total = run.record.energy.total
            return [
                .text(run.name), .text(String(run.id)), .text(FigureNumber.seconds(run.seconds)),
                .text(String(run.record.completedInferences)), .text(FigureNumber.joules(total.energy.joules)),
                .text(FigureNumber.joules(total.uncertainty.joules)),
                .text(run.meanWatts.map { "\(FigureNumber.three($0)) W" } ?? "–"),
                .text((run.record.flags.map(\.rawValue)).joined(separator: ", ")),
            ]
        }
        let table: Markup = .table(
            caption: "Windows of \(group.title)",
            columns: ["window", "run", "time", "inferences", "energy", "± 95 %", "mean power", "flags"],
            alignRight: Set(1...6), rows: rows, anchors: group.windows.prefix(most).map { "run-\($0.id)" },
            hidesCaption: true)
        let more = group.windows.count - rows.count
        return more > 0 ? table + paragraph("\(more) more are in `taskwatt export`.", "note") : table
    }

    var scopesSection: Section? {
        let pairs = table.rows.flatMap { row in row.reconciliations.map { (row, $0) } }
        guard !pairs.isEmpty else {
            guard !table.rows.isEmpty else { return nil }
            return Section(
                id: "scopes", title: "Reconciliation of scopes",
                parts: [
                    Self.paragraph(
                        "One scope was measured, so there is nothing to reconcile it with. A meter at the plug or of the "
                            + "board would show what the total leaves out; `taskwatt doctor` says what is possible here."
                    )
                ])
        }
        let rows = pairs.map { row, pair -> [Markup] in
            let outer = pair.outerEnergy.joules
            return [
                .name(row.title), .text("\(pair.outer.rawValue) less \(pair.inner.rawValue)"),
                .text(FigureNumber.joules(outer)), .text(FigureNumber.joules(outer - pair.residual.joules)),
                .text(FigureNumber.joules(pair.residual.joules)), .text(FigureNumber.joules(pair.uncertainty.joules)),
                .text(pair.share.map { String(format: "%.1f %%", $0 * 100) } ?? "–"),
                .text("\(pair.verdict.rawValue): \(pair.verdict.text)"),
            ]
        }
        return Section(
            id: "scopes", title: "Reconciliation of scopes",
            parts: [
                Self.paragraph(
                    "Scopes nest: the wall holds the system, the system the components. What an outer one holds beyond the "
                        + "inner one is the residual, with the uncertainty √(U₁² + U₂²) of the two."),
                Self.figure(
                    ScopeChart(table: table).markup,
                    caption: [
                        Legend.of([
                            ("measured", "what the inner scope holds"),
                            ("rest", "the residual: what no inner meter sees"),
                            ("contradiction", "a contradiction: the inner scope measured more than the outer"),
                        ])
                    ]),
                .table(
                    caption: "What each scope holds beyond the one inside it, over all runs of a row",
                    columns: ["task", "scopes", "outer", "inner", "residual", "± 95 %", "share", "verdict"],
                    alignRight: Set(2...6), rows: rows),
            ])
    }

    var planeSection: Section? {
        guard !digest.speedOrder.isEmpty else { return nil }
        let speeds = digest.speedOrder.filter(PlaneChart.isOn)
        let rows = speeds.enumerated().map { index, speed -> [Markup] in
            [
                .text(String(index + 1)), .name(speed.workload.task.title),
                .name(speed.workload.model ?? speed.workload.plugin),
                .text(FigureNumber.three((speed.workload.operationsPerInference ?? 0) / 1e9)),
                .text(FigureNumber.three(speed.gops)), .text(FigureNumber.three(speed.watts)),
                .text(FigureNumber.three(speed.efficiency)),
                .text(FigureNumber.three(Landauer.gopsPerWatt / speed.efficiency)), Self.badge(speed.provenance),
            ]
        }
        let accelerators = Accelerator.published
        let facts = accelerators.map { accelerator -> [Markup] in
            [
                .text(accelerator.name), .text(accelerator.kind.rawValue), .text(String(accelerator.year)),
                .text(accelerator.precision), .text(FigureNumber.three(accelerator.gops)),
                .text(FigureNumber.three(accelerator.watts)), .text(FigureNumber.three(accelerator.efficiency)),
                .text(accelerator.source),
            ]
        }
        return Section(
            id: "plane", title: "Speed over power",
            parts: [
                Self.figure(
                    PlaneChart(speeds: speeds, published: accelerators).markup,
                    caption: [
                        PlaneChart.legend,
                        .text(
                            "Stars: this record’s tasks, by their number in the table below: counted operations (a "
                                + "multiplication and an addition are two) by time, and the mean power of the total’s scope, idle "
                                + "power in it. The other marks are peaks that makers and papers state, of the chip or card alone "
                                + "and at their own precision, so ours lie below what the same chip could claim. Diagonals: equal "
                                + "efficiency. Landauer’s bound: k·T·ln 2 = "
                                + "\(FigureNumber.scientific(Landauer.joulesPerBit)) J a bit at "
                                + "\(FigureNumber.tick(Landauer.kelvin)) K, for an operation that forgets "
                                + "\(FigureNumber.tick(Landauer.bitsPerOperation)) bits."),
                    ]),
                .table(
                    caption: "Our tasks on the plane",
                    columns: [
                        "no.", "task", "model", "GOP an inference", "GOP/s", "W", "GOP/s/W", "times below Landauer",
                        "provenance",
                    ], alignRight: Set(3...7), rows: rows),
                .details(
                    "The \(accelerators.count) published accelerators, with their sources",
                    .table(
                        caption: "Published accelerators",
                        columns: [
                            "name", "class", "year of the source", "precision", "GOP/s", "W", "GOP/s/W", "source",
                        ],
                        alignRight: [2, 4, 5, 6], rows: facts, hidesCaption: true)),
            ])
    }
}
