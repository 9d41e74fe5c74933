import Core
import Foundation

/// A picture in SVG, with a name and a description for those who do not see it.
///
/// Colours come from the page's style sheet by class, so that one picture is right in the light, in the dark and in print, and
/// alone (`FigureTheme`).
struct Drawing: Sendable {
    let width: Double
    let height: Double
    /// Unique on the page.
    let id: String
    let title: String
    let description: String
    private(set) var shapes: [Markup] = []

    init(id: String, width: Double, height: Double, title: String, description: String) {
        self.id = id
        self.width = width
        self.height = height
        self.title = title
        self.description = description
    }

    mutating func add(_ shape: Markup) { shapes.append(shape) }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
        add(
            .element(
                "line",
                [
                    "x1": Self.number(x1), "y1": Self.number(y1), "x2": Self.number(x2), "y2": Self.number(y2),
                    "class": style,
                ]))
    }

    mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String) {
        add(Self.rectangle(x, y, width, height, style))
    }

    static func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String) -> Markup {
        .element(
            "rect",
            [
                "x": number(x), "y": number(y), "width": number(max(0, width)), "height": number(max(0, height)),
                "class": style,
            ])
    }

    enum Anchor: String { case start, middle, end }

    mutating func text(_ x: Double, _ y: Double, _ text: String, _ style: String = "", anchor: Anchor = .start) {
        add(
            .element(
                "text",
                ["x": Self.number(x), "y": Self.number(y), "class": style, "text-anchor": anchor.rawValue],
                .text(text)))
    }

    /// A path through points, lifted where `nil` stands.
    static func path(_ points: [(x: Double, y: Double)?]) -> String {
        var text = ""
        var isDown = false
        for point in points {
            guard let point else {
                isDown = false
                continue
            }
            text += "\(isDown ? "L" : "M")\(number(point.x)) \(number(point.y))"
            isDown = true
        }
        return text
    }

    mutating func path(_ data: String, _ style: String) { add(.element("path", ["d": data, "class": style])) }

    var markup: Markup {
        .element(
            "svg",
            [
                "viewBox": "0 0 \(Self.number(width)) \(Self.number(height))", "role": "img",
                "aria-labelledby": "\(id)-name \(id)-text", "preserveAspectRatio": "xMidYMid meet",
            ],
            [
                .element("title", ["id": "\(id)-name"], .text(title)),
                .element("desc", ["id": "\(id)-text"], .text(description)),
            ] + shapes)
    }

    /// In another drawing, from that point on.
    func group(_ x: Double, _ y: Double) -> Markup {
        .element(
            "g", ["transform": "translate(\(Self.number(x)) \(Self.number(y)))"],
            [.element("title", [:], .text(title)), .element("desc", [:], .text(description))] + shapes)
    }

    /// A file of its own, which looks the same wherever it is put: with its legend, and every style as a value.
    func standalone(_ legend: [Legend.Entry], _ theme: FigureTheme) -> Markup {
        let (rows, more) = Legend.rows(legend, from: height, within: width)
        let (width, height) = (Self.number(width), Self.number(height + more))
        return .element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(width) \(height)", "width": width,
                "height": height, "role": "img", "aria-labelledby": "\(id)-name \(id)-text",
            ],
            [
                .element("title", ["id": "\(id)-name"], .text(title)),
                .element("desc", ["id": "\(id)-text"], .text(description)), .style(theme.css), Self.definitions,
                .element("rect", ["width": width, "height": height, "class": "sheet"]),
            ] + shapes + rows)
    }

    /// A tenth of a unit is finer than any screen shows.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let tenths = (value * 10).rounded()
        guard abs(tenths) < 1e9 else { return "0" }
        let whole = Int(saturating: tenths)
        return whole.isMultiple(of: 10) ? String(whole / 10) : FigureText.fixed(tenths / 10, 1)
    }

    /// Hatching, in which what is not measured is drawn. One of each page; every picture uses it.
    static let patterns: Markup = .element(
        "svg", ["width": "0", "height": "0", "aria-hidden": "true", "class": "patterns"], definitions)

    private static let definitions: Markup = .element(
        "defs", [:],
        pattern("hatch-estimated", "hatch-estimated", "M0 8L8 0M-2 2L2 -2M6 10L10 6"),
        pattern("hatch-simulated", "hatch-simulated", "M0 4H8"),
        pattern("hatch-paper", "hatch-paper", "M0 0L8 8M-2 6L2 10M6 -2L10 2"),
        pattern("hatch-rest", "hatch-rest", "M0 8L8 0M-2 2L2 -2M6 10L10 6"))

    private static func pattern(_ id: String, _ style: String, _ path: String) -> Markup {
        .element(
            "pattern", ["id": id, "width": "8", "height": "8", "patternUnits": "userSpaceOnUse"],
            .element("rect", ["width": "8", "height": "8", "class": "\(style)-ground"]),
            .element("path", ["d": path, "class": "\(style)-line"]))
    }
}

/// Values to positions, linear or by decades.
struct Scale {
    let domain: ClosedRange<Double>
    let range: (from: Double, to: Double)
    let isLogarithmic: Bool

    init(_ domain: ClosedRange<Double>, to range: (Double, Double), isLogarithmic: Bool = false) {
        self.domain = domain
        self.range = range
        self.isLogarithmic = isLogarithmic
    }

    /// What has a place in a picture. Beyond it there are hundreds of decades, and numbers whose power of ten is zero or infinite.
    private static let drawable = 1e-30...1e30

    /// Whole decades around all values; those that no logarithm has are left out.
    static func decades(_ values: [Double], to range: (Double, Double)) -> Scale {
        let positive = values.filter(drawable.contains)
        let low = floor(log10(positive.min() ?? 0.001))
        let high = ceil(log10(positive.max() ?? 1))
        return Scale(pow(10, low)...pow(10, max(high, low + 1)), to: range, isLogarithmic: true)
    }

    /// From zero to the round number above the largest value.
    static func fromZero(_ largest: Double, to range: (Double, Double)) -> Scale {
        let largest = largest.isFinite ? min(largest, drawable.upperBound) : 0
        let step = step(largest)
        return Scale(0...max(step, (largest / step).rounded(.up) * step), to: range)
    }

    /// A position; outside the domain, at its edge.
    func callAsFunction(_ value: Double) -> Double {
        let clamped = min(max(value.isFinite ? value : domain.lowerBound, domain.lowerBound), domain.upperBound)
        let share =
            isLogarithmic
            ? log10(clamped / domain.lowerBound) / log10(domain.upperBound / domain.lowerBound)
            : (clamped - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
        return range.from + share * (range.to - range.from)
    }

    /// Powers of ten, or multiples of 1, 2 or 5.
    var ticks: [Double] {
        if isLogarithmic {
            let low = Int(saturating: log10(domain.lowerBound))
            return (low...max(low, Int(saturating: log10(domain.upperBound)))).map { pow(10, Double($0)) }
        }
        let step = Self.step(domain.upperBound - domain.lowerBound)
        return stride(from: 0, through: domain.upperBound * 1.0001, by: step).filter { $0 >= domain.lowerBound }
    }

    /// About four steps of 1, 2 or 5 × 10ⁿ.
    private static func step(_ span: Double) -> Double {
        guard drawable.contains(span) else { return 1 }
        let rough = span / 4
        let power = pow(10, floor(log10(rough)))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
    }
}

/// Numbers as pictures and pages set them: those of `FigureText`, with powers of ten and thousands as print has them.
enum FigureNumber {
    /// A power of ten without an exponent between 0.0001 and 10,000, else 10ⁿ.
    static func tick(_ value: Double) -> String {
        guard value != 0 else { return "0" }
        let magnitude = log10(abs(value))
        if magnitude >= 5 || magnitude < -4.5 { return "10" + FigureText.superscript(Int(saturating: magnitude)) }
        if value >= 1000 { return FigureText.grouped(value) }
        return value >= 1
            ? FigureText.short(value) : FigureText.fixed(value, Int(saturating: (-magnitude).rounded(.up)))
    }

    /// Three significant digits.
    static func three(_ value: Double) -> String {
        guard let parts = FigureText.parts(value) else { return FigureText.figure(value) }
        guard parts.isPlain else { return scientific(value) }
        return parts.exponent >= 3 ? FigureText.grouped(value) : FigureText.figure(value)
    }

    /// 1.23 × 10⁴.
    static func scientific(_ value: Double) -> String {
        guard let parts = FigureText.parts(value) else { return FigureText.figure(value) }
        return "\(parts.mantissa) × 10\(FigureText.superscript(parts.exponent))"
    }
}
