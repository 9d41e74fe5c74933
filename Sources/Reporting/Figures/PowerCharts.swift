import Core

/// The power charts of all workloads, two in a row: what the page shows one by one, as one picture.
struct PowerCharts: Figure {
    let charts: [PowerChart]

    private static let heading = 24.0

    var drawing: Drawing {
        let columns = charts.count > 1 ? 2 : 1
        let rows = (charts.count + columns - 1) / columns
        let (width, height) = (PowerChart.width, PowerChart.height + Self.heading)
        var drawing = Drawing(
            id: "power-charts", width: width * Double(columns), height: height * Double(rows),
            title: "Power over time", description: charts.map { $0.drawing.title }.joined(separator: "; "))
        for (index, chart) in charts.enumerated() {
            let (x, y) = (Double(index % columns) * width, Double(index / columns) * height)
            drawing.text(
                x + 12, y + 17,
                TextWidth.short(
                    "\(chart.title) · \(chart.group.provenance.rawValue)", in: width - 24, size: 13, isBold: true),
                "group")
            drawing.add(chart.drawing.group(x, y + Self.heading))
        }
        return drawing
    }

    var legend: [Legend.Entry] {
        (charts.allSatisfy { [.estimated, .simulated].contains($0.group.provenance) }
            ? [] : [.line("power", "mean power, measured")])
            + (charts.contains { $0.group.provenance == .estimated }
                ? [.line("power estimated", "estimated by a model")] : [])
            + (charts.contains { $0.group.provenance == .simulated } ? [.line("power simulated", "simulated")] : [])
            + [.line("idle-line", "idle power")]
    }

    let caption: [Markup] = [
        .text(
            "The line is the mean of the samples of the total’s meters, the band their minimum and maximum. "
                + "Shaded: loading, warm-up, and each repeat of the queries.")
    ]

    var data: [FigureData] {
        var rows: [[FigureData.Cell]] = []
        for chart in charts {
            for stretch in chart.trace.stretches {
                for bin in stretch.bins {
                    rows.append([
                        .name(chart.title), .provenance(chart.group.provenance),
                        .number(Double(stretch.run), shown: String(stretch.run)), .text(stretch.stage.rawValue),
                        stretch.repeatIndex.map { .number(Double($0), shown: String($0)) } ?? .none,
                        .number(bin.time - chart.trace.start), .number(bin.mean), .number(bin.minimum),
                        .number(bin.maximum),
                    ])
                }
            }
        }
        return [
            FigureData(
                caption: "Power over time",
                columns: [
                    .init(title: "workload", key: "workload", isNumber: false),
                    .init(title: "provenance", key: "provenance", isNumber: false),
                    .init(title: "run", key: "run", isNumber: true),
                    .init(title: "stage", key: "stage", isNumber: false),
                    .init(title: "repeat", key: "repeat", isNumber: true),
                    .init(title: "s", key: "time_s", isNumber: true),
                    .init(title: "mean W", key: "mean_w", isNumber: true),
                    .init(title: "minimum W", key: "min_w", isNumber: true),
                    .init(title: "maximum W", key: "max_w", isNumber: true),
                ], rows: rows)
        ]
    }
}
