import Core
import Foundation

/// One of our workloads on the plane, with what its device can do and what its precision lets be done.
struct PlaneRun: Sendable {
    /// As the table counts them.
    let number: Int
    let speed: ReportDigest.Speed
    let peak: DevicePeak?
    /// The settings and hashes that tell it from the others of its task; empty where nothing does.
    let difference: String
    /// Of one operand.
    let bits: Int
    /// Whether the run says its precision.
    let isSaid: Bool

    init(number: Int, speed: ReportDigest.Speed, peak: DevicePeak?, difference: String = "") {
        self.difference = difference
        self.number = number
        self.speed = speed
        self.peak = peak
        let said = speed.workload.precision.flatMap(OperandBits.of)
        bits = said ?? OperandBits.unsaid
        isSaid = said != nil
    }

    var title: String {
        "\(speed.workload.task.title), \(speed.workload.model ?? speed.workload.plugin)"
            + (difference.isEmpty ? "" : ", \(difference)")
    }
    /// Of the peak that it reached.
    var share: Double? { peak?.share(of: speed.gops) }
    /// How many times more efficient Landauer's bound for its bits is.
    var belowLandauer: Double { Landauer.gopsPerWatt(bits: bits) / speed.efficiency }

    /// 12 %; of very little more digits.
    static func percent(_ share: Double) -> String { "\(FigureNumber.three(share * 100)) %" }
}

/// Speed over power, both by decades: published accelerators by class, our runs among them and joined to what their devices can do,
/// lines of equal efficiency, Landauer's bound for the bits of each run's precision, and the brain as a region.
struct PlaneChart: Figure {
    let runs: [PlaneRun]
    let published: [Accelerator]

    private static let width = 960.0
    private static let height = 700.0
    static let plot = (left: 70.0, right: 930.0, top: 16.0, bottom: 640.0)
    /// Half the width of what is kept free around a mark.
    private static let markHalf = 6.0
    private static let runHalf = 8.0
    private static let peakHalf = 9.0
    /// How far from its star a number is put where there is no room beside it, the nearest first.
    private static let distances: [(Double, Double)] = [24.0, 48, 72, 96].flatMap { dx in
        stride(from: 0.0, through: 78, by: 13).flatMap { dy in [(dx, -dy), (dx, dy), (-dx, -dy), (-dx, dy)] }
    }
    /// The font of the accelerators' names in `report.css`, and 0.6 of it a letter.
    private static let nameLetter = 6.0

    init(speeds: [ReportDigest.Speed], published: [Accelerator], peaks: DevicePeaks? = nil) {
        let differences = Dictionary(grouping: speeds, by: \.workload.task).mapValues { speeds in
            RunDifferences(speeds.map { RunIdentity($0.workload) })
        }
        runs = speeds.filter(Self.isOn).enumerated().map { index, speed in
            PlaneRun(
                number: index + 1, speed: speed,
                peak: speed.fingerprint.flatMap { peaks?.peak(of: speed.workload, on: $0) },
                difference: differences[speed.workload.task]?.text(RunIdentity(speed.workload)) ?? "")
        }
        self.published = published
    }

    /// Whether a run has a place on it.
    static func isOn(_ speed: ReportDigest.Speed) -> Bool {
        speed.gops > 0 && speed.watts > 0 && speed.gops.isFinite && speed.watts.isFinite
    }

    /// The peaks of the runs' devices, each once.
    var peaks: [DevicePeak] {
        runs.compactMap(\.peak).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// What the bound is drawn for, the widest numbers first.
    var bits: [Int] { runs.isEmpty ? [OperandBits.unsaid] : Set(runs.map(\.bits)).sorted(by: >) }

    var watts: Scale {
        Scale.decades(
            published.map(\.watts) + runs.map(\.speed.watts) + peaks.compactMap(\.watts)
                + (Brain.span(.power).map { [$0.lowerBound, $0.upperBound] } ?? []),
            to: (Self.plot.left, Self.plot.right))
    }

    var gops: Scale {
        // High enough that the corner of Landauer's bound is on it.
        let corner = Landauer.gopsPerWatt(bits: bits.last ?? OperandBits.unsaid) * watts.domain.lowerBound * 4
        return Scale.decades(
            published.map(\.gops) + runs.map(\.speed.gops) + peaks.map(\.gops) + [corner],
            to: (Self.plot.bottom, Self.plot.top))
    }

    /// The picture, and what of it lies where.
    struct Layout {
        var drawing: Drawing
        var marks: [LabelPlacer.Box] = []
        /// What is written at fixed places.
        var fixed: [LabelPlacer.Box] = []
        var names: [(text: String, box: LabelPlacer.Box)] = []
    }

    var drawing: Drawing { layout.drawing }

    var layout: Layout {
        let (watts, gops) = (watts, gops)
        var layout = Layout(
            drawing: Drawing(
                id: "plane-chart", width: Self.width, height: Self.height,
                title: "Speed over power: our runs among published accelerators", description: summary))
        axes(watts, gops, &layout.drawing)
        brain(watts, gops, &layout)
        landauer(watts, gops, &layout)
        efficiencies(watts, gops, &layout)
        points(watts, gops, &layout)
        return layout
    }

    // MARK: Axes

    private func axes(_ watts: Scale, _ gops: Scale, _ drawing: inout Drawing) {
        for tick in watts.ticks {
            drawing.line(watts(tick), Self.plot.top, watts(tick), Self.plot.bottom, "grid")
            drawing.text(watts(tick), Self.plot.bottom + 18, FigureNumber.tick(tick), "tick", anchor: .middle)
        }
        for tick in gops.ticks {
            drawing.line(Self.plot.left, gops(tick), Self.plot.right, gops(tick), "grid")
            drawing.text(Self.plot.left - 8, gops(tick) + 4, FigureNumber.tick(tick), "tick", anchor: .end)
        }
        drawing.text((Self.plot.left + Self.plot.right) / 2, Self.height - 14, "power in W", "axis", anchor: .middle)
        drawing.add(
            Self.turned("speed in GOP/s", "axis", 16, (Self.plot.top + Self.plot.bottom) / 2, -90, anchor: .middle))
    }

    static func turned(
        _ text: String, _ style: String, _ x: Double, _ y: Double, _ degrees: Double, anchor: Drawing.Anchor
    ) -> Markup {
        let (x, y) = (Drawing.number(x), Drawing.number(y))
        return .element(
            "text",
            [
                "x": x, "y": y, "class": style, "text-anchor": anchor.rawValue,
                "transform": "rotate(\(Drawing.number(degrees)) \(x) \(y))",
            ], .text(text))
    }

    /// What a turned text covers, as boxes one behind the other along it.
    private static func boxes(
        _ text: String, _ letter: Double, _ x: Double, _ y: Double, _ degrees: Double, anchor: Drawing.Anchor
    ) -> [LabelPlacer.Box] {
        let length = Double(text.count) * letter
        let (dx, dy) = (cos(degrees * .pi / 180), sin(degrees * .pi / 180))
        let from =
            switch anchor {
            case .start: 0.0
            case .middle: -length / 2
            case .end: -length
            }
        // The middle of the letters is 4 units above the line that they stand on.
        return stride(from: from, through: from + length, by: 6).map { along in
            LabelPlacer.Box(around: x + dx * along + dy * 4, y + dy * along - dx * 4, half: 6)
        }
    }

    // MARK: Bounds

    /// The part of a line of equal efficiency that lies on the plane; `nil` where none does.
    static func ends(_ efficiency: Double, _ watts: Scale, _ gops: Scale) -> ((Double, Double), (Double, Double))? {
        let from = max(watts.domain.lowerBound, gops.domain.lowerBound / efficiency)
        let to = min(watts.domain.upperBound, gops.domain.upperBound / efficiency)
        guard from < to else { return nil }
        return ((watts(from), gops(from * efficiency)), (watts(to), gops(to * efficiency)))
    }

    static func efficiencyName(_ efficiency: Double) -> String {
        efficiency >= 1000
            ? "\(FigureNumber.tick(efficiency / 1000)) TOP/s/W" : "\(FigureNumber.tick(efficiency)) GOP/s/W"
    }

    private func efficiencies(_ watts: Scale, _ gops: Scale, _ layout: inout Layout) {
        for power in -3...8 {
            let efficiency = pow(10, Double(power))
            guard let (from, to) = Self.ends(efficiency, watts, gops) else { continue }
            layout.drawing.line(from.0, from.1, to.0, to.1, "efficiency")
            // Named where it leaves the plane, inside the edge.
            let isTop = to.1 <= Self.plot.top + 1
            let name = Self.efficiencyName(efficiency)
            let slope = atan2(to.1 - from.1, to.0 - from.0) * 180 / .pi
            let (x, y) = (to.0 - (isTop ? 6 : 4), to.1 + (isTop ? 12 : -3))
            let boxes = Self.boxes(name, 6.6, x, y, slope, anchor: .end)
            guard hypot(to.0 - from.0, to.1 - from.1) > 130,
                !boxes.contains(where: { box in layout.fixed.contains { $0.overlaps(box) } })
            else { continue }
            layout.drawing.add(Self.turned(name, "efficiency-name", x, y, slope, anchor: .end))
            layout.fixed += boxes
        }
    }

    private func landauer(_ watts: Scale, _ gops: Scale, _ layout: inout Layout) {
        let lines = bits.compactMap { bits in
            Self.ends(Landauer.gopsPerWatt(bits: bits), watts, gops).map { (bits: bits, from: $0.0, to: $0.1) }
        }
        guard let lowest = lines.first, let highest = lines.last else { return }
        layout.drawing.path(
            Drawing.path([highest.from, highest.to, (Self.plot.left, Self.plot.top), (Self.plot.left, highest.from.1)])
                + "Z", "beyond")
        for line in lines {
            layout.drawing.line(line.from.0, line.from.1, line.to.0, line.to.1, "landauer")
            // Below its line, for above it there is another one.
            let slope = atan2(line.to.1 - line.from.1, line.to.0 - line.from.0)
            let x = line.from.0 + 10 * cos(slope) - 12 * sin(slope)
            let y = line.from.1 + 10 * sin(slope) + 12 * cos(slope)
            let name = "\(line.bits) bits"
            layout.drawing.add(Self.turned(name, "landauer-name", x, y, slope * 180 / .pi, anchor: .start))
            layout.fixed += Self.boxes(name, 7.2, x, y, slope * 180 / .pi, anchor: .start)
        }
        let words =
            ["Landauer’s bound at \(FigureNumber.tick(Landauer.kelvin)) K,", "by the bits that an operation forgets:"]
            + lines.map { "\($0.bits): \(FigureNumber.scientific(Landauer.gopsPerWatt(bits: $0.bits))) GOP/s/W" }
        // Where no machine is: under the bound, at the side of little power.
        let x = Self.plot.left + 12
        for (index, word) in words.enumerated() {
            let y = lowest.from.1 + 40 + Double(index) * 15
            layout.drawing.text(x, y, word, "landauer-name")
            layout.fixed.append(
                LabelPlacer.Box(x: x, y: y - 12, width: Double(word.count) * 7.2, height: 15))
        }
    }

    /// A band as wide as what is said of its power and as high as what is said of its operations, as far as the plane reaches.
    private func brain(_ watts: Scale, _ gops: Scale, _ layout: inout Layout) {
        guard let power = Brain.span(.power), let operations = Brain.span(.operations) else { return }
        let (left, right) = (watts(power.lowerBound), watts(power.upperBound))
        let (top, bottom) = (gops(operations.upperBound / 1e9), gops(operations.lowerBound / 1e9))
        guard right > left, bottom > top else { return }
        let name =
            "the brain, \(FigureNumber.tick(power.lowerBound)) to \(FigureNumber.three(power.upperBound)) W: 10"
            + FigureText.superscript(Int(saturating: log10(operations.lowerBound)))
            + " to 10" + FigureText.superscript(Int(saturating: log10(operations.upperBound))) + " op/s"
        let (x, y) = ((left + right) / 2 + 4, top + 8)
        layout.drawing.add(
            .element(
                "g", ["class": "of-brain"], .element("title", [:], .text(brainText)),
                Drawing.rectangle(left, top, right - left, bottom - top, "brain"),
                Self.turned(name, "brain-name", x, y, -90, anchor: .end)))
        layout.fixed += Self.boxes(name, 6.6, x, y, -90, anchor: .end)
    }

    private var brainText: String {
        guard let power = Brain.span(.power), let operations = Brain.span(.operations) else { return "" }
        return "The human brain: \(FigureNumber.three(power.lowerBound)) to \(FigureNumber.three(power.upperBound)) W; "
            + "published estimates of its operations a second go from \(FigureNumber.scientific(operations.lowerBound)) to "
            + FigureNumber.scientific(operations.upperBound)
    }

    // MARK: Marks

    private func points(_ watts: Scale, _ gops: Scale, _ layout: inout Layout) {
        let peaks = peaks
        func place(_ peak: DevicePeak, _ run: PlaneRun) -> (x: Double, y: Double) {
            (watts(peak.watts ?? run.speed.watts), gops(peak.gops))
        }
        // A peak whose power nobody told stands over each of its runs.
        let tops = peaks.flatMap { peak in
            runs.filter { $0.peak == peak }.prefix(peak.watts == nil ? runs.count : 1).map { (peak, place(peak, $0)) }
        }
        layout.marks = published.map { LabelPlacer.Box(around: watts($0.watts), gops($0.gops), half: Self.markHalf) }
        layout.marks += runs.map {
            LabelPlacer.Box(around: watts($0.speed.watts), gops($0.speed.gops), half: Self.runHalf)
        }
        layout.marks += tops.map { LabelPlacer.Box(around: $0.1.x, $0.1.y, half: Self.peakHalf) }
        for run in runs {
            guard let peak = run.peak else { continue }
            let top = place(peak, run)
            let (x, y) = (watts(run.speed.watts), gops(run.speed.gops))
            layout.drawing.line(top.x, top.y, x, y, "reach")
            let steps = max(1, (hypot(x - top.x, y - top.y) / 6).rounded(.up))
            layout.fixed += stride(from: 0, through: 1, by: 1 / steps).map {
                LabelPlacer.Box(around: top.x + (x - top.x) * $0, top.y + (y - top.y) * $0, half: 2)
            }
        }
        for accelerator in published {
            layout.drawing.add(
                Self.ofClass(
                    accelerator,
                    [
                        .element("title", [:], .text(Self.tip(accelerator))),
                        Self.mark(accelerator.kind.symbol, watts(accelerator.watts), gops(accelerator.gops)),
                    ]))
        }
        for (peak, top) in tops {
            layout.drawing.add(
                .element(
                    "g", [:], .element("title", [:], .text(Self.tip(peak))),
                    Self.mark("peak \(peak.kind.rawValue)", top.x, top.y)))
        }
        for run in runs {
            layout.drawing.add(
                .element(
                    "g", [:], .element("title", [:], .text(Self.tip(run))),
                    Self.mark("ours \(run.speed.provenance.rawValue)", watts(run.speed.watts), gops(run.speed.gops))))
        }
        names(watts, gops, tops, &layout)
    }

    private func names(
        _ watts: Scale, _ gops: Scale, _ tops: [(DevicePeak, (x: Double, y: Double))], _ layout: inout Layout
    ) {
        let plot = Self.plot
        var placer = LabelPlacer(
            within: LabelPlacer.Box(
                x: plot.left, y: plot.top, width: plot.right - plot.left, height: plot.bottom - plot.top),
            around: layout.marks + layout.fixed)
        var written: [Markup] = []
        func name(_ text: String, _ style: String, _ x: Double, _ y: Double, _ letter: Double) -> Markup? {
            guard let label = placer.label(text, style, beside: x, y, letter: letter), let box = placer.taken.last
            else {
                return nil
            }
            layout.names.append((text, box))
            return label
        }
        /// Beside it; where there is no room further away, with a line to its own.
        func near(_ text: String, _ style: String, _ x: Double, _ y: Double, _ letter: Double) -> Bool {
            for (index, (dx, dy)) in ([(0, 0)] + Self.distances).enumerated() {
                guard let label = name(text, style, x + dx, y + dy, letter), let box = placer.taken.last else {
                    continue
                }
                if index > 0 {
                    layout.drawing.line(
                        x, y, box.x > x ? box.x - 2 : min(x, box.x + box.width + 2), box.y + box.height / 2, "leader")
                }
                written.append(label)
                return true
            }
            return false
        }
        // Ours are named first, so that the others give way.
        for run in runs {
            let (x, y) = (watts(run.speed.watts), gops(run.speed.gops))
            let share = run.share.map { ": \(PlaneRun.percent($0))" } ?? ""
            if !near("\(run.number)\(share)", "ours-name", x, y, 7.2) {
                _ = near(String(run.number), "ours-name", x, y, 7.2)
            }
        }
        for (peak, top) in tops { _ = near(Self.name(peak), "peak-name", top.x, top.y, 6.6) }
        // The most efficient of each class, then the rest while there is room, the latest first.
        let best = Accelerator.Kind.allCases.compactMap { kind in
            published.filter { $0.kind == kind }.max { $0.efficiency < $1.efficiency }
        }
        let rest = published.filter { !best.contains($0) }.sorted { ($1.year, $0.name) < ($0.year, $1.name) }
        for accelerator in best + rest {
            let (x, y) = (watts(accelerator.watts), gops(accelerator.gops))
            if let label = name(accelerator.name, "point-name", x, y, Self.nameLetter) {
                written.append(Self.ofClass(accelerator, [label]))
            }
        }
        for label in written { layout.drawing.add(label) }
    }

    /// What goes with its class where that is switched off, and with its year on the daemon's page.
    static func ofClass(_ accelerator: Accelerator, _ children: [Markup]) -> Markup {
        .element(
            "g",
            [
                "class": "of-\(accelerator.kind.symbol)", "data-class": accelerator.kind.symbol,
                "data-year": String(accelerator.year),
            ], children)
    }

    static func mark(_ style: String, _ x: Double, _ y: Double) -> Markup {
        .element("path", ["d": PlaneMark.path(style, x, y), "class": "mark \(style)"])
    }

    // MARK: Words

    private static func name(_ peak: DevicePeak) -> String {
        switch peak.kind {
        case .published: "\(peak.device): its peak"
        case .measured: "our product, \(peak.precision)"
        case .upperEstimate: "upper estimate, \(peak.precision)"
        }
    }

    private static func tip(_ accelerator: Accelerator) -> String {
        "\(accelerator.name), \(accelerator.kind.rawValue), \(accelerator.year), \(accelerator.precision): "
            + place(accelerator.gops, accelerator.watts)
    }

    private static func tip(_ peak: DevicePeak) -> String {
        let power = peak.watts.map { " at \(FigureNumber.three($0)) W" } ?? ", of unknown power"
        return "\(peak.device), \(peak.title): \(FigureNumber.three(peak.gops)) GOP/s\(power)"
    }

    private static func tip(_ run: PlaneRun) -> String {
        let share = run.share.map { ", \(PlaneRun.percent($0)) of its device’s peak" } ?? ""
        return "\(run.number): \(run.title), \(run.speed.provenance.rawValue): "
            + place(run.speed.gops, run.speed.watts) + share
    }

    private static func place(_ gops: Double, _ watts: Double) -> String {
        "\(FigureNumber.three(gops)) GOP/s at \(FigureNumber.three(watts)) W"
    }

    private var summary: String {
        let ours = runs.map { run in
            "\(run.title): \(Self.place(run.speed.gops, run.speed.watts))"
                + (run.share.map { ", \(PlaneRun.percent($0)) of the peak" } ?? "")
        }
        return "Ours: " + (ours.isEmpty ? "none with known operations" : ours.joined(separator: "; "))
            + ". Published: \(published.count) accelerators of "
            + Accelerator.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            + ". \(brainText). All are in the tables."
    }

    /// What is not switched: our marks, what they are joined to, and the bound.
    static let ownLegend: [Legend.Entry] = [
        .mark("ours measured", "ours, measured"), .mark("ours estimated", "ours, estimated"),
        .mark("ours simulated", "ours, simulated"), .mark("peak published", "peak, published"),
        .mark("peak measured", "peak, measured here"), .mark("peak upper-estimate", "peak, upper estimate"),
        .line("landauer", "Landauer’s bound"), .line("efficiency", "equal efficiency"),
    ]

    let legend: [Legend.Entry] = Accelerator.Kind.allCases.map { .mark($0.symbol, $0.rawValue) } + ownLegend

    let caption: [Markup] = [
        .text(
            "Stars: this record’s tasks, by their number in the table below: counted operations (a multiplication and an "
                + "addition are two) per second, and the mean power of the total’s scope with the idle power. A ring is the peak of "
                + "the device of a task; the line from it to the star is the share that the task reached, in percent. A published peak "
                + "is the maker’s, of the chip or card alone and at its own precision; a measured peak is that of a matrix product. "
                + "The other marks are peaks that makers and papers state. Diagonals: equal efficiency. "
                + "Landauer’s bound: k·T·ln 2 = \(FigureNumber.scientific(Landauer.joulesPerBit)) J a bit at "
                + "\(FigureNumber.tick(Landauer.kelvin)) K, for an operation that forgets one operand of the run’s precision. The "
                + "brain is a region, since published estimates of its operations differ by ten orders of magnitude and more."
        )
    ]
}
