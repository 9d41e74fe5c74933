import Core
import Foundation

/// The plane by steps of two years, one picture each: what is new in colour, what was there before in grey.
struct PlaneYears: Figure {
    let runs: [PlaneRun]
    let published: [Accelerator]

    private static let width = 960.0
    private static let columns = 3
    private static let rows = 2
    private static let step = 2
    private static let panel = (width: 300.0, height: 286.0, left: 46.0, top: 12.0)

    struct Panel: Sendable, Hashable {
        var years: ClosedRange<Int>
        /// Whether all earlier ones are in it.
        var isFirst: Bool

        var title: String {
            isFirst ? "to \(years.upperBound)" : "\(years.lowerBound) and \(years.upperBound)"
        }
    }

    /// As many as there is room for, the last of them with the latest year; none of no accelerators.
    var panels: [Panel] {
        guard let first = published.map(\.year).min(), let last = published.map(\.year).max() else { return [] }
        let count = Self.columns * Self.rows
        return (0..<count).compactMap { index in
            let upper = last - (count - 1 - index) * Self.step
            guard upper >= first else { return nil }
            let lower = index == 0 ? first : upper - Self.step + 1
            return Panel(years: min(lower, upper)...upper, isFirst: lower <= first)
        }
    }

    var drawing: Drawing {
        let panels = panels
        let rows = (panels.count + Self.columns - 1) / Self.columns
        var drawing = Drawing(
            id: "plane-years", width: Self.width, height: Double(max(1, rows)) * Self.panel.height + 34,
            title: "Speed over power by years",
            description: panels.map { panel in
                "\(panel.title): \(published.count { panel.years.contains($0.year) }) new"
            }.joined(separator: "; ") + ". All are in the table of published accelerators.")
        for (index, panel) in panels.enumerated() {
            let x = Double(index % Self.columns) * (Self.panel.width + 10) + Self.panel.left
            let y = Double(index / Self.columns) * Self.panel.height + Self.panel.top
            draw(panel, x, y, isLast: index == panels.count - 1, in: &drawing)
        }
        drawing.text(Self.width / 2, drawing.height - 8, "power in W", "axis", anchor: .middle)
        drawing.add(PlaneChart.turned("speed in GOP/s", "axis", 12, drawing.height / 2 - 16, -90, anchor: .middle))
        return drawing
    }

    private func draw(_ panel: Panel, _ x: Double, _ y: Double, isLast: Bool, in drawing: inout Drawing) {
        let (right, bottom) = (x + Self.panel.width - 22, y + Self.panel.height - 30)
        let shown = isLast ? runs : []
        // One scale for all of them.
        let watts = Scale.decades(published.map(\.watts) + runs.map(\.speed.watts), to: (x, right))
        let gops = Scale.decades(published.map(\.gops) + runs.map(\.speed.gops), to: (bottom, y + 20))
        for (index, tick) in watts.ticks.enumerated() {
            drawing.line(watts(tick), y + 20, watts(tick), bottom, "grid")
            // Every second one: there is no room for all.
            if index.isMultiple(of: 2) {
                drawing.text(watts(tick), bottom + 15, FigureNumber.tick(tick), "tick", anchor: .middle)
            }
        }
        for (index, tick) in gops.ticks.enumerated() {
            drawing.line(x, gops(tick), right, gops(tick), "grid")
            if index.isMultiple(of: 2) {
                drawing.text(x - 5, gops(tick) + 4, FigureNumber.tick(tick), "tick", anchor: .end)
            }
        }
        for power in stride(from: 0, through: 6, by: 2) {
            guard let (from, to) = PlaneChart.ends(pow(10, Double(power)), watts, gops) else { continue }
            drawing.line(from.0, from.1, to.0, to.1, "efficiency")
        }
        let fresh = published.filter { panel.years.contains($0.year) }
        drawing.text(x, y + 12, "\(panel.title): \(fresh.count) new", "group")
        let order = published.filter { $0.year < panel.years.lowerBound } + fresh
        for accelerator in order {
            let isNew = panel.years.contains(accelerator.year)
            drawing.add(
                PlaneChart.ofClass(
                    accelerator,
                    [
                        .element(
                            "path",
                            [
                                "d": PlaneMark.path(
                                    accelerator.kind.symbol, watts(accelerator.watts), gops(accelerator.gops)),
                                "class": isNew ? "mark \(accelerator.kind.symbol)" : "mark earlier",
                            ])
                    ]))
        }
        for run in shown {
            drawing.add(
                PlaneChart.mark(
                    "ours \(run.speed.provenance.rawValue)", watts(run.speed.watts), gops(run.speed.gops)))
        }
    }

    var legend: [Legend.Entry] {
        let found = Set(runs.map(\.speed.provenance))
        return Accelerator.Kind.allCases.map { .mark($0.symbol, $0.rawValue) } + [.mark("earlier", "of earlier years")]
            + Provenance.allCases.filter(found.contains).map {
                .mark("ours \($0.rawValue)", "this record’s, \($0.rawValue), of whatever year")
            }
    }

    let caption: [Markup] = [
        .text(
            "By the year of a part’s release, or of the source that lists it where that is later. New ones in the form and colour of their class, "
                + "earlier ones in grey; this record’s "
                + "tasks, of whatever year, are in the last. Diagonals: 1 GOP/s/W, and a hundred times more from one to the next."
        )
    ]

    var data: [FigureData] { [PlaneChart.publishedData(published)] }
}
