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

    static func legend(_ entries: [(style: String, text: String)]) -> Markup {
        .element(
            "ul", ["class": "legend"],
            entries.map { style, text in
                .element(
                    "li", [:],
                    .element(
                        "svg", ["viewBox": "0 0 16 14", "width": "16", "height": "14", "aria-hidden": "true"],
                        .element("path", ["d": path(style, 8, 7), "class": "mark \(style)"])),
                    .text(" " + text))
            })
    }
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
        case .vision, .detection: "an image"
        case .language: "a token"
        case .speech: "30 s of audio"
        case .diffusion: "an image in all its steps"
        }
    }
}
