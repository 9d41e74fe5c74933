import ArgumentParser
import Core
import Suites

extension Taskwatt {
    /// What a command line asks for: as the parser reads it, but that `measure` needs no `--`, and that an unknown command is named.
    static func parsed(_ arguments: [String]) throws -> any ParsableCommand {
        let (command, problem) = measuring(arguments)
        if let command { return command }
        do { return try parseAsRoot(arguments) } catch {
            if let unknown = unknownCommand(arguments) { throw unknown }
            // `--repeats -3`: a number below zero is taken for an option, and the range of the other is what the user has to know.
            let joined = joiningNegatives(arguments)
            guard joined != arguments, message(for: error).hasPrefix("Missing value") else { throw problem ?? error }
            return try parseAsRoot(joined)
        }
    }

    /// `--repeats=-3` for `--repeats -3`.
    private static func joiningNegatives(_ arguments: [String]) -> [String] {
        var joined: [String] = []
        var isOver = false
        for word in arguments {
            isOver = isOver || word == "--"
            if !isOver, let last = joined.last, last.hasPrefix("--"), !last.contains("="),
                word.prefixMatch(of: /-[0-9.]/) != nil
            {
                joined[joined.count - 1] = "\(last)=\(word)"
            } else {
                joined.append(word)
            }
        }
        return joined
    }

    /// What the parser says of a wrong line, as every other error: in one line, with what an option of suites may be. `nil` where it says
    /// nothing.
    static func refusal(_ error: any Error) -> UserError? {
        var said = message(for: error)
        guard !said.isEmpty else { return nil }
        // It lists what may be chosen, one below the other.
        said = said.replacing(#/:\s*\n\s*- /#, with: ": ").replacing(#/\n\s*- /#, with: ", ")
        while said.hasSuffix(".") || said.last?.isWhitespace == true { said.removeLast() }
        if let option = said.firstMatch(of: #/is invalid for '--([a-z-]+)/#).map({ String($0.1) }),
            let known = (SuiteOption.all(in: .overrides) + SuiteOption.all(in: .job)).first(where: {
                $0.commandLine == option
            })
        {
            said += ": it takes \(known.valuesText)"
        }
        let command = fullMessage(for: error).firstMatch(of: #/See '([^'\n]+) --help'/#).map { String($0.1) }
        return UserError(.usage, said, remedy: command.map { "`\($0) --help` has more" })
    }

    /// `taskwatt measure [options] command …`: where the command begins, only the parser knows, which knows the options that take a value.
    private static func measuring(_ arguments: [String]) -> (command: Measure?, problem: (any Error)?) {
        guard arguments.first == Measure.configuration.commandName else { return (nil, nil) }
        var problem: (any Error)?
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        for index in arguments.indices.prefix(end).dropFirst() where !arguments[index].hasPrefix("-") {
            var terminated = arguments
            terminated.insert("--", at: index)
            do {
                if let command = try parseAsRoot(terminated) as? Measure { return (command, nil) }
            } catch {
                problem = error
            }
        }
        // The options are well where only a command is missing after them.
        let isWell = end < arguments.endIndex || (try? parseAsRoot(arguments + ["--", "true"])) != nil
        return (nil, isWell ? nil : problem)
    }

    /// The error of a word that is no command, with the one that is most likely meant.
    static func unknownCommand(_ words: [String], also others: [String] = []) -> UserError? {
        var command: any ParsableCommand.Type = Taskwatt.self
        var path = "taskwatt"
        for word in words {
            let known = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
            // An option, or an argument of the command itself.
            guard !word.hasPrefix("-"), !known.isEmpty else { return nil }
            if let next = command.configuration.subcommands.first(where: { $0.configuration.commandName == word }) {
                command = next
                path += " \(word)"
                continue
            }
            let names =
                known.compactMap { $0.configuration.commandName } + (path == "taskwatt" ? ["help"] + others : [])
            if names.contains(word) { return nil }
            let near = names.closest(to: word).map {
                "did you mean `\(others.contains($0) ? "\(path) help" : path) \($0)`?"
            }
            let list = "`\(path) --help` lists them"
            return UserError(
                .usage, others.isEmpty ? "unknown command `\(path) \(word)`" : "unknown command or topic `\(word)`",
                remedy: near ?? list)
        }
        return nil
    }
}
