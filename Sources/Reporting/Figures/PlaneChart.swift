import Core
import Foundation

/// Speed over power, both by decades: published accelerators by class, our runs among them, lines of equal efficiency, and
/// where Landauer's bound lies.
struct PlaneChart: Figure {
    let speeds: [ReportDigest.Speed]
    let published: [Accelerator]

    private static let width = 960.0
    private static let height = 680.0
    private static let plot = (left: 70.0, right: 930.0, top: 16.0, bottom: 620.0)

    /// Whether a run has a place on it.
    static func isOn(_ speed: ReportDigest.Speed) -> Bool {
        speed.gops > 0 && speed.watts > 0 && speed.gops.isFinite && speed.watts.isFinite
    }

    var drawing: Drawing {
        let watts = Scale.decades(
            published.map(\.watts) + speeds.map(\.watts), to: (Self.plot.left, Self.plot.right))
        // High enough that the corner of Landauer's bound is on it.
        let corner = Landauer.gopsPerWatt * watts.domain.lowerBound * 4
        let gops = Scale.decades(
            published.map(\.gops) + speeds.map(\.gops) + [corner], to: (Self.plot.bottom, Self.plot.top))
        var drawing = Drawing(
            id: "plane-chart", width: Self.width, height: Self.height,
            title: "Speed over power: our runs among published accelerators", description: summary)
        axes(watts, gops, &drawing)
        efficiencies(watts, gops, &drawing)
        landauer(watts, gops, &drawing)
        points(watts, gops, &drawing)
        return drawing
    }

    private func axes(_ watts: Scale, _ gops: Scale, _ drawing: inout Drawing) {
        for tick in watts.ticks {
            drawing.line(watts(tick), Self.plot.top, watts(tick), Self.plot.bottom, "grid")
            drawing.text(watts(tick), Self.plot.bottom + 18, FigureNumber.tick(tick), "tick", anchor: .middle)
        }
        for tick in gops.ticks {
            drawing.line(Self.plot.left, gops(tick), Self.plot.right, gops(tick), "grid")
            drawing.text(Self.plot.left - 8, gops(tick) + 4, FigureNumber.tick(tick), "tick", anchor: .end)
        }
        drawing.text(
            (Self.plot.left + Self.plot.right) / 2, Self.height - 14, "power in W", "axis", anchor: .middle)
        let middle = (Self.plot.top + Self.plot.bottom) / 2
        drawing.add(
            .element(
                "text",
                [
                    "x": "16", "y": Drawing.number(middle), "class": "axis", "text-anchor": "middle",
                    "transform": "rotate(-90 16 \(Drawing.number(middle)))",
                ], .text("speed in GOP/s")))
    }

    /// The part of a line of equal efficiency that lies on the plane; `nil` where none does.
    private func ends(_ efficiency: Double, _ watts: Scale, _ gops: Scale) -> ((Double, Double), (Double, Double))? {
        let from = max(watts.domain.lowerBound, gops.domain.lowerBound / efficiency)
        let to = min(watts.domain.upperBound, gops.domain.upperBound / efficiency)
        guard from < to else { return nil }
        return ((watts(from), gops(from * efficiency)), (watts(to), gops(to * efficiency)))
    }

    private func efficiencies(_ watts: Scale, _ gops: Scale, _ drawing: inout Drawing) {
        for power in -3...8 {
            let efficiency = pow(10, Double(power))
            guard let (from, to) = ends(efficiency, watts, gops) else { continue }
            drawing.line(from.0, from.1, to.0, to.1, "efficiency")
            // Named where it leaves the plane, inside the edge.
            let isTop = to.1 <= Self.plot.top + 1
            let name =
                power >= 3
                ? "\(FigureNumber.tick(efficiency / 1000)) TOP/s/W" : "\(FigureNumber.tick(efficiency)) GOP/s/W"
            let slope = atan2(to.1 - from.1, to.0 - from.0) * 180 / .pi
            let (x, y) = (to.0 - (isTop ? 6 : 4), to.1 + (isTop ? 12 : -3))
            guard hypot(to.0 - from.0, to.1 - from.1) > 130 else { continue }
            drawing.add(
                .element(
                    "text",
                    [
                        "x": Drawing.number(x), "y": Drawing.number(y), "class": "efficiency-name",
                        "text-anchor": "end",
                        "transform": "rotate(\(Drawing.number(slope)) \(Drawing.number(x)) \(Drawing.number(y)))",
                    ], .text(name)))
        }
    }

    private func landauer(_ watts: Scale, _ gops: Scale, _ drawing: inout Drawing) {
        guard let (from, to) = ends(Landauer.gopsPerWatt, watts, gops) else { return }
        drawing.path(
            Drawing.path([from, to, (Self.plot.left, Self.plot.top), (Self.plot.left, from.1)]) + "Z", "beyond")
        drawing.line(from.0, from.1, to.0, to.1, "landauer")
        drawing.text(
            from.0 + 14, from.1 + 14, "Landauer’s bound, \(FigureNumber.tick(Landauer.kelvin)) K:", "landauer-name")
        drawing.text(
            from.0 + 14, from.1 + 29,
            "\(FigureNumber.scientific(Landauer.gopsPerWatt)) GOP/s/W at \(FigureNumber.tick(Landauer.bitsPerOperation)) bits an operation",
            "landauer-name")
    }

    private func points(_ watts: Scale, _ gops: Scale, _ drawing: inout Drawing) {
        var placer = LabelPlacer(
            within: LabelPlacer.Box(
                x: Self.plot.left, y: Self.plot.top, width: Self.plot.right - Self.plot.left,
                height: Self.plot.bottom - Self.plot.top),
            around: published.map { LabelPlacer.Box(around: watts($0.watts), gops($0.gops), half: 6) }
                + speeds.map { LabelPlacer.Box(around: watts($0.watts), gops($0.gops), half: 8) })
        for accelerator in published {
            Self.mark(
                accelerator.kind.symbol, watts(accelerator.watts), gops(accelerator.gops),
                "\(accelerator.name), \(accelerator.kind.rawValue), \(accelerator.year), \(accelerator.precision): "
                    + "\(FigureNumber.three(accelerator.gops)) GOP/s at \(FigureNumber.three(accelerator.watts)) W",
                in: &drawing)
        }
        var labels: [Markup] = []
        // Ours are named first, so that theirs give way.
        for (index, speed) in speeds.enumerated() {
            let (x, y) = (watts(speed.watts), gops(speed.gops))
            Self.mark(
                "ours \(speed.provenance.rawValue)", x, y,
                "\(index + 1): \(speed.workload.task.title), \(speed.workload.model ?? speed.workload.plugin), "
                    + "\(speed.provenance.rawValue): \(FigureNumber.three(speed.gops)) GOP/s at "
                    + "\(FigureNumber.three(speed.watts)) W", in: &drawing)
            if let label = placer.label(String(index + 1), "ours-name", beside: x, y, letter: 7.2) {
                labels.append(label)
            }
        }
        // The most efficient of each class, then the rest while there is room.
        let best = Accelerator.Kind.allCases.compactMap { kind in
            published.filter { $0.kind == kind }.max { $0.efficiency < $1.efficiency }
        }
        for accelerator in best + published.filter({ !best.contains($0) }) {
            let (x, y) = (watts(accelerator.watts), gops(accelerator.gops))
            if let label = placer.label(accelerator.name, "point-name", beside: x, y, letter: 5.6) {
                labels.append(label)
            }
        }
        for label in labels { drawing.add(label) }
    }

    private static func mark(_ style: String, _ x: Double, _ y: Double, _ tip: String, in drawing: inout Drawing) {
        drawing.add(
            .element(
                "g", [:], .element("title", [:], .text(tip)),
                .element("path", ["d": PlaneMark.path(style, x, y), "class": "mark \(style)"])))
    }

    private var summary: String {
        let ours = speeds.map { speed in
            "\(speed.workload.task.title): \(FigureNumber.three(speed.gops)) GOP/s at \(FigureNumber.three(speed.watts)) W"
        }
        return "Ours: " + (ours.isEmpty ? "none with known operations" : ours.joined(separator: "; "))
            + ". Published: \(published.count) accelerators of "
            + Accelerator.Kind.allCases.map(\.rawValue).joined(separator: ", ") + "; all are in the table below."
    }

    let legend: [Legend.Entry] =
        Accelerator.Kind.allCases.map { .mark($0.symbol, $0.rawValue) } + [
            .mark("ours measured", "ours, measured"), .mark("ours estimated", "ours, estimated"),
            .mark("ours simulated", "ours, simulated"),
        ]

    let caption: [Markup] = [
        .text(
            "Stars: this record’s tasks, by their number in the table below: counted operations (a "
                + "multiplication and an addition are two) by time, and the mean power of the total’s scope, idle "
                + "power in it. The other marks are peaks that makers and papers state, of the chip or card alone "
                + "and at their own precision, so ours lie below what the same chip could claim. Diagonals: equal "
                + "efficiency. Landauer’s bound: k·T·ln 2 = "
                + "\(FigureNumber.scientific(Landauer.joulesPerBit)) J a bit at "
                + "\(FigureNumber.tick(Landauer.kelvin)) K, for an operation that forgets "
                + "\(FigureNumber.tick(Landauer.bitsPerOperation)) bits.")
    ]

    var data: [FigureData] { [ours, theirs] }

    private var ours: FigureData {
        FigureData(
            caption: "Our tasks on the plane",
            columns: [
                .init(title: "no.", key: "no", isNumber: false), .init(title: "task", key: "task", isNumber: false),
                .init(title: "model", key: "name", isNumber: false),
                .init(title: "GOP an inference", key: "gop_per_inference", isNumber: true),
                .init(title: "GOP/s", key: "gops", isNumber: true), .init(title: "W", key: "watts", isNumber: true),
                .init(title: "GOP/s/W", key: "gops_per_w", isNumber: true),
                .init(title: "times below Landauer", key: "times_below_landauer", isNumber: true),
                .init(title: "provenance", key: "provenance", isNumber: false),
            ],
            rows: speeds.enumerated().map { index, speed in
                [
                    .text(String(index + 1)), .name(speed.workload.task.title),
                    .name(speed.workload.model ?? speed.workload.plugin),
                    .number((speed.workload.operationsPerInference ?? 0) / 1e9), .number(speed.gops),
                    .number(speed.watts), .number(speed.efficiency),
                    .number(Landauer.gopsPerWatt / speed.efficiency), .provenance(speed.provenance),
                ]
            })
    }

    private var theirs: FigureData {
        FigureData(
            caption: "Published accelerators",
            columns: [
                .init(title: "name", key: "name", isNumber: false),
                .init(title: "class", key: "class", isNumber: false),
                .init(title: "year of the source", key: "year", isNumber: true),
                .init(title: "precision", key: "precision", isNumber: false),
                .init(title: "GOP/s", key: "gops", isNumber: true), .init(title: "W", key: "watts", isNumber: true),
                .init(title: "GOP/s/W", key: "gops_per_w", isNumber: true),
                .init(title: "source", key: "source", isNumber: false),
            ],
            rows: published.map { accelerator in
                [
                    .text(accelerator.name), .text(accelerator.kind.rawValue),
                    .number(Double(accelerator.year), shown: String(accelerator.year)), .text(accelerator.precision),
                    .number(accelerator.gops), .number(accelerator.watts), .number(accelerator.efficiency),
                    .text(accelerator.source),
                ]
            })
    }
}

extension Accelerator.Kind {
    /// The class of its mark in the style sheet: form and colour both tell it apart.
    var symbol: String {
        switch self {
        case .gpu: "gpu"
        case .fpga: "fpga"
        case .digital: "digital"
        case .mixedSignal: "mixed"
        case .tpu: "tpu"
        case .npu: "npu"
        }
    }
}

/// The outlines of the marks.
enum PlaneMark {
    /// One of ten corners, the first at the top.
    private static func onCircle(_ corner: Int, _ radius: Double) -> (Double, Double) {
        let angle: Double = Double(corner) * Double.pi / 5 - Double.pi / 2
        return (radius * cos(angle), radius * sin(angle))
    }

    static func path(_ style: String, _ x: Double, _ y: Double) -> String {
        func polygon(_ offsets: [(Double, Double)]) -> String {
            Drawing.path(offsets.map { (x + $0.0, y + $0.1) }) + "Z"
        }
        return switch style {
        case "gpu": polygon([(-4, -4), (4, -4), (4, 4), (-4, 4)])
        case "fpga": polygon([(0, -5.5), (5, 4), (-5, 4)])
        case "digital":
            polygon((0..<10).map { corner in onCircle(corner, 4.6) })
        case "mixed": polygon([(0, 5.5), (5, -4), (-5, -4)])
        case "tpu": polygon([(0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0)])
        case "npu":
            polygon([
                (-1.6, -5), (1.6, -5), (1.6, -1.6), (5, -1.6), (5, 1.6), (1.6, 1.6), (1.6, 5), (-1.6, 5), (-1.6, 1.6),
                (-5, 1.6), (-5, -1.6), (-1.6, -1.6),
            ])
        case "bound": polygon([(-6, 0), (6, -5), (6, 5)])
        case "fact": polygon((0..<10).map { corner in onCircle(corner, 4) })
        case "paper": polygon([(-5, -3), (5, -3), (5, 3), (-5, 3)])
        case "training": polygon([(6, 0), (-5, -5), (-5, 5)])
        // A star of five points.
        default:
            polygon((0..<10).map { corner in onCircle(corner, corner.isMultiple(of: 2) ? 7.5 : 3.2) })
        }
    }
}
