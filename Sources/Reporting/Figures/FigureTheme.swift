import Core
import Foundation

/// How a figure looks in a file of its own.
///
/// The styles are those of `report.css`, between its marks, with the values of its variables in their place: converters know neither
/// variables nor media queries. So there is one place for them, and a figure in a paper is that of the report.
package enum FigureTheme: String, Sendable, Hashable, CaseIterable {
    case light, dark
    /// As in print, each colour as bright as it is, without its hue.
    case grey

    var css: String {
        var text = Self.styles
        // The longest first: `--query` is a prefix of another.
        for (name, value) in values.sorted(by: { $0.key.count > $1.key.count }) {
            text = text.replacing("var(--\(name))", with: self == .grey ? Self.grey(value) : value)
        }
        return text
    }

    private static let sheet = String(decoding: PackageResources.report_css, as: UTF8.self)

    private static let styles: String = {
        guard let from = sheet.range(of: "/* Of every figure */"), let to = sheet.range(of: "/* End of every figure */")
        else { return "" }
        return String(sheet[from.upperBound..<to.lowerBound])
    }()

    /// For figures as parts of another page: the variables by day and by night, and the styles of pictures, legends and switches.
    package static let page: String = {
        func cut(_ from: String, _ to: String) -> String {
            guard let first = sheet.range(of: from),
                let last = sheet.range(of: to, range: first.upperBound..<sheet.endIndex)
            else { return "" }
            return String(sheet[first.lowerBound..<last.lowerBound])
        }
        return cut(":root {", "* { box-sizing") + cut("/* Pictures */", "/* End of every figure */")
    }()

    private var values: [String: String] {
        let light = Self.variables(after: "")
        return switch self {
        case .light: light
        case .dark: light.merging(Self.variables(after: "@media (prefers-color-scheme: dark)")) { $1 }
        case .grey: light.merging(Self.variables(after: "@media print")) { $1 }
        }
    }

    /// Of the first `:root` after a line.
    private static func variables(after line: String) -> [String: String] {
        var rest = sheet[...]
        if !line.isEmpty { rest = rest[(rest.range(of: line)?.upperBound ?? rest.endIndex)...] }
        guard let root = rest.range(of: ":root {") else { return [:] }
        var values: [String: String] = [:]
        for part in rest[root.upperBound...].prefix(while: { $0 != "}" }).split(separator: ";") {
            let pair = part.split(separator: ":", maxSplits: 1).map(\.trimmed)
            if pair.count == 2, pair[0].hasPrefix("--") { values[String(pair[0].dropFirst(2))] = pair[1] }
        }
        return values
    }

    /// The grey of the same luminance (WCAG 2.1); what is no colour stays as it is.
    private static func grey(_ value: String) -> String {
        guard value.hasPrefix("#") else { return value }
        let digits = value.count == 4 ? value.dropFirst().flatMap { [$0, $0] } : Array(value.dropFirst())
        guard digits.count == 6, let number = Int(String(digits), radix: 16) else { return value }
        func linear(_ shift: Int) -> Double {
            let share = Double((number >> shift) & 255) / 255
            return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
        }
        let luminance = 0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0)
        let share = luminance <= 0.0031308 ? 12.92 * luminance : 1.055 * pow(luminance, 1 / 2.4) - 0.055
        let level = Int(saturating: (share * 255).rounded())
        let pair = String(level, radix: 16)
        return "#" + String(repeating: pair.count < 2 ? "0" + pair : pair, count: 3)
    }
}
