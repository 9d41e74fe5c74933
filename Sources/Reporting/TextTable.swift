import Core

/// Rows of text in columns, as the formats for people have them.
package struct TextTable {
    package enum Alignment: Sendable {
        case left, right
        /// Figures: to the right, and in LaTeX by their decimal points.
        case decimal
    }

    package let columns: [(title: String, alignment: Alignment)]
    package private(set) var rows: [[String]] = []
    /// How many columns, from the left, say what a row is of.
    package let headings: Int

    package init(_ columns: [(title: String, alignment: Alignment)], headings: Int = 1) {
        self.columns = columns
        self.headings = headings
    }

    /// - Parameter row: a cell for each column.
    package mutating func add(_ row: [String]) { rows.append(row) }

    /// With a line under the titles; no white space at the ends of lines.
    package func text() -> String {
        let rows = printable
        let widths = widths(of: rows)
        func line(_ cells: [String]) -> String {
            let padded = columns.indices.map { column -> String in
                let space = String(repeating: " ", count: max(0, widths[column] - cells[column].count))
                return columns[column].alignment == .left ? cells[column] + space : space + cells[column]
            }
            var text = padded.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text
        }
        let rule = widths.map { String(repeating: "─", count: max(0, $0)) }.joined(separator: "  ")
        return ([line(columns.map(\.title)), rule] + rows.map(line)).joined(separator: "\n") + "\n"
    }

    /// Names of models and machines come from outside.
    private var printable: [[String]] { rows.map { $0.map(PrintableText.of) } }

    /// How many characters a line of `text()` has at most.
    var width: Int { widths(of: printable).reduce(0, +) + 2 * max(0, columns.count - 1) }

    private func widths(of rows: [[String]]) -> [Int] {
        columns.indices.map { column in
            rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
        }
    }

    package func markdown() -> String {
        func cell(_ text: String) -> String {
            PrintableText.of(
                text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
                    .split(whereSeparator: \.isNewline).joined(separator: " "))
        }
        func line(_ cells: [String]) -> String { "| " + cells.map(cell).joined(separator: " | ") + " |" }
        let rule = "|" + columns.map { $0.alignment == .left ? " --- |" : " ---: |" }.joined()
        return ([line(columns.map(\.title)), rule] + rows.map(line)).joined(separator: "\n") + "\n"
    }
}
