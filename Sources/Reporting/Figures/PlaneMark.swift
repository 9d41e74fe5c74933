import Foundation

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
        case "gpu", "earlier": polygon([(-4, -4), (4, -4), (4, 4), (-4, 4)])
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
        // Of the axis of energies.
        case "bound": polygon([(-6, 0), (6, -5), (6, 5)])
        case "fact": polygon((0..<10).map { corner in onCircle(corner, 4) })
        case "paper": polygon([(-5, -3), (5, -3), (5, 3), (-5, 3)])
        case "training": polygon([(6, 0), (-5, -5), (-5, 5)])
        // A ring.
        case _ where style.hasPrefix("peak"):
            "M\(Drawing.number(x - 6)) \(Drawing.number(y))a6 6 0 1 0 12 0a6 6 0 1 0 -12 0Z"
        // A star of five points.
        default:
            polygon((0..<10).map { corner in onCircle(corner, corner.isMultiple(of: 2) ? 7.5 : 3.2) })
        }
    }
}
