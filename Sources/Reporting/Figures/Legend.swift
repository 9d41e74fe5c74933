import Core

/// Names the fillings, marks and lines of a figure.
enum Legend {
    struct Entry: Sendable, Hashable {
        enum Shape: Sendable, Hashable { case bar, mark, line }

        var shape: Shape
        /// The classes of the style sheet, which are those of the picture.
        var style: String
        var text: String

        static func bar(_ style: String, _ text: String) -> Entry { Entry(shape: .bar, style: style, text: text) }
        /// One of `PlaneMark`.
        static func mark(_ style: String, _ text: String) -> Entry { Entry(shape: .mark, style: style, text: text) }
        static func line(_ style: String, _ text: String) -> Entry { Entry(shape: .line, style: style, text: text) }

        /// In a box of 22 × 12 from that point on.
        func drawn(_ x: Double = 0, _ y: Double = 0) -> Markup {
            switch shape {
            case .bar: Drawing.rectangle(x + 0.5, y + 0.5, 21, 11, "bar \(style)")
            case .mark: .element("path", ["d": PlaneMark.path(style, x + 11, y + 6), "class": "mark \(style)"])
            case .line: .element("path", ["d": Drawing.path([(x, y + 6), (x + 22, y + 6)]), "class": style])
            }
        }
    }

    /// For the page, where the words may wrap.
    static func markup(_ entries: [Entry]) -> Markup {
        .element(
            "ul", ["class": "legend"],
            entries.map { entry in
                .element(
                    "li", [:],
                    .element(
                        "svg", ["viewBox": "0 -1 22 14", "width": "22", "height": "14", "aria-hidden": "true"],
                        entry.drawn()),
                    .text(" " + entry.text))
            })
    }

    /// For a file of its own: rows below the picture.
    ///
    /// - Returns: the shapes, and the height that they take.
    static func rows(_ entries: [Entry], from top: Double, within width: Double) -> (shapes: [Markup], height: Double) {
        guard !entries.isEmpty else { return ([], 0) }
        let (margin, line, sample, gap) = (12.0, 20.0, 28.0, 22.0)
        var (x, y) = (margin, top + 4)
        var shapes: [Markup] = []
        for entry in entries {
            let text = TextWidth.short(entry.text, in: width - 2 * margin - sample)
            let needed = sample + TextWidth.of(text) + gap
            if x > margin, x + needed - gap > width - margin {
                x = margin
                y += line
            }
            shapes.append(entry.drawn(x, y))
            shapes.append(
                .element(
                    "text", ["x": Drawing.number(x + sample), "y": Drawing.number(y + 10)], .text(text)))
            x += needed
        }
        return (shapes, y + line - top + 4)
    }
}

/// What a line of text takes, as nobody knows in which font it will be drawn: that of a wide one (DejaVu Sans).
enum TextWidth {
    /// - Parameter size: of the font, in units of the picture.
    static func of(_ text: String, size: Double = 12, isBold: Bool = false) -> Double {
        Double(text.count) * size * (isBold ? 0.64 : 0.57)
    }

    /// As much of a text as there is room for, with a mark where it was cut.
    static func short(_ text: String, in width: Double, size: Double = 12, isBold: Bool = false) -> String {
        let most = max(1, Int(saturating: width / of("m", size: size, isBold: isBold)))
        return text.count <= most ? text : String(text.prefix(most - 1)) + "…"
    }
}
