import ArgumentParser
import Core
import Exchange
import Glibc
import Settings
import Terminal

/// Brings into the record what was measured elsewhere; one subcommand a format.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import measurements of other machines or programs.",
        discussion: """
            Bundles of other machines appear in the table beside this machine's runs. Measurements of other programs keep \
            their source and are never averaged with Taskwatt's own; `taskwatt table --source paper` shows them. Importing \
            a file twice changes nothing. `taskwatt import list` lists the imported files, and `import undo` removes them.
            """,
        subcommands: [
            ImportBundle.self, ImportPaper.self, ImportCodeCarbon.self, ImportList.self, ImportUndo.self,
        ])
}

extension ImportSummary {
    /// - Parameters:
    ///   - isLeavingOut: whether the user said to leave out what cannot be read.
    ///   - alternative: to fixing what cannot be read.
    /// - Throws: `UserError` where something could not be read that was not to be left out.
    func show(
        _ name: String, remark: String = "", asJSON: Bool, isLeavingOut: Bool = false, or alternative: String = ""
    ) throws {
        if asJSON {
            Console.print(try Console.json(self))
        } else {
            for line in lines(of: name, remark: remark) { Console.print("\(line)\n") }
        }
        for line in problemLines { Console.complain(line) }
        guard !problems.isEmpty else { return }
        guard isLeavingOut else { throw failure(or: alternative) }
        if let otherLines { Console.complain(otherLines) }
        Console.note("left out: \(FigureText.count(problems.count, "line")) that could not be read")
    }
}

/// A count that changes in its place on a terminal; nothing elsewhere.
struct ImportProgress {
    private let isTerminal = Console.isTerminal(STDERR_FILENO)

    func show(_ done: Int, of all: Int) {
        if isTerminal { Console.status("\(done) of \(all) files") }
    }

    func end() {
        if isTerminal { Console.clearStatus() }
    }
}
