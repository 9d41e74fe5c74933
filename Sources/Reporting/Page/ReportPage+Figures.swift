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
            ? [Self.paragraph("The table is empty. The runs that were left out, and why, are below.")]
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

    // MARK: The figures, `nil` where there is nothing to draw

    var energyChart: EnergyChart? { table.rows.isEmpty ? nil : EnergyChart(table: table) }

    var powerCharts: PowerCharts? {
        let all = charts.flatMap(\.charts)
        return all.isEmpty ? nil : PowerCharts(charts: all)
    }

    var scopeChart: ScopeChart? {
        let chart = ScopeChart(table: table)
        return chart.isEmpty ? nil : chart
    }

    // MARK: Their sections

    var energySection: Section? {
        energyChart.map { chart in
            let title = chart.hasPaper ? "Energy beside the paper’s" : "Energy of each task"
            return Section(id: "energy", title: title, parts: [chart.markup])
        }
    }

    var powerSection: Section? {
        guard charts.contains(where: { !$0.charts.isEmpty }) else { return nil }
        var parts: [Markup] = [
            Self.paragraph(
                "There is one picture per workload, with the same scale within a suite. The line is the mean of the samples, the band "
                    + "their minimum and maximum. Shaded: loading, warm-up, and each repeat of the queries. Time between "
                    + "the windows is not counted."
            )
        ]
        let suites = charts.filter { !$0.charts.isEmpty }.map(Self.power)
        parts += suites.prefix(Self.mostOpenSuites)
        let earlier = suites.dropFirst(Self.mostOpenSuites)
        if !earlier.isEmpty {
            parts.append(
                .details(
                    "\(FigureText.count(earlier.count, "earlier suite"))",
                    earlier.reduce(Markup.text("")) { $0 + $1 }))
        }
        if digest.grouping.dropped > 0 {
            parts.append(
                Self.paragraph(
                    "The latest \(ReportDigest.mostGroups) workloads are shown; \(digest.grouping.dropped) earlier ones are "
                        + "not. `taskwatt report --suite-run` shows one suite.", "note"))
        }
        return Section(id: "power", title: "Power over time", parts: parts)
    }

    /// Of so many suites, the latest, the pictures are open; those of the others open by a click.
    private static let mostOpenSuites = 2

    /// The pictures of one suite. Those of idle baselines open by a click: they are the same line again and again.
    private static func power(_ suite: SuiteRunDetail?, _ charts: [PowerChart]) -> Markup {
        let heading: Markup =
            suite.map { suite -> Markup in
                let label: Markup = suite.label.map { Markup.text(", ") + .name($0) } ?? .text("")
                // Of several suites of one name and minute the UUID tells which.
                let named: Markup = .text("Suite ") + .name(suite.suite) + label
                return named + .text(", \(minute(suite.startedAt)), ") + .name(suite.machine)
                    + .text(", \(suite.uuid.prefix(8))")
            }
            ?? .text("An earlier suite")
        func pictures(_ charts: [PowerChart]) -> Markup {
            .element(
                "div", ["class": "charts"],
                charts.map { chart in
                    .element(
                        "figure", [:],
                        .element(
                            "figcaption", [:],
                            .element("strong", [:], .name(chart.title)), .text(" "),
                            badge(chart.group.provenance)),
                        chart.drawing.markup,
                        .details("The windows as a table", windows(chart.group)))
                })
        }
        let idle = charts.filter { $0.group.workload == nil }
        let working = charts.filter { $0.group.workload != nil }
        let head = Markup.element("h3", [:], heading)
        // One that measured nothing else shows it.
        if working.isEmpty || idle.isEmpty { return head + pictures(charts) }
        return head + pictures(working)
            + .details("\(FigureText.count(idle.count, "idle baseline"))", pictures(idle))
    }

    private static func windows(_ group: WorkloadGroup) -> Markup {
        let most = 100
        let rows = group.windows.prefix(most).map { run -> [Markup] in
            let total = run.record.energy.total
            return [
                .text(run.name), .text(String(run.id)), .text(DurationText.figure(run.seconds)),
                .text(String(run.record.completedInferences)), .text(FigureText.joules(total.energy.joules)),
                .text(FigureText.joules(total.uncertainty.joules)),
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
        return more > 0 ? table + paragraph("\(more) more: see `taskwatt export`.", "note") : table
    }

    var scopesSection: Section? {
        guard let chart = scopeChart else {
            guard !table.rows.isEmpty else { return nil }
            return Section(
                id: "scopes", title: "Reconciliation of scopes",
                parts: [
                    Self.paragraph(
                        "Only one scope was measured, so there is nothing to compare it with. A meter at the plug or of the "
                            + "board would show what the total leaves out; `taskwatt doctor` says what is possible here."
                    )
                ])
        }
        return Section(
            id: "scopes", title: "Reconciliation of scopes",
            parts: [
                Self.paragraph(
                    "Scopes nest: wall contains system, system contains components. The residual is the energy of the outer scope less "
                        + "that of the inner one, with the uncertainty √(U₁² + U₂²)."), chart.markup,
            ] + chart.data.map { $0.markup() })
    }
}
