/// The table that some lines begin with, its cells wrapped so that it fits.
package struct FittedTable {
    /// As many lines as it had.
    package let height: Int
    package let lines: [String]

    /// - Returns: `nil` where the lines begin with no table.
    package init?(_ text: ArraySlice<[Glyph]>, width: Int) {
        guard let rule = text.dropFirst().first else { return nil }
        // A table may stand in from the margin as a whole.
        let indent = rule.prefix { $0 == Glyph.space }.count
        let text = text.prefix { $0.prefix(indent) == Glyph.spaces(indent)[...] }.map { Array($0.dropFirst(indent)) }
        let width = width - indent
        guard let head = text.first, let columns = Self.columns(Array(rule.dropFirst(indent))),
            Self.isRow(head, columns)
        else { return nil }
        let body = text.dropFirst(2).prefix { !$0.isEmpty && Self.isRow($0, columns) }
        height = 2 + body.count
        let rows = [head] + body
        let margin = String(repeating: " ", count: max(0, indent))
        let before = text.prefix(height).map { margin + Glyph.text($0) }
        guard (text.prefix(height).map(\.count).max() ?? 0) > width else {
            lines = before
            return
        }
        let cells = rows.map { row in columns.map { Column.cell(row, $0) } }
        let all = columns.indices.map { index in Column(columns[index], cells.map { $0[index] }) }
        let labels = Self.labels(cells.dropFirst().map { $0.map { $0.text } }, all, width)
        let fitted: [String]? = Self.parts(all, labels, width)?.reduce(into: []) { lines, part in
            let (shown, widths) = (part.map { all[$0.column] }, part.map(\.width))
            let rows = cells.enumerated().map { index, row in
                let wrapped = part.map { all[$0.column].wrapped(row[$0.column], $0.width) }
                return Self.lines(wrapped, shown, widths, isHead: index == 0)
            }
            let rule = widths.map { String(repeating: "─", count: max(0, $0)) }.joined(separator: "  ")
            lines += (lines.isEmpty ? [] : [""]) + (rows.first ?? []) + [rule] + rows.dropFirst().joined()
        }
        lines = fitted?.map { $0.isEmpty ? "" : margin + $0 } ?? before
    }

    /// The places of the columns under their rule; `nil` where the line is none.
    private static func columns(_ rule: [Glyph]) -> [Range<Int>]? {
        guard rule.first?.character == "─", rule.allSatisfy({ $0.character == "─" || $0 == Glyph.space }) else {
            return nil
        }
        var columns: [Range<Int>] = []
        for (index, glyph) in rule.enumerated() where glyph.character == "─" {
            if let last = columns.last, last.upperBound == index {
                columns[columns.count - 1] = last.lowerBound..<index + 1
            } else {
                columns.append(index..<index + 1)
            }
        }
        return columns
    }

    /// Whether nothing stands between the columns.
    private static func isRow(_ line: [Glyph], _ columns: [Range<Int>]) -> Bool {
        zip(columns, columns.dropFirst()).allSatisfy { left, right in
            line.dropFirst(left.upperBound).prefix(right.lowerBound - left.upperBound).allSatisfy { $0 == Glyph.space }
        }
    }

    /// The columns that tell rows apart: the first, and of the other texts those that it takes beside it, in half of the width at most.
    private static func labels(_ rows: [[[Glyph]]], _ columns: [Column], _ width: Int) -> [Int] {
        var labels = [0]
        func told(_ labels: [Int]) -> Int {
            Set(rows.map { row in labels.map { Glyph.text(row[$0]) }.joined(separator: "\n") }).count
        }
        while told(labels) < rows.count {
            let able = columns.indices.filter { column in
                !columns[column].isRight && !labels.contains(column)
                    && 2 * sum((labels + [column]).map { columns[$0].least }) <= width
            }
            let counted = able.map { (column: $0, count: told(labels + [$0])) }
            guard let best = counted.max(by: { ($0.count, $1.column) < ($1.count, $0.column) }),
                best.count > told(labels)
            else { break }
            labels.append(best.column)
        }
        return labels
    }

    /// The columns with their widths: all in one part, else in several, each of which begins with those that tell rows apart; `nil` where
    /// not even one fits beside them.
    private static func parts(
        _ columns: [Column], _ labels: [Int], _ width: Int
    ) -> [[(column: Int, width: Int)]]? {
        let all = Array(columns.indices)
        var parts = sum(columns.map(\.least)) <= width ? [all] : [labels]
        for column in parts == [all] ? [] : all where !labels.contains(column) {
            let least = (parts[parts.count - 1] + [column]).map { columns[$0].least }
            if sum(least) <= width || parts[parts.count - 1] == labels {
                parts[parts.count - 1].append(column)
            } else {
                parts.append(labels + [column])
            }
        }
        if parts.contains(where: { sum($0.map { columns[$0].least }) > width }) { return nil }
        return parts.map { part in Array(zip(part, widths(part.map { columns[$0] }, width))) }
    }

    private static func sum(_ widths: [Int]) -> Int { widths.reduce(0, +) + 2 * max(0, widths.count - 1) }

    /// Takes from the widest column that can be narrower until all fit.
    private static func widths(_ columns: [Column], _ width: Int) -> [Int] {
        var widths = columns.map(\.width)
        while sum(widths) > width {
            let able = widths.indices.filter { widths[$0] > columns[$0].least }
            guard let widest = able.max(by: { widths[$0] < widths[$1] }) else { return widths }
            widths[widest] -= 1
        }
        return widths
    }

    /// A row whose cells have lines. Titles stand on the rule.
    private static func lines(
        _ cells: [[[Glyph]]], _ columns: [Column], _ widths: [Int], isHead: Bool
    ) -> [String] {
        let height = cells.map(\.count).max() ?? 1
        return (0..<max(0, height)).map { index in
            let parts = zip(cells, zip(columns, widths)).map { cell, place in
                let text = cell.dropFirst(max(0, index - (isHead ? height - cell.count : 0))).first
                let line = isHead && index < height - cell.count ? [] : text ?? []
                let space = Glyph.spaces(place.1 - line.count)
                return place.0.isRight ? space + line : line + space
            }
            return Glyph.text(Array(parts.joined(separator: Glyph.spaces(2))))
        }
    }

    private struct Column {
        let isRight: Bool
        let width: Int
        /// It cannot be narrower than this. Of figures only the title wraps.
        let least: Int

        init(_ place: Range<Int>, _ cells: [(text: [Glyph], isIndented: Bool)]) {
            width = place.count
            let isRight = cells.contains { $0.isIndented }
            self.isRight = isRight
            least = cells.enumerated().reduce(1) { least, item in
                let isWhole = isRight && item.offset > 0
                let pieces = isWhole ? [item.element.text] : Self.pieces(item.element.text)
                return pieces.reduce(least) { max($0, $1.count) }
            }
        }

        /// What stands in a place of a line, and whether white space stands before it.
        static func cell(_ line: [Glyph], _ place: Range<Int>) -> (text: [Glyph], isIndented: Bool) {
            let slice = line.dropFirst(place.lowerBound).prefix(place.count)
            let text = slice.drop { $0 == Glyph.space }
            let end = text.lastIndex { $0 != Glyph.space }.map { $0 + 1 } ?? text.startIndex
            return (Array(text[..<max(text.startIndex, end)]), !text.isEmpty && text.startIndex > slice.startIndex)
        }

        func wrapped(_ cell: (text: [Glyph], isIndented: Bool), _ width: Int) -> [[Glyph]] {
            if cell.text.count <= width { return [cell.text] }
            var lines: [[Glyph]] = []
            for word in Glyph.words(cell.text) {
                if var last = lines.last, last.count + 1 + word.count <= width {
                    last += [Glyph.space] + word
                    lines[lines.count - 1] = last
                } else if word.count <= width {
                    lines.append(word)
                } else {
                    lines += Self.filled(Self.pieces(word), width)
                }
            }
            return lines
        }

        /// Pieces of one word, without space between them.
        private static func filled(_ pieces: [[Glyph]], _ width: Int) -> [[Glyph]] {
            var lines: [[Glyph]] = []
            for piece in pieces {
                if let last = lines.last, last.count + piece.count <= width {
                    lines[lines.count - 1] = last + piece
                } else {
                    lines.append(piece)
                }
            }
            return lines
        }

        private static let longestWord = 12

        /// Where it may be broken: between words, and in long ones after a hyphen, a slash, a comma and an equals sign.
        private static func pieces(_ text: [Glyph]) -> [[Glyph]] {
            Glyph.words(text).flatMap { word -> [[Glyph]] in
                if word.count <= longestWord { return [Array(word)] }
                var pieces: [[Glyph]] = [[]]
                for glyph in word {
                    pieces[pieces.count - 1].append(glyph)
                    if "-/,=".contains(glyph.character) { pieces.append([]) }
                }
                return pieces.filter { !$0.isEmpty }
            }
        }
    }
}
