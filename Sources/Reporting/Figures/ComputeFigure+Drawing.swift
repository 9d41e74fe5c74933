import Core
import Foundation

extension ComputeFigure {
    static let width = 960.0
    static let left = 70.0
    static let right = 930.0

    /// The part of the picture that has one axis of values.
    struct Panel {
        var title: String
        var unit: String
        var top: Double
        var bottom: Double
        var y: Scale

        init(_ title: String, unit: String, top: Double, height: Double, _ values: [Double]) {
            self.title = title
            self.unit = unit
            self.top = top
            bottom = top + height
            y = Scale.decades(values, to: (top + height, top))
        }

        /// Names of every so many decades, so that they stand apart.
        var step: Int { max(1, Int(saturating: (Double(y.ticks.count) * 17 / (bottom - top)).rounded(.up))) }
    }

    /// Training, inference, and energy where the record has any.
    var panels: (training: Panel, inference: Panel, energy: Panel?) {
        let first = Panel(
            "(a) Training of notable models", unit: "FLOP, whole training", top: 34, height: 390,
            training.map(\.operations))
        let second = Panel(
            "(b) One inference of published models\(own.isEmpty ? "" : ", and of this record’s")",
            unit: "operations, one inference", top: first.bottom + 84, height: 370,
            published.map(\.operations) + own.compactMap(\.operations))
        let measured = own.filter(\.isMeasured)
        guard !measured.isEmpty else { return (first, second, nil) }
        let third = Panel(
            "(c) \(isNet ? "Net energy" : "Energy") of one inference of this record’s models",
            unit: "J, one inference", top: second.bottom + 84, height: 190,
            measured.flatMap {
                [$0.joules, $0.joules + ($0.halfWidth ?? 0), max($0.joules - ($0.halfWidth ?? 0), $0.joules / 10)]
            }
                + Self.paper.map(\.joules))
        return (first, second, third)
    }

    var drawing: Drawing {
        let panels = panels
        let height = (panels.energy ?? panels.inference).bottom + 42
        var drawing = Drawing(
            id: "compute-chart", width: Self.width, height: height,
            title: "Compute over time: training and inference of published models, and this record’s models",
            description: summary)
        draw(panels.training, in: &drawing)
        let time = InferenceTime(own)
        draw(panels.inference, time, in: &drawing)
        if let energy = panels.energy { drawEnergy(energy, time, in: &drawing) }
        return drawing
    }

    private var summary: String {
        let trends = eras.map { "\($0.name): \($0.fit.text)" } + kinds.map { "\($0.kind.rawValue): \($0.fit.text)" }
        let models = own.enumerated().map { index, model in
            "\(index + 1), \(model.task), \(model.model): "
                + [
                    model.operations.map { "\(FigureNumber.three($0)) operations" },
                    model.isMeasured ? "\(FigureText.joules(model.joules)), \(model.provenance.rawValue)" : nil,
                ].compactMap(\.self).joined(separator: ", ")
        }
        return "Training, \(training.count) models, and inference, \(published.count) models, on axes of decades. "
            + trends.joined(separator: "; ") + ". This record’s: "
            + (models.isEmpty ? "none" : models.joined(separator: "; "))
            + ". All figures are in its tables and in its CSV."
    }

    // MARK: Axes

    private func frame(_ panel: Panel, _ parts: [ClosedRange<Double>], in drawing: inout Drawing) {
        drawing.text(Self.left, panel.top - 12, panel.title, "group")
        for (index, tick) in panel.y.ticks.enumerated() where index.isMultiple(of: panel.step) {
            for part in parts { drawing.line(part.lowerBound, panel.y(tick), part.upperBound, panel.y(tick), "grid") }
            drawing.text(Self.left - 8, panel.y(tick) + 4, FigureNumber.tick(tick), "tick", anchor: .end)
        }
        let middle = (panel.top + panel.bottom) / 2
        drawing.add(
            .element(
                "text",
                [
                    "x": "16", "y": Drawing.number(middle), "class": "axis", "text-anchor": "middle",
                    "transform": "rotate(-90 16 \(Drawing.number(middle)))",
                ], .text(panel.unit)))
    }

    private static func years(
        _ years: some Sequence<Int>, _ x: (Double) -> Double, _ panel: Panel, in drawing: inout Drawing
    ) {
        for year in years {
            drawing.line(x(Double(year)), panel.top, x(Double(year)), panel.bottom, "grid")
            drawing.text(x(Double(year)), panel.bottom + 17, String(year), "tick", anchor: .middle)
        }
    }

    /// A trend from its first date to its last, with its band.
    private static func draw(
        _ fit: ExponentialFit, _ style: String, hasBand: Bool, _ x: (Double) -> Double, _ y: Scale,
        in drawing: inout Drawing
    ) {
        let (first, last) = (fit.years.lowerBound, fit.years.upperBound)
        if hasBand {
            let steps = (0...24).map { first + (last - first) * Double($0) / 24 }
            let upper = steps.map { (x: x($0), y: y(fit.value(at: $0) * fit.factor(at: $0))) }
            let lower = steps.reversed().map { (x: x($0), y: y(fit.value(at: $0) / fit.factor(at: $0))) }
            drawing.path(Drawing.path(upper + lower) + "Z", "band \(style)")
        }
        drawing.path(
            Drawing.path([(x(first), y(fit.value(at: first))), (x(last), y(fit.value(at: last)))]), "trend \(style)")
    }

    /// What a trend covers, for names to keep off it.
    private static func boxes(
        _ fit: ExponentialFit, _ x: (Double) -> Double, _ y: Scale
    ) -> [LabelPlacer.Box] {
        let (first, last) = (fit.years.lowerBound, fit.years.upperBound)
        return (0...60).map { step in
            let year = first + (last - first) * Double(step) / 60
            return LabelPlacer.Box(around: x(year), y(fit.value(at: year)), half: 2.5)
        }
    }

    // MARK: Training

    /// Two steps of time: up to 2010 there are few models, and sixteen years with most of them would be a quarter of one axis.
    private struct TrainingTime {
        static let turn = 2010.0
        let early: Scale
        let late: Scale

        init(_ training: [TrainingRun]) {
            let years = training.map(\.year)
            let first = min(1950, ((years.min() ?? 1950) / 10).rounded(.down) * 10)
            early = Scale(first...Self.turn, to: (left, 330))
            late = Scale(Self.turn...max(2027, (years.max() ?? 2027).rounded(.up)), to: (350, right))
        }

        func callAsFunction(_ year: Double) -> Double { year < Self.turn ? early(year) : late(year) }
    }

    private func draw(_ panel: Panel, in drawing: inout Drawing) {
        let x = TrainingTime(training)
        let y = panel.y
        frame(panel, [x.early.range.from...x.early.range.to, x.late.range.from...x.late.range.to], in: &drawing)
        Self.years(
            stride(from: Int(saturating: x.early.domain.lowerBound), through: 2000, by: 10), x.early.callAsFunction,
            panel, in: &drawing)
        Self.years(
            stride(from: 2010, through: Int(saturating: x.late.domain.upperBound), by: 2), x.late.callAsFunction, panel,
            in: &drawing)
        drawing.text(x.early.range.to, panel.bottom + 34, "decades", "axis", anchor: .end)
        drawing.text(x.late.range.to, panel.bottom + 34, "years", "axis", anchor: .end)
        let styles = ["era-early", "era-late", "era-records"]
        let eras = eras
        for (era, style) in zip(eras, styles) {
            Self.draw(era.fit, style, hasBand: true, x.callAsFunction, y, in: &drawing)
        }
        var placer = LabelPlacer(
            within: .init(x: Self.left, y: panel.top, width: Self.right - Self.left, height: panel.bottom - panel.top),
            around: training.map { .init(around: x($0.year), y($0.operations), half: 4) }
                + eras.flatMap { Self.boxes($0.fit, x.callAsFunction, y) })
        let records = ComputeTrend.records(of: training)
        for run in training {
            drawing.add(
                ComputeMark.markup(
                    run.domain.style, x(run.year), y(run.operations), size: 3.1,
                    tip:
                        "\(run.model), \(run.domain.rawValue), \(run.date): \(FigureNumber.three(run.operations)) FLOP, \(run.confidence)"
                ))
        }
        for run in records {
            drawing.add(
                .element(
                    "circle",
                    [
                        "cx": Drawing.number(x(run.year)), "cy": Drawing.number(y(run.operations)), "r": "6.5",
                        "class": "record",
                    ]))
        }
        // The key of the lines stands where there were no such models yet.
        var line = panel.top + 16
        for (era, style) in zip(eras, styles) {
            drawing.line(Self.left + 8, line - 4, Self.left + 32, line - 4, "trend \(style)")
            drawing.text(Self.left + 38, line, era.name, "trend-name")
            drawing.text(Self.left + 38, line + 14, era.fit.text, "trend-name")
            line += 36
        }
        placer.take(.init(x: Self.left, y: panel.top, width: 262, height: line - panel.top))
        let domains = TrainingRun.Domain.allCases.filter { domain in training.contains { $0.domain == domain } }
        // Below the models of its years there are none that are notable.
        let corner = (x: Self.right - 360, y: panel.bottom - 4 * ComputeMark.keyHeight - 8)
        ComputeMark.drawKey(
            domains.map { .init(style: $0.style, text: $0.rawValue) }, at: corner.x, corner.y, rows: 4,
            columnWidth: 190,
            in: &drawing)
        placer.take(.init(x: corner.x, y: corner.y, width: 360, height: panel.bottom - corner.y))
        // The records of all time are named from the latest back, while there is room.
        let greatest = ComputeTrend.records(of: training, in: 0..<9999)
        let rest = records.filter { !greatest.contains($0) }
        for run in greatest.reversed() + rest.reversed() where run.model.count <= Self.longestName {
            if let label = placer.label(run.model, "model-name", beside: x(run.year), y(run.operations), letter: 5.4) {
                drawing.add(label)
            }
        }
    }

    /// In letters: a longer one says too little for the room that it takes.
    private static let longestName = 34

    // MARK: Inference and energy

    /// The axis of the lower panels, with room to its right where the record's models stand beside each other.
    struct InferenceTime {
        let scale: Scale
        let hasOwn: Bool
        /// Where the room ends.
        static let end = right
        /// Of six stars with numbers of two digits.
        private static let room = 200.0

        /// A clock that is wrong by decades is no reason to press all of it together.
        private static let latest = 2040.0

        init(_ own: [OwnModel]) {
            hasOwn = !own.isEmpty
            let last = own.compactMap(\.year).max() ?? 0
            scale = Scale(
                2012...min(max(2027, last.rounded(.up)), Self.latest), to: (left, hasOwn ? right - Self.room : right))
        }

        func callAsFunction(_ year: Double?) -> Double { scale(year ?? scale.domain.upperBound) }
    }

    private func drawTime(_ time: InferenceTime, _ panel: Panel, in drawing: inout Drawing) {
        frame(panel, [Self.left...Self.right], in: &drawing)
        let last = Int(saturating: time.scale.domain.upperBound)
        Self.years(
            stride(from: 2012, through: last, by: last > 2030 ? 2 : 1), time.scale.callAsFunction, panel, in: &drawing)
        if time.hasOwn { drawing.text(Self.right, panel.bottom + 17, "this record →", "axis", anchor: .end) }
        drawing.text((Self.left + time.scale.range.to) / 2, panel.bottom + 34, "year", "axis", anchor: .middle)
    }

    private func draw(_ panel: Panel, _ time: InferenceTime, in drawing: inout Drawing) {
        let y = panel.y
        drawTime(time, panel, in: &drawing)
        for (kind, fit) in kinds {
            Self.draw(fit, kind.style, hasBand: false, time.scale.callAsFunction, y, in: &drawing)
        }
        var placer = LabelPlacer(
            within: .init(x: Self.left, y: panel.top, width: Self.right - Self.left, height: panel.bottom - panel.top),
            around: published.map { .init(around: time($0.year), y($0.operations), half: 5) }
                + kinds.flatMap { Self.boxes($0.fit, time.scale.callAsFunction, y) })
        let key =
            kinds.map { kind, fit in
                ComputeMark.Entry(
                    style: kind.style, text: "\(kind.rawValue), \(kind.unit): \(fit.text)", hasLine: true)
            } + ownKey
        // The first years have no models that take so much.
        ComputeMark.drawKey(
            key, at: Self.left + 8, panel.top + 6, rows: key.count, columnWidth: 0, in: &drawing)
        placer.take(
            .init(
                x: Self.left, y: panel.top, width: 350, height: Double(key.count) * ComputeMark.keyHeight + 10))
        for model in published {
            drawing.add(
                ComputeMark.markup(
                    model.kind.style, time(model.year), y(model.operations), size: 3.8,
                    tip: "\(model.model), \(model.kind.rawValue), \(model.date), \(model.unit): "
                        + "\(FigureNumber.three(model.operations)) operations"))
        }
        let stars = own.map { model in
            model.operations.map { Star(x: time(model.year), y: y($0), low: nil, high: nil) }
        }
        for box in drawStars(stars, panel, in: &drawing) { placer.take(box) }
        for model in named {
            if let label = placer.label(
                model.model, "model-name", beside: time(model.year), y(model.operations), letter: 5.4)
            {
                drawing.add(label)
            }
        }
    }

    /// Of each kind those that took most and least, the first and the last, and each that took more than all before it.
    private var named: [InferenceCost] {
        var named: [InferenceCost] = []
        for kind in InferenceCost.Kind.allCases {
            let models = published.filter { $0.kind == kind }.sorted { $0.year < $1.year }
            var greatest = 0.0
            let records = models.filter { model in
                guard model.operations > greatest else { return false }
                greatest = model.operations
                return true
            }
            let ends = [
                models.max { $0.operations < $1.operations }, models.min { $0.operations < $1.operations },
                models.first,
                models.last,
            ].compactMap(\.self)
            for model in ends + records where !named.contains(model) { named.append(model) }
        }
        return named
    }

    /// The paper's means by task, at the day that it came out.
    static let paper: [(task: String, joules: Double)] = MLTask.paperTasks.compactMap { task in
        PaperTable.rows[task].map { (task.title, $0.mean * 3600) }
    }
    static let paperYear = 2023.91

    private func drawEnergy(_ panel: Panel, _ time: InferenceTime, in drawing: inout Drawing) {
        let y = panel.y
        drawTime(time, panel, in: &drawing)
        var placer = LabelPlacer(
            within: .init(x: Self.left, y: panel.top, width: Self.right - Self.left, height: panel.bottom - panel.top),
            around: Self.paper.map { .init(around: time(Self.paperYear), y($0.joules), half: 4) })
        ComputeMark.drawKey(
            ownKey + [.init(style: "paper", text: "means of Luccioni et al. 2023 (arXiv 2311.16863)")],
            at: Self.left + 8,
            panel.top + 6, rows: 5, columnWidth: 370, in: &drawing)
        for (task, joules) in Self.paper {
            drawing.add(
                ComputeMark.markup(
                    "paper", time(Self.paperYear), y(joules),
                    tip: "\(task), mean of Luccioni et al.: \(FigureText.joules(joules))"))
        }
        let stars = own.map { model in
            model.isMeasured
                ? Star(
                    x: time(model.year), y: y(model.joules),
                    low: model.halfWidth.map { y(max(model.joules - $0, y.domain.lowerBound)) },
                    high: model.halfWidth.map { y(model.joules + $0) }) : nil
        }
        for box in drawStars(stars, panel, in: &drawing) { placer.take(box) }
        for (task, joules) in Self.paper {
            if let label = placer.label(task, "model-name", beside: time(Self.paperYear), y(joules), letter: 5.4) {
                drawing.add(label)
            }
        }
    }

    // MARK: Stars

    /// A place of one of the record's models, before others push it aside.
    struct Star {
        var x: Double
        var y: Double
        /// Of the ends of its interval.
        var low: Double?
        var high: Double?
    }

    /// Where stars go so that none covers another: at their day, or to the right of it.
    static func places(_ stars: [Star?]) -> [LabelPlacer.Box?] {
        var taken: [LabelPlacer.Box] = []
        return stars.enumerated().map { index, star in
            guard let star else { return nil }
            // With the number beside it.
            let width = 18 + Double(String(index + 1).count) * 7
            let (top, bottom) = (min(star.y - 7, (star.high ?? star.y) - 2), max(star.y + 7, (star.low ?? star.y) + 2))
            var box = LabelPlacer.Box(x: star.x - 8, y: top, width: width, height: bottom - top)
            while let other = taken.first(where: { $0.overlaps(box) }) {
                // Where there is no room left they cover each other after all; the table has them.
                guard other.x + other.width + width <= InferenceTime.end else {
                    box.x = star.x - 8
                    break
                }
                box.x = other.x + other.width
            }
            taken.append(box)
            return box
        }
    }

    private func drawStars(_ stars: [Star?], _ panel: Panel, in drawing: inout Drawing) -> [LabelPlacer.Box] {
        let boxes = Self.places(stars)
        for (index, (star, box)) in zip(stars, boxes).enumerated() {
            guard let star, let box else { continue }
            let (model, x) = (own[index], box.x + 8)
            if let low = star.low, let high = star.high {
                let hasLow = low < panel.bottom - 0.5
                let caps: [(x: Double, y: Double)?] = ((hasLow ? [low] : []) + [high]).flatMap { end in
                    [(x - 4, end), (x + 4, end), nil] as [(x: Double, y: Double)?]
                }
                drawing.path(Drawing.path([(x, low), (x, high), nil] + caps), "whisker")
            }
            var tip = "\(index + 1): \(model.task), \(model.model), \(model.date)"
            if let operations = model.operations { tip += ", \(FigureNumber.three(operations)) operations" }
            if model.isMeasured {
                tip +=
                    ", \(FigureText.joules(model.joules))"
                    + (model.halfWidth.map { " ± \(FigureText.joules($0)) (95 %)" } ?? "")
                tip += ", \(model.scope.rawValue), \(model.provenance.rawValue)"
            }
            drawing.add(ComputeMark.markup(model.style, x, star.y, tip: tip))
            drawing.text(x + 8, star.y + 4, String(index + 1), "ours-name")
        }
        return boxes.compactMap(\.self)
    }
}
