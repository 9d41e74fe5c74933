/// Names and what they mean, one below the other, for the help: its parser would wrap long lines in the middle, to the margin.
package enum NameList {
    /// The columns of a terminal that shows all of it, less the one that the parser takes the end of the line for.
    private static let width = 79

    package static func text(_ entries: [(name: String, meaning: String)]) -> String {
        let longest = entries.map(\.name.count).max() ?? 0
        let margin = String(repeating: " ", count: max(0, longest + 4))
        return entries.map { name, meaning in
            let blanks = String(repeating: " ", count: max(0, longest + 2 - name.count))
            return "  \(name)\(blanks)" + lines(meaning, width - margin.count).joined(separator: "\n" + margin)
        }.joined(separator: "\n")
    }

    /// Broken between words.
    private static func lines(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
