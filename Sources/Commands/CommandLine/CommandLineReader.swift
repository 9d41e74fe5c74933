package import ArgumentParser
package import Core
import Suites

/// Reads what a user types as the parser does, but that the command of `measure` needs no `--`, and that every error is one line which names
/// what is meant.
package struct CommandLineReader: Sendable {
    /// All of the program's commands.
    let root: any ParsableCommand.Type
    /// The one after whose options a command of the user's begins.
    private let passing: any ParsableCommand.Type

    package init(_ root: any ParsableCommand.Type, passing: any ParsableCommand.Type) {
        (self.root, self.passing) = (root, passing)
    }

    /// What a command line asks for.
    ///
    /// - Throws: `UserError` of an unknown command, or what the parser says.
    package func parsed(_ arguments: [String]) throws -> any ParsableCommand {
        let (command, problem) = measuring(arguments)
        if let command { return command }
        do { return try root.parseAsRoot(arguments) } catch {
            if let unknown = unknownCommand(arguments) { throw unknown }
            // `--repeats -3`: a number below zero is taken for an option, and the range of the other is what the user has to know.
            let joined = Self.joiningNegatives(arguments)
            guard joined != arguments, root.message(for: error).hasPrefix("Missing value") else {
                throw problem ?? error
            }
            return try root.parseAsRoot(joined)
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
    package func refusal(_ error: any Error) -> UserError? {
        var said = root.message(for: error)
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
        let command = root.fullMessage(for: error).firstMatch(of: #/See '([^'\n]+) --help'/#).map { String($0.1) }
        return UserError(.usage, said, remedy: command.map { "`\($0) --help` has more" })
    }

    /// `taskwatt measure [options] command …`: where the command begins, only the parser knows, which knows the options that take a value.
    private func measuring(_ arguments: [String]) -> (command: (any ParsableCommand)?, problem: (any Error)?) {
        guard arguments.first == passing.configuration.commandName else { return (nil, nil) }
        var problem: (any Error)?
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        for index in arguments.indices.prefix(end).dropFirst() where !arguments[index].hasPrefix("-") {
            var terminated = arguments
            terminated.insert("--", at: index)
            do {
                let command = try root.parseAsRoot(terminated)
                if type(of: command) == passing { return (command, nil) }
            } catch {
                problem = error
            }
        }
        // The options are well where only a command is missing after them.
        let isWell = end < arguments.endIndex || (try? root.parseAsRoot(arguments + ["--", "true"])) != nil
        return (nil, isWell ? nil : problem)
    }

    /// The error of a word that is no command, with the one that is most likely meant.
    ///
    /// - Parameter others: what else may stand in the place of a command, after `help`.
    func unknownCommand(_ words: [String], also others: [String] = []) -> UserError? {
        var command = root
        var path = "taskwatt"
        for word in words {
            // An option, or an argument of the command itself.
            guard !word.hasPrefix("-"), !command.shownNames.isEmpty else { return nil }
            if let next = command.subcommand(word) {
                command = next
                path += " \(word)"
                continue
            }
            let names = command.shownNames + (path == "taskwatt" ? ["help"] + others : [])
            if names.contains(word) { return nil }
            let near = names.closest(to: word).map {
                "did you mean `\(others.contains($0) ? "\(path) help" : path) \($0)`?"
            }
            return UserError(
                .usage, others.isEmpty ? "unknown command `\(path) \(word)`" : "unknown command or topic `\(word)`",
                remedy: near ?? "`\(path) --help` lists them")
        }
        return nil
    }
}

extension ParsableCommand {
    static func subcommand(_ name: String) -> (any ParsableCommand.Type)? {
        configuration.subcommands.first { $0.configuration.commandName == name }
    }

    /// The names of the commands below it that its help lists.
    static var shownNames: [String] {
        configuration.subcommands.map { $0.configuration }.filter { $0.shouldDisplay }.compactMap { $0.commandName }
    }
}
