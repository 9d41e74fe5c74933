import ArgumentParser
import Core

extension Taskwatt {
    /// What a command line asks for: as the parser reads it, but that `measure` needs no `--`, and that an unknown command is named.
    static func parsed(_ arguments: [String]) throws -> any ParsableCommand {
        let (command, problem) = measuring(arguments)
        if let command { return command }
        do { return try parseAsRoot(arguments) } catch {
            throw unknownCommand(arguments) ?? problem ?? error
        }
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
            let near = names.closest(to: word).map { "did you mean `\(path) \($0)`?" } ?? "`\(path) --help` lists them"
            return UserError(.usage, "unknown command `\(path) \(word)`", remedy: near)
        }
        return nil
    }
}
