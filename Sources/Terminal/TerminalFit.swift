/// Text for people in the width of a terminal: sentences wrap between words, and a table that is too wide wraps within its cells.
///
/// A table is known by the rule that `TextTable.text()` draws under its titles. What cannot be made narrower stays as it is.
package struct TerminalFit {
    package let width: Int

    package func callAsFunction(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Glyph.line(String($0)) }
        var result: [String] = []
        var index = 0
        while index < lines.count {
            if let table = FittedTable(lines[index...], width: width) {
                result += table.lines
                index += table.height
            } else {
                result += wrapped(lines[index])
                index += 1
            }
        }
        return result.joined(separator: "\n")
    }

    /// The first words of lines that are to be copied as they are.
    private static let commands: Set<String> = ["sudo", "taskwatt", "chmod", "chown", "curl", "echo", "git", "ln"]

    /// One line of prose. Lines after the first are indented by two more than it, or stand below what comes after a gap in it, as of a
    /// name and its text.
    private func wrapped(_ line: [Glyph]) -> [String] {
        guard line.count > width else { return [Glyph.text(line)] }
        let indent = line.prefix { $0 == Glyph.space }.count
        let name = Self.name(line)
        let head = name > indent && name <= width / 2 ? name : indent
        // More gaps are columns of something that is no table.
        guard Self.name(Array(line.dropFirst(head))) == 0 else { return [Glyph.text(line)] }
        let later = head > indent ? head : indent + 2
        var words = Self.words(line.dropFirst(head), most: width - later)
        let isCommand = indent > 0 && words.first.map { Self.commands.contains(String($0.map(\.character))) } == true
        guard !isCommand, later < width, !words.isEmpty else { return [Glyph.text(line)] }
        words[0] = line.prefix(head) + words[0]
        return Glyph.fill(words, width: width, later: Glyph.spaces(later)).map(Glyph.text)
    }

    /// Where the text begins after the first gap of two spaces or more; 0 where there is none.
    private static func name(_ line: [Glyph]) -> Int {
        let start = line.firstIndex { $0 != Glyph.space } ?? 0
        for index in line.indices.dropFirst(start + 2)
        where line[index] != Glyph.space && line[index - 1] == Glyph.space && line[index - 2] == Glyph.space {
            return index
        }
        return 0
    }

    /// The words of a line. A code between backquotes is one, unless it is too long.
    private static func words(_ line: ArraySlice<Glyph>, most: Int) -> [[Glyph]] {
        var words: [[Glyph]] = []
        var word: [Glyph] = []
        var isCode = false
        func end() {
            let parts = word.split(separator: Glyph.space).map(Array.init)
            if word.count > most { words += parts } else if !word.isEmpty { words.append(word) }
            word = []
        }
        for glyph in line {
            if glyph.character == "`" { isCode.toggle() }
            if glyph == Glyph.space, !isCode { end() } else { word.append(glyph) }
        }
        end()
        return Glyph.joined(words)
    }
}

/// A character that takes a place on the terminal, with the marks of styles before it, which take none.
package struct Glyph: Equatable {
    package var marks = ""
    package var character: Character
    /// Marks at the end of a line.
    package var after = ""

    package static let space = Glyph(character: " ")
    package static func spaces(_ count: Int) -> [Glyph] { Array(repeating: space, count: max(0, count)) }

    package static func line(_ text: String) -> [Glyph] {
        var line: [Glyph] = []
        var marks = ""
        for character in text {
            if character.unicodeScalars.allSatisfy({ ConsoleStyle(rawValue: $0.value) != nil }) {
                marks.append(character)
            } else {
                line.append(Glyph(marks: marks, character: character))
                marks = ""
            }
        }
        if !marks.isEmpty, let last = line.indices.last { line[last].after = marks }
        return line
    }

    /// The words of a text, numbers with their units.
    package static func words(_ text: [Glyph]) -> [[Glyph]] { joined(text.split(separator: space).map(Array.init)) }

    private static let units: Set<String> = [
        "%", "J", "kJ", "mJ", "µJ", "W", "kW", "mW", "kWh", "Wh", "s", "ms", "µs", "min", "h", "GOP", "GOP/s",
        "GOP/s/W", "KiB",
    ]

    /// A number does not part from its unit, nor `±` from its number.
    fileprivate static func joined(_ words: [[Glyph]]) -> [[Glyph]] {
        var joined: [[Glyph]] = []
        for word in words {
            let last = joined.last?.last?.character
            var unit = word.map(\.character)
            while let end = unit.last, ",.;:)".contains(end) { unit.removeLast() }
            let isUnit = units.contains(String(unit)) && last?.isNumber == true
            let isValue = last == "±" && word.first?.character.isNumber == true
            if isUnit || isValue, let before = joined.last {
                joined[joined.count - 1] = before + [space] + word
            } else {
                joined.append(word)
            }
        }
        return joined
    }

    /// Without white space at the end.
    package static func text(_ line: [Glyph]) -> String {
        var line = line[...]
        while line.last == space { line.removeLast() }
        return line.reduce(into: "") { $0 += $1.marks + String($1.character) + $1.after }
    }

    /// Words in lines of a width; one that is wider has a line of its own.
    package static func fill(_ words: [[Glyph]], width: Int, later: [Glyph] = []) -> [[Glyph]] {
        var lines: [[Glyph]] = []
        var line: [Glyph] = []
        for word in words {
            if line.isEmpty {
                line = lines.isEmpty ? word : later + word
            } else if line.count + 1 + word.count <= width {
                line += [space] + word
            } else {
                lines.append(line)
                line = later + word
            }
        }
        return lines + [line]
    }
}
