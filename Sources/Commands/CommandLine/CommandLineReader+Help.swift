import ArgumentParser
package import Core

extension CommandLineReader {
    /// The text of the topic of `taskwatt help` that a command line asks for; `nil` where it asks for none.
    ///
    /// - Throws: `UserError` where it asks for help with something that there is not.
    package func topic(_ arguments: [String]) throws(UserError) -> String? {
        guard arguments.first == "help", let name = arguments.dropFirst().first else { return nil }
        if arguments.count == 2, let topic = HelpTopic(rawValue: name) { return topic.text }
        let words = Array(arguments.dropFirst())
        if let failure = unknownCommand(words, also: HelpTopic.allCases.map(\.rawValue)) { throw failure }
        if let word = beyond(words) {
            throw UserError(
                .usage, "`taskwatt help` knows nothing of `\(word)` after the name of a command or topic",
                remedy: "leave it out")
        }
        return nil
    }

    /// The first word after the name of a command that has none below it, or of a topic; `nil` where there is none, or it is an option.
    private func beyond(_ words: [String]) -> String? {
        var command = root
        for (index, word) in words.enumerated() {
            if word.hasPrefix("-") { return nil }
            guard let next = command.subcommand(word) else { return index > 0 ? word : words.dropFirst().first }
            command = next
        }
        return nil
    }

    /// A script of completions that offers commands and topics after `taskwatt help` too, for which the parser's own offers nothing.
    package func completing(_ script: String) -> String {
        let words = (HelpTopic.allCases.map(\.rawValue) + root.shownNames).joined(separator: " ")
        if script.hasPrefix("#compdef") {
            return script.replacing("'*:subcommands:'", with: "'*:subcommands:(\(words))'")
        }
        if script.hasPrefix("#!/bin/bash") {
            let begin = "_taskwatt_help() {\n"
            return script.replacing(begin, with: "\(begin)    COMPREPLY+=($(compgen -W '\(words)' -- \"${cur}\"))\n")
        }
        guard script.hasPrefix("function __taskwatt") else { return script }
        return script + "\ncomplete -c 'taskwatt' -n '__fish_seen_subcommand_from help' -fa '\(words)'\n"
    }
}
