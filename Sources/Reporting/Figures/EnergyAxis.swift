import Core
import Foundation

/// Every energy on one axis of decades, from a bit at Landauer's bound to the training of a large model: ours among what others have
/// published, and below it ours again, as far apart as they are.
struct EnergyAxis: Figure {
    /// One line of the picture.
    struct Entry: Sendable, Hashable {
        enum Group: String, Sendable, Hashable {
            case bound, operation, inference, everyday, training
            case ours = "ours"
            case oursEach = "ours, one by one"
        }

        var name: String
        var group: Group
        /// In joules: the least and the greatest of several, or the ends of the 95 % interval.
        var range: ClosedRange<Double>
        var joules: Double
        /// What its numbers are, beside the name.
        var text: String
        /// The class of its filling or mark.
        var style: String
        var provenance: Provenance?
        var scope: TotalScope?
        var precision: String?
        var year: String
        var sum: String
        var source: String
    }

    let table: TableReport
    let spent: [ReportDigest.Spent: Double]
    /// How many suites the spent energy is of.
    let suites: Int
    var marks = EnergyMark.published
    var accelerators = Accelerator.published

    private static let width = 960.0
    private static let plot = (left: 24.0, right: 936.0)
    /// Of the larger part, whose names stand beside it.
    private static let near = (left: 380.0, right: 760.0)
    private static let line = 19.0
    /// More lines of our own than anybody compares by eye; the table has them all.
    static let mostRows = 40

    /// What has a place on an axis: a hundred decades around all that there is.
    private static let drawable = 1e-30...1e30

    // MARK: What is drawn

    /// The whole axis, the least first.
    var overview: [Entry] {
        (marks.map(Self.entry) + perClass + perInference + operations + inferences + suitesSpent)
            .filter { Self.drawable.contains($0.joules) }
            .sorted { ($0.joules, $0.name) < ($1.joules, $1.name) }
    }

    private static func entry(_ mark: EnergyMark) -> Entry {
        Entry(
            name: mark.name, group: Entry.Group(rawValue: mark.kind.rawValue) ?? .everyday,
            range: mark.joules...mark.joules, joules: mark.joules,
            text: "\(FigureText.joules(mark.joules)) (\(mark.year))",
            style: mark.kind == .bound ? "bound" : mark.kind == .training ? "training" : "fact",
            year: String(mark.year),
            sum: mark.sum, source: mark.source)
    }

    /// An operation at its maker's peak, by class: from the most efficient part to the least.
    private var perClass: [Entry] {
        Accelerator.Kind.allCases.compactMap { kind in
            let all = accelerators.filter { $0.kind == kind }.sorted { $0.efficiency > $1.efficiency }
            guard let best = all.first, let worst = all.last else { return nil }
            let (least, most) = (1e-9 / best.efficiency, 1e-9 / worst.efficiency)
            return Entry(
                name: "an operation of \(kind.article) \(kind.rawValue) at its peak", group: .operation,
                range: least...max(least, most),
                joules: least,
                text: "\(FigureText.joules(least)) (\(best.name), \(best.precision)) to \(FigureText.joules(most))",
                style: kind.symbol, precision: best.precision,
                year: "\(all.map(\.year).min() ?? 0)–\(all.map(\.year).max() ?? 0)",
                sum: "W ÷ (GOP/s × 10⁹) of \(all.count) parts",
                source: "the published accelerators of `taskwatt figure plane`")
        }
    }

    private var perInference: [Entry] {
        let means = PaperTable.rows.sorted { $0.value.mean < $1.value.mean }
        guard let least = means.first, let most = means.last else { return [] }
        return [least, most].map { task, row in
            let joules = row.mean * 3600
            return Entry(
                name: "an inference of the paper: \(task.title)", group: .inference, range: joules...joules,
                joules: joules,
                text: "\(FigureText.joules(joules)) (2023)", style: "paper", year: "2023",
                sum: "\(FigureNumber.three(row.mean)) kWh per 1,000",
                source: "Luccioni et al. 2023 (arXiv 2311.16863), from its logs")
        }
    }

    private var hasScopes: Bool { Set(table.rows.map(\.scope)).count > 1 }

    private func words(_ row: TableReport.Row) -> String {
        var words = [row.title, row.models.joined(separator: ", ")]
        if let size = row.size, size != "full" { words.append(size) }
        if hasScopes { words.append(row.scope.rawValue) }
        let difference = table.difference(row)
        if !difference.isEmpty { words.append(difference) }
        return words.joined(separator: " · ")
    }

    private static let joulesOfOne = TableReport.joulesOfInference

    /// Our rows that have a place on the axis, with their joules per inference.
    private var placed: [(row: TableReport.Row, joules: Double)] {
        table.rows.map { ($0, $0.mean * Self.joulesOfOne) }.filter { Self.drawable.contains($0.1) }
    }

    /// Of ours alone what was measured is apart from what was estimated.
    private func ranges(
        _ name: String, _ values: [(provenance: Provenance, scope: TotalScope, joules: Double)], _ sum: String
    ) -> [Entry] {
        struct Key: Hashable {
            var provenance: Provenance
            var scope: TotalScope
        }
        return Dictionary(grouping: values.filter { Self.drawable.contains($0.joules) }) {
            Key(provenance: $0.provenance, scope: $0.scope)
        }
        .compactMap { key, values in
            guard let least = values.map(\.joules).min(), let most = values.map(\.joules).max() else { return nil }
            let text =
                least == most
                ? FigureText.joules(least) : "\(FigureText.joules(least)) to \(FigureText.joules(most))"
            return Entry(
                name: name, group: .ours, range: least...most, joules: least,
                text: "\(text), \(key.scope.rawValue), \(key.provenance.rawValue)", style: key.provenance.rawValue,
                provenance: key.provenance, scope: key.scope, year: years, sum: sum, source: "this record")
        }
    }

    private var years: String {
        let days = table.rows.flatMap { [$0.firstDay, $0.lastDay] }.filter { !$0.isEmpty }.map { $0.prefix(4) }
        guard let first = days.min(), let last = days.max() else { return "" }
        return first == last ? String(first) : "\(first)–\(last)"
    }

    private func ours(_ name: String) -> String {
        "our \(name)\(table.rows.count == 1 ? "" : "s")\(table.isNet ? ", net" : "")"
    }

    private var operations: [Entry] {
        ranges(
            ours("operation"),
            table.rows.compactMap { row in
                let cost = table.isNet ? row.operation?.netJoulesPerGop : row.operation?.joulesPerGop
                return cost.map { (row.provenance, row.scope, $0 / 1e9) }
            }, "energy ÷ counted operations, of all runs of a row")
    }

    private var inferences: [Entry] {
        ranges(
            ours("inference"),
            placed.map { ($0.row.provenance, $0.row.scope, $0.joules) }, "the means of the table")
    }

    private var suitesSpent: [Entry] {
        spent.sorted {
            ($0.key.provenance.rank, $0.key.scope.rawValue) < ($1.key.provenance.rank, $1.key.scope.rawValue)
        }
        .flatMap { kind, joules in
            ranges(
                (suites == 1 ? "this suite" : "these \(suites) suites") + (table.isNet ? ", gross" : ""),
                [(kind.provenance, kind.scope, joules)],
                "all windows, idle baselines, loading and warm-up included")
        }
    }

    /// Each of our rows with its interval.
    var rows: [Entry] {
        placed.prefix(Self.mostRows).map { row, joules in
            let half = (row.uncertainty ?? 0) * Self.joulesOfOne
            let interval = row.uncertainty == nil ? "" : " ± \(FigureText.joules(half))"
            return Entry(
                name: words(row), group: .oursEach,
                range: max(joules - half, Self.drawable.lowerBound)...(joules + half),
                joules: joules,
                text: "\(FigureText.joules(joules))\(interval) \(row.provenance.rawValue)",
                style: row.provenance.rawValue, provenance: row.provenance, scope: row.scope,
                precision: row.setup["precision"], year: String(row.lastDay.prefix(4)),
                sum: "\(FigureNumber.three(row.mean)) \(table.isNet ? "net " : "")kWh per 1,000 inferences",
                source: "this record")
        }
    }

    // MARK: The picture

    var drawing: Drawing {
        let (overview, rows) = (overview, rows)
        let top = 50.0
        let bottom = top + Double(overview.count) * Self.line + 8
        let lens = bottom + 74
        let height = rows.isEmpty ? bottom + 56 : lens + Double(rows.count) * Self.line + 64
        var drawing = Drawing(
            id: "axis-chart", width: Self.width, height: height,
            title: "Energy on one axis, from a bit at Landauer’s bound to the training of GPT-4",
            description: (overview + rows).map { "\($0.name): \($0.text)." }.joined(separator: " "))
        let all = Scale.decades(overview.flatMap { [$0.range.lowerBound, $0.range.upperBound] }, to: Self.plot)
        Self.axes(all, top, bottom, every: 3, &drawing)
        for (index, entry) in overview.enumerated() {
            Self.draw(entry, at: top + 6 + Double(index) * Self.line, on: all, &drawing)
        }
        if !rows.isEmpty {
            let near = Scale.decades(
                rows.flatMap { [max($0.range.lowerBound, $0.joules / 10), $0.range.upperBound] }, to: Self.near)
            let (from, to) = (all(near.domain.lowerBound), all(near.domain.upperBound))
            // The part of the axis above that is drawn larger below.
            drawing.path(
                Drawing.path([
                    (from, bottom + 24), (to, bottom + 24), (Self.near.right, lens - 22), (Self.near.left, lens - 22),
                ]) + "Z", "lens")
            drawing.text(Self.plot.left, lens - 28, "\(ours("inference")), larger:", "axis")
            Self.axes(near, lens, lens + Double(rows.count) * Self.line + 8, every: 1, &drawing)
            for (index, entry) in rows.enumerated() {
                Self.drawNear(entry, at: lens + 6 + Double(index) * Self.line, on: near, &drawing)
            }
        }
        let without = table.rows.count - placed.count
        if without > 0 {
            drawing.text(
                Self.plot.left, height - 6,
                "\(without) of our \(table.rows.count) rows have no place on the axis: their \(table.isNet ? "net " : "")energy is not above zero",
                "axis")
        }
        return drawing
    }

    private static func axes(_ scale: Scale, _ top: Double, _ bottom: Double, every: Int, _ drawing: inout Drawing) {
        for tick in scale.ticks {
            let power = Int(saturating: log10(tick).rounded())
            let isNamed = power.isMultiple(of: every)
            drawing.line(scale(tick), top, scale(tick), bottom, isNamed ? "rule" : "grid")
            let anchor: Drawing.Anchor =
                scale(tick) < plot.left + 16 ? .start : scale(tick) > plot.right - 16 ? .end : .middle
            if isNamed { drawing.text(scale(tick), bottom + 15, Self.named(tick), "tick", anchor: anchor) }
        }
        // In kWh above, for 3.6 MJ are no power of ten.
        for (wattHours, name) in [
            (1e-6, "µWh"), (1e-3, "mWh"), (1, "Wh"), (1e3, "kWh"), (1e6, "MWh"), (1e9, "GWh"), (1e12, "TWh"),
        ] where scale.domain.contains(wattHours * 3600) {
            let x = scale(wattHours * 3600)
            drawing.line(x, top - 8, x, top, "rule")
            drawing.text(x, top - 13, "1 \(name)", "tick", anchor: x > plot.right - 20 ? .end : .middle)
        }
    }

    /// A power of ten: `1 pJ`, `100 kJ`.
    private static func named(_ tick: Double) -> String {
        FigureText.joules(tick).replacing(".00", with: "").replacing(".0", with: "")
    }

    /// What a line is of, for those who point at it.
    private static func tip(_ entry: Entry) -> Markup {
        .element("title", [:], .text("\(entry.name): \(entry.text); \(entry.sum); \(entry.source), \(entry.year)"))
    }

    private static func draw(_ entry: Entry, at y: Double, on scale: Scale, _ drawing: inout Drawing) {
        let middle = y + line / 2 - 2
        var (from, to) = (scale(entry.range.lowerBound), scale(entry.range.upperBound))
        let isBar = entry.provenance != nil
        // Narrower the hatching is not seen.
        let least = 10.0
        if to - from < least, isBar { (from, to) = ((from + to - least) / 2, (from + to + least) / 2) }
        var shapes = [tip(entry)]
        if isBar {
            shapes.append(Drawing.rectangle(from, middle - 5, to - from, 10, "bar \(entry.style)"))
        } else {
            if to > from {
                shapes.append(.element("path", ["d": Drawing.path([(from, middle), (to, middle)]), "class": "parts"]))
            }
            shapes.append(
                .element("path", ["d": PlaneMark.path(entry.style, from, middle), "class": "mark \(entry.style)"]))
        }
        drawing.add(.element("g", [:], shapes))
        // Beside it, on the side where there is more room.
        let (left, right) = (from - (isBar ? 0 : 6), max(to, from + (isBar ? 0 : 6)))
        let isLeft = left - plot.left > plot.right - right
        let room = (isLeft ? left - plot.left : plot.right - right) - 8
        let text = TextWidth.short("\(entry.name): \(entry.text)", in: room, isBold: isBar)
        drawing.text(
            isLeft ? left - 8 : right + 8, middle + 4, text, isBar ? "axis-name own" : "axis-name",
            anchor: isLeft ? .end : .start)
    }

    /// One of ours, as wide as its interval is.
    private static func drawNear(_ entry: Entry, at y: Double, on scale: Scale, _ drawing: inout Drawing) {
        let middle = y + line / 2 - 2
        let (from, to) = (scale(entry.range.lowerBound), scale(entry.range.upperBound))
        let x = scale(entry.joules)
        drawing.add(
            .element(
                "g", [:], tip(entry), Drawing.rectangle(from, middle - 5, max(2, to - from), 10, "bar \(entry.style)"),
                .element("path", ["d": Drawing.path([(x, middle - 8), (x, middle + 8)]), "class": "halo"]),
                .element("path", ["d": Drawing.path([(x, middle - 8), (x, middle + 8)]), "class": "whisker"])))
        drawing.text(
            near.left - 10, middle + 4, TextWidth.short(entry.name, in: near.left - 10 - plot.left), "axis-name",
            anchor: .end)
        drawing.text(
            max(to, x) + 8, middle + 4, TextWidth.short(entry.text, in: plot.right - max(to, x) - 8), "axis-name")
    }

    var legend: [Legend.Entry] {
        let own = Set((overview + rows).compactMap(\.provenance))
        return [.mark("bound", "a bound"), .mark("fact", "published, or by definition")]
            + Accelerator.Kind.allCases.map { .mark($0.symbol, $0.rawValue) } + [.mark("paper", "the paper")]
            + [.mark("training", "training, as claimed or estimated")]
            + (own.isSubset(of: [.estimated, .simulated]) ? [] : [.bar("measured", "ours, measured")])
            + (own.contains(.estimated) ? [.bar("estimated", "ours, estimated by a model")] : [])
            + (own.contains(.simulated) ? [.bar("simulated", "ours, simulated")] : [])
    }

    var caption: [Markup] {
        let more = placed.count - min(placed.count, Self.mostRows)
        return [
            .text(
                "Each step is a factor of ten. Ours: the energy of an inference, of its counted operations, and of the whole suite, "
                    + "separately for each scope and provenance; below, each row of the table with its 95 % interval, which "
                    + "runs to the edge if it reaches below zero. "
                    + (more > 0 ? "The first \(Self.mostRows) rows are drawn; \(more) more are in the table. " : "")
                    + "Operations of a class of accelerator are at the peak and power that the makers state, from the most "
                    + "to the least efficient part. GPT-4’s training is as claimed; OpenAI has published nothing: 25,000 A100 are "
                    + "3,125 servers of eight, which at 6.5 kW for 100 days use 48.75 GWh. The article with the 50 GWh "
                    + "says 6.5 kW “each”, which for 25,000 cards would be 390 GWh. It also gives a person’s food as "
                    + "8.5 × 10⁻⁵ GWh a year, a tenth of the true value: 2,000 kcal a day are 8.49 × 10⁻⁴ GWh.")
        ]
    }

    var data: [FigureData] {
        let rows = (overview + rows).map { entry -> [FigureData.Cell] in
            func energy(_ joules: Double) -> FigureData.Cell { .number(joules, shown: FigureText.joules(joules)) }
            // Of several there is no one value; of an interval the picture ends where the axis does, and the number does not.
            let isSeveral = entry.group != .oursEach && entry.range.lowerBound < entry.range.upperBound
            let low = entry.group == .oursEach ? 2 * entry.joules - entry.range.upperBound : entry.range.lowerBound
            return [
                .name(entry.name), .text(entry.group.rawValue), isSeveral ? .none : energy(entry.joules), energy(low),
                energy(entry.range.upperBound), entry.scope.map { .text($0.rawValue) } ?? .none,
                entry.provenance.map { .provenance($0) } ?? .none, entry.precision.map { .name($0) } ?? .none,
                .text(entry.year), .name(entry.sum), .text(entry.source),
            ]
        }
        return [
            FigureData(
                caption: "Every energy of the axis, with its source",
                columns: [
                    .init(title: "energy of", key: "name", isNumber: false),
                    .init(title: "kind", key: "kind", isNumber: false),
                    .init(title: "energy", key: "joules", isNumber: true),
                    .init(title: "from", key: "low_joules", isNumber: true),
                    .init(title: "to", key: "high_joules", isNumber: true),
                    .init(title: "scope", key: "scope", isNumber: false),
                    .init(title: "provenance", key: "provenance", isNumber: false),
                    .init(title: "precision", key: "precision", isNumber: false),
                    .init(title: "year", key: "year", isNumber: false),
                    .init(title: "calculation", key: "sum", isNumber: false),
                    .init(title: "source", key: "source", isNumber: false),
                ], rows: rows)
        ]
    }
}

extension Accelerator.Kind {
    /// As its name is spoken.
    fileprivate var article: String { self == .fpga || self == .npu ? "an" : "a" }
}
