package import Diagnostics
import Reporting
import Running
import Terminal

extension MachineCheckup {
    /// The checks for people, with marks of styles.
    package static func text(_ checks: [Check]) -> String {
        var table = TextTable([("verdict", .left), ("check", .left), ("found", .left)])
        for check in checks {
            for (index, line) in lines(check.found).enumerated() {
                table.add([index == 0 ? check.verdict.rawValue : "", index == 0 ? check.title : "", line])
            }
        }
        let counts = Verdict.allCases.compactMap { verdict -> String? in
            let count = checks.count { $0.verdict == verdict }
            return count > 0 ? "\(count) \(verdict.rawValue)" : nil
        }
        return coloured(table.text()) + advice(checks) + "\n\(counts.joined(separator: ", "))\n"
    }

    /// What would help, of every check that has a remedy, in the order of the table.
    private static func advice(_ checks: [Check]) -> String {
        let remedies = checks.compactMap { check in check.remedy.map { (check.title, lines($0)) } }
        if remedies.isEmpty { return "" }
        let list = remedies.map { title, lines in "\(title)\n" + lines.map { "    \($0)\n" }.joined() }
        return "\n" + Console.heading("What would help") + "\n\n" + list.joined()
    }

    /// The verdict stands at the beginning of a line, and a colour has no width: it is put in when the columns are aligned.
    private static func coloured(_ table: String) -> String {
        let colours: [(verdict: Verdict, style: ConsoleStyle)] = [
            (.pass, .green), (.warn, .yellow), (.fail, .red), (.unknown, .grey),
        ]
        return table.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard let found = colours.first(where: { line.hasPrefix("\($0.verdict.rawValue) ") }) else {
                return String(line)
            }
            let word = found.verdict.rawValue
            return found.style.mark + word + ConsoleStyle.plain.mark + line.dropFirst(word.count)
        }.joined(separator: "\n")
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
