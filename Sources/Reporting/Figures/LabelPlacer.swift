import Core

/// Puts names beside marks where they cover nothing.
struct LabelPlacer {
    /// What is covered already, in units of the picture.
    struct Box: Sendable, Hashable {
        var x: Double
        var y: Double
        var width: Double
        var height: Double

        init(x: Double, y: Double, width: Double, height: Double) {
            self.x = x
            self.y = y
            self.width = width
            self.height = height
        }

        /// A square around a mark.
        init(around x: Double, _ y: Double, half: Double) {
            self.init(x: x - half, y: y - half, width: 2 * half, height: 2 * half)
        }

        func overlaps(_ other: Box) -> Bool {
            x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
        }
    }

    /// No name reaches over its edge.
    let bounds: Box
    private(set) var taken: [Box]

    init(within bounds: Box, around taken: [Box] = []) {
        self.bounds = bounds
        self.taken = taken
    }

    mutating func take(_ box: Box) { taken.append(box) }

    /// A name beside a point where it covers nothing; `nil` where there is no such place.
    ///
    /// - Parameter letter: the mean width of a letter in units of the picture: of the sans-serif fonts of `report.css`, 0.6 of their size.
    mutating func label(
        _ name: String, _ style: String, beside x: Double, _ y: Double, letter: Double
    ) -> Markup? {
        let width = Double(name.count) * letter
        let places: [(x: Double, y: Double, anchor: Drawing.Anchor)] = [
            (x + 10, y + 4, .start), (x - 10, y + 4, .end), (x, y - 9, .middle), (x, y + 18, .middle),
            (x + 8, y - 7, .start), (x + 8, y + 14, .start), (x - 8, y - 7, .end), (x - 8, y + 14, .end),
        ]
        for place in places {
            let left =
                switch place.anchor {
                case .start: place.x
                case .middle: place.x - width / 2
                case .end: place.x - width
                }
            let box = Box(x: left, y: place.y - 10, width: width, height: 12)
            guard box.x > bounds.x + 2, box.x + width < bounds.x + bounds.width - 2, box.y > bounds.y,
                box.y + 12 < bounds.y + bounds.height, !taken.contains(where: { $0.overlaps(box) })
            else { continue }
            taken.append(box)
            return .element(
                "text",
                [
                    "x": Drawing.number(place.x), "y": Drawing.number(place.y), "class": style,
                    "text-anchor": place.anchor.rawValue,
                ], .text(name))
        }
        return nil
    }
}
