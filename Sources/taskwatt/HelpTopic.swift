import ArgumentParser
import Commands
import Core

extension HelpTopic {
    /// The text of the topic that a command line asks for; `nil` where it asks for none.
    ///
    /// - Throws: `UserError` where it asks for help with something that there is not.
    static func asked(_ arguments: [String]) throws(UserError) -> String? {
        guard arguments.first == "help", let name = arguments.dropFirst().first else { return nil }
        if arguments.count == 2, let topic = HelpTopic(rawValue: name) { return topic.text }
        if let failure = Taskwatt.unknownCommand(Array(arguments.dropFirst()), also: allCases.map(\.rawValue)) {
            throw failure
        }
        if let word = beyond(Array(arguments.dropFirst())) {
            throw UserError(
                .usage, "`taskwatt help` knows nothing of `\(word)` after the name of a command or topic",
                remedy: "leave it out")
        }
        return nil
    }

    /// The first word after the name of a command that has none below it, or of a topic; `nil` where there is none, or it is an option.
    private static func beyond(_ words: [String]) -> String? {
        var command: any ParsableCommand.Type = Taskwatt.self
        for (index, word) in words.enumerated() {
            if word.hasPrefix("-") { return nil }
            if let next = command.configuration.subcommands.first(where: { $0.configuration.commandName == word }) {
                command = next
            } else {
                return index > 0 ? word : words.dropFirst().first
            }
        }
        return nil
    }

    /// A script of completions that offers commands and topics after `taskwatt help` too, for which the parser's own offers nothing.
    static func completing(_ script: String) -> String {
        let topics = allCases.map(\.rawValue)
        let commands = Taskwatt.configuration.subcommands.map { $0.configuration }
            .filter { $0.shouldDisplay }.compactMap { $0.commandName }
        let words = (topics + commands).joined(separator: " ")
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
