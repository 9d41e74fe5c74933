import Core

/// HTML and SVG that cannot be broken by what is put into it: text is escaped where it enters, and only there.
///
/// What comes out is well-formed XML too, so that any parser can check it. Names in the record come from files, plugins and
/// other machines: nothing of them may become an element, close one, or turn the direction of what stands beside it.
package struct Markup: Sendable, Hashable {
    package private(set) var source: String

    private init(source: String) { self.source = source }

    package static let empty = Markup(source: "")

    /// Text of our own, or numbers.
    package static func text(_ text: String) -> Markup { Markup(source: escaped(text)) }

    /// Text of our own in which commands stand between backquotes.
    package static func prose(_ text: String) -> Markup {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false).map(String.init)
        // An odd one out is a character, not a mark.
        guard parts.count > 1, !parts.count.isMultiple(of: 2) else { return .text(text) }
        return joined(
            parts.enumerated().map { index, part in
                index.isMultiple(of: 2) ? .text(part) : element("code", [:], .text(part))
            })
    }

    /// A name from outside, set apart from the direction of the text around it.
    package static func name(_ name: String) -> Markup { element("bdi", [:], .text(name)) }

    package static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ children: Markup...
    ) -> Markup { element(name, attributes, children) }

    package static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ children: [Markup]
    ) -> Markup {
        var source = "<\(name)"
        for (key, value) in attributes { source += " \(key)=\"\(escaped(value))\"" }
        // An empty element of HTML that is not void must have an end tag; in SVG the short form is right.
        if children.isEmpty && (isVoid(name) || isShape(name)) {
            return Markup(source: source + "/>")
        }
        source += ">"
        for child in children { source += child.source }
        return Markup(source: source + "</\(name)>")
    }

    /// A style sheet of our own: the one text that is not escaped.
    static func style(_ css: String) -> Markup { Markup(source: "<style>\n\(css)</style>") }

    static func joined(_ parts: [Markup], separator: String = "") -> Markup {
        Markup(source: parts.map(\.source).joined(separator: escaped(separator)))
    }

    static func + (a: Markup, b: Markup) -> Markup { Markup(source: a.source + b.source) }
    static func += (a: inout Markup, b: Markup) { a.source += b.source }

    private static func isVoid(_ name: String) -> Bool {
        ["meta", "br", "hr", "col", "link", "img", "input"].contains(name)
    }
    private static func isShape(_ name: String) -> Bool {
        ["rect", "line", "path", "circle", "polygon", "use"].contains(name)
    }

    /// Characters that XML has no place for, and those that turn the direction of the text after them (Unicode UAX #9),
    /// become U+FFFD: seen, and without effect.
    package static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n": result.unicodeScalars.append(scalar)
            case _ where PrintableText.isControl(scalar): result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Markup {
    /// A table that may be wider than the page: it scrolls by itself, by keyboard too.
    ///
    /// - Parameters:
    ///   - alignRight: the columns of numbers.
    ///   - anchors: the ids of the rows, for links to them.
    static func table(
        caption: String, columns: [String], alignRight: Set<Int> = [], rows: [[Markup]], anchors: [String] = [],
        hidesCaption: Bool = false
    ) -> Markup {
        func style(_ column: Int) -> KeyValuePairs<String, String> {
            alignRight.contains(column) ? ["class": "number"] : [:]
        }
        let head = columns.indices.map { column in
            alignRight.contains(column)
                ? element("th", ["scope": "col", "class": "number"], .prose(columns[column]))
                : element("th", ["scope": "col"], .prose(columns[column]))
        }
        let body = rows.enumerated().map { number, row in
            element(
                "tr", anchors.indices.contains(number) ? ["id": anchors[number]] : [:],
                row.enumerated().map { index, cell in
                    // The first cell names the row.
                    index == 0 ? element("th", ["scope": "row"], cell) : element("td", style(index), cell)
                })
        }
        return element(
            "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption],
            element(
                "table", [:],
                element("caption", hidesCaption ? ["class": "unseen"] : [:], .text(caption)),
                element("thead", [:], element("tr", [:], head)), element("tbody", [:], body)))
    }

    static func details(_ summary: String, _ children: Markup...) -> Markup {
        element("details", [:], [element("summary", [:], .text(summary))] + children)
    }

    static func section(id: String, title: String, _ children: [Markup]) -> Markup {
        element(
            "section", ["id": id, "aria-labelledby": "\(id)-title"],
            [element("h2", ["id": "\(id)-title"], .text(title))] + children)
    }
}
