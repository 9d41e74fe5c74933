import Core
import Reporting
import Terminal

/// `taskwatt help scopes`: the words that tables, notes and flags are made of. What they mean is in `HelpTopics.txt`, and of flags where
/// those are.
package enum HelpTopic: String, CaseIterable, Sendable {
    case scopes, terms, flags
    case exitStatuses = "exit-statuses"

    /// A line for each, for `taskwatt help`.
    package static var list: String {
        allCases.map { topic in
            let space = String(repeating: " ", count: max(0, 21 - topic.rawValue.count))
            return "  taskwatt help \(topic.rawValue)\(space)\(topic.summary)"
        }.joined(separator: "\n")
    }

    private var summary: String {
        switch self {
        case .scopes: "which part of the machine a figure is of"
        case .terms: "gross, net, provenance, coverage, …"
        case .flags: "every flag, and what to do about it"
        case .exitStatuses: "the numbers that commands end with"
        }
    }

    /// The words, each with its meaning, in lines of at most 80 characters.
    package var text: String {
        let entries = self == .flags ? Self.flagWords : words
        let texts = entries.map { name, meaning in
            let words = meaning.split(separator: " ").map { Glyph.line(String($0)) }
            let lines = words.isEmpty ? [] : Glyph.fill(words, width: 80 - 4).map { "    \(Glyph.text($0))" }
            return ([Console.heading(name)] + lines).joined(separator: "\n") + "\n"
        }
        return texts.joined()
    }

    /// Those of the file: a topic after `# `, then each word on a line, and what it means below, indented.
    private var words: [(String, String)] {
        var entries: [(name: String, meaning: String)] = []
        var isMine = false
        for line in String(decoding: PackageResources.HelpTopics_txt, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("# ") {
                isMine = line.dropFirst(2) == rawValue
            } else if isMine, line.hasPrefix(" "), let last = entries.indices.last {
                entries[last].meaning += line
            } else if isMine {
                entries.append((Self.numbered(String(line)), ""))
            }
        }
        return entries.map { ($0.name, $0.meaning) }
    }

    /// A text in which exit statuses are named by their kind.
    private static func numbered(_ text: String) -> String {
        UserError.Kind.allCases.reduce(text) { $0.replacing("{{\($1)}}", with: "\($1.exitStatus)") }
    }

    private static var flagWords: [(String, String)] {
        var entries = [("Flags of runs, in tables and in `taskwatt show`", "")]
        entries += RunFlag.allCases.map { ($0.rawValue, $0.text) }
        entries.append(("Flags of meters, in `taskwatt measure` and `taskwatt show`", ""))
        entries += EnergyFlag.allCases.map { ($0.rawValue, $0.meaning) }
        return entries
    }
}
