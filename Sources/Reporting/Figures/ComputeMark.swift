import Foundation

/// The marks of compute over time: each class has a form of its own, so that it is told apart without colours.
enum ComputeMark {
    /// - Parameter style: the class in the style sheet.
    static func path(_ style: String, _ x: Double, _ y: Double, size r: Double = 4) -> String {
        func polygon(_ offsets: [(Double, Double)]) -> String {
            Drawing.path(offsets.map { (x + $0.0 * r, y + $0.1 * r) }) + "Z"
        }
        func regular(_ corners: Int, radius: (Int) -> Double = { _ in 1 }) -> String {
            polygon(
                (0..<corners).map { corner in
                    let angle = 2 * Double.pi * Double(corner) / Double(corners) - Double.pi / 2
                    return (radius(corner) * cos(angle), radius(corner) * sin(angle))
                })
        }
        /// A plus sign, or turned by 45° a cross.
        func arms(turned: Bool) -> String {
            let outline: [(Double, Double)] = [
                (-0.35, -1.15), (0.35, -1.15), (0.35, -0.35), (1.15, -0.35), (1.15, 0.35), (0.35, 0.35), (0.35, 1.15),
                (-0.35, 1.15), (-0.35, 0.35), (-1.15, 0.35), (-1.15, -0.35), (-0.35, -0.35),
            ]
            let half = 0.5.squareRoot()
            return polygon(turned ? outline.map { (half * ($0.0 - $0.1), half * ($0.0 + $0.1)) } : outline)
        }
        return switch style {
        case "language": regular(12)
        case "vision": polygon([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
        case "multimodal": polygon([(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)])
        case "speech": polygon([(0, -1.2), (1.15, 0.9), (-1.15, 0.9)])
        case "generation", "diffusion": polygon([(0, 1.2), (1.15, -0.9), (-1.15, -0.9)])
        case "games": arms(turned: false)
        case "detection": arms(turned: true)
        case "biology": polygon([(-1.25, -0.6), (1.25, -0.6), (1.25, 0.6), (-1.25, 0.6)])
        case "other": polygon([(-0.6, -1.25), (0.6, -1.25), (0.6, 1.25), (-0.6, 1.25)])
        case "paper": regular(6)
        // A star of five points: one's own.
        default: regular(10) { $0.isMultiple(of: 2) ? 1.85 : 0.8 }
        }
    }

    static func markup(_ style: String, _ x: Double, _ y: Double, size: Double = 4, tip: String) -> Markup {
        .element(
            "path", ["d": path(style, x, y, size: size), "class": "mark \(style)"], .element("title", [:], .text(tip)))
    }

    /// What a mark, and a line of its class, stand for.
    struct Entry {
        var style: String
        var text: String
        var hasLine = false
    }

    /// Names marks within the picture, so that it tells what it shows where it stands alone: in columns, the first downwards.
    ///
    /// - Parameter x, y: of the upper left corner.
    static func drawKey(
        _ entries: [Entry], at x: Double, _ y: Double, rows: Int, columnWidth: Double, in drawing: inout Drawing
    ) {
        for (index, entry) in entries.enumerated() {
            let left = x + Double(index / max(1, rows)) * columnWidth
            let middle = y + Double(index % max(1, rows)) * keyHeight + keyHeight / 2
            if entry.hasLine { drawing.line(left, middle, left + 26, middle, "trend \(entry.style)") }
            drawing.add(
                .element(
                    "path", ["d": path(entry.style, left + 13, middle), "class": "mark \(entry.style)"]))
            drawing.text(left + 32, middle + 4, entry.text, "trend-name")
        }
    }

    /// Of a line of a key.
    static let keyHeight = 17.0
}

extension TrainingRun.Domain {
    /// The class of its mark in the style sheet.
    var style: String {
        switch self {
        case .language: "language"
        case .vision: "vision"
        case .multimodal: "multimodal"
        case .generation: "generation"
        case .speech: "speech"
        case .games: "games"
        case .biology: "biology"
        case .other: "other"
        }
    }
}

extension InferenceCost.Kind {
    /// The class of its mark in the style sheet.
    var style: String { rawValue }

    /// What an inference of it is.
    var unit: String {
        switch self {
        case .vision, .detection, .diffusion: "an image"
        case .language: "a token"
        case .speech: "30 s"
        }
    }
}
