import Core
import Foundation

/// Power over time of one workload, its stages shaded and named.
struct PowerChart {
    let group: WorkloadGroup
    let trace: PowerTrace
    /// The axis's end, the same for all charts of a suite so that they compare by eye.
    let greatest: Double
    /// The settings and hashes that tell its workload from the others of its task; empty where nothing does.
    var difference = ""

    var title: String { group.title + (difference.isEmpty ? "" : ", \(difference)") }

    static let width = 480.0
    static let height = 194.0
    private static let plot = (left: 46.0, right: 470.0, top: 34.0, bottom: 158.0)

    var drawing: Drawing {
        let time = Scale(0...max(trace.end - trace.start, 1e-3), to: (Self.plot.left, Self.plot.right))
        let power = Scale.fromZero(greatest, to: (Self.plot.bottom, Self.plot.top))
        var drawing = Drawing(
            id: "power-\(group.windows.first?.id ?? 0)", width: Self.width, height: Self.height,
            title: "Power over time: \(title)", description: summary)
        shade(time, &drawing)
        for tick in power.ticks {
            drawing.line(Self.plot.left, power(tick), Self.plot.right, power(tick), "grid")
            drawing.text(Self.plot.left - 5, power(tick) + 4, FigureNumber.tick(tick), "tick", anchor: .end)
        }
        drawing.text(Self.plot.left - 5, Self.plot.top - 12, "W", "axis", anchor: .end)
        for tick in time.ticks {
            drawing.line(time(tick), Self.plot.bottom, time(tick), Self.plot.bottom + 4, "rule")
            drawing.text(time(tick), Self.plot.bottom + 16, FigureNumber.tick(tick), "tick", anchor: .middle)
        }
        drawing.text(Self.plot.right, Self.height - 4, "seconds since the first window", "axis", anchor: .end)
        draw(time, power, &drawing)
        drawIdle(power, &drawing)
        return drawing
    }

    /// A band for each window. A narrow one is named above, on a line of its own, if there is room.
    private func shade(_ time: Scale, _ drawing: inout Drawing) {
        var free = Self.plot.left
        for (index, stretch) in trace.stretches.enumerated() {
            let x = time(stretch.window.start.seconds - trace.start)
            let width = max(1.5, time(stretch.window.end.seconds - trace.start) - x)
            // Queries alternate, so that one repeat can be told from the next.
            let isOdd = stretch.stage == .query && (stretch.repeatIndex ?? index).isMultiple(of: 2)
            drawing.rectangle(
                x, Self.plot.top, width, Self.plot.bottom - Self.plot.top,
                "stage \(stretch.stage.rawValue)\(isOdd ? " odd" : "")")
            let name = Self.name(stretch)
            let needed = Double(name.count) * 5.8 + 6
            let digits = stretch.repeatIndex.map { String($0) } ?? ""
            if needed <= width {
                drawing.text(x + width / 2, Self.plot.top - 5, name, "stage-name", anchor: .middle)
            } else if stretch.stage == .query {
                guard !digits.isEmpty, Double(digits.count) * 6 + 2 <= width else { continue }
                drawing.text(x + width / 2, Self.plot.top - 5, digits, "stage-name", anchor: .middle)
            } else if free - x < 80 {
                // Beside the name before it, with a line that leads to the band.
                let left = max(x, free)
                let leader = [(left + 3, Self.plot.top - 13), (x + width / 2, Self.plot.top - 2)]
                drawing.path(Drawing.path(leader), "leader")
                drawing.text(left, Self.plot.top - 16, name, "stage-name")
                free = left + needed
            }
        }
    }

    private static func name(_ stretch: PowerTrace.Stretch) -> String {
        stretch.repeatIndex.map { "\(stretch.stage.rawValue) \($0)" } ?? stretch.stage.rawValue
    }

    /// The band from the minimum to the maximum, and the mean in it.
    private func draw(_ time: Scale, _ power: Scale, _ drawing: inout Drawing) {
        let style = trace.stretches.isEmpty ? "" : group.provenance.rawValue
        for stretch in trace.stretches where !stretch.bins.isEmpty {
            func point(_ bin: PowerTrace.Bin, _ value: Double) -> (x: Double, y: Double) {
                (time(bin.time - trace.start), power(value))
            }
            let upper = stretch.bins.map { point($0, $0.maximum) }
            let lower = stretch.bins.reversed().map { point($0, $0.minimum) }
            if stretch.bins.count > 1 {
                drawing.path(Drawing.path(upper + lower) + "Z", "spread \(style)")
                drawing.path(Drawing.path(stretch.bins.map { point($0, $0.mean) }), "power \(style)")
            } else if let only = stretch.bins.first {
                let (x, y) = point(only, only.mean)
                drawing.path(Drawing.path([(x - 1.5, y), (x + 1.5, y)]), "power \(style)")
            }
        }
    }

    private func drawIdle(_ power: Scale, _ drawing: inout Drawing) {
        guard let idle = group.idleWatts, idle <= power.domain.upperBound, idle >= 0 else { return }
        drawing.line(Self.plot.left, power(idle), Self.plot.right, power(idle), "idle-line")
        drawing.text(
            Self.plot.left, Self.height - 4, "dotted: idle, \(FigureNumber.three(idle)) W", "axis")
    }

    private var summary: String {
        let windows = group.windows.map { window in
            let watts = window.meanWatts.map { "\(FigureNumber.three($0)) W" } ?? "no power"
            return "\(window.name): \(DurationText.figure(window.seconds)), \(watts)"
        }
        let shown = windows.prefix(20).joined(separator: "; ")
        let more = windows.count > 20 ? "; and \(windows.count - 20) more" : ""
        return "\(group.provenance.rawValue), scope \(group.scope.rawValue). Mean power by window: \(shown)\(more)."
    }
}
