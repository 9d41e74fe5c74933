import ArgumentParser
import Core
import Exchange
import Foundation
import Glibc
import Recording
import Service

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

/// What an import did.
struct ImportSummary: Encodable {
    var outcome = ImportOutcome()
    /// Runs that were not to be imported, by the reason.
    var passedOver: [String: Int] = [:]
    /// Of how many of the runs that could be read what must be known, by what.
    var remarks: [String: Int] = [:]
    var problems: [ImportProblem] = []

    enum CodingKeys: String, CodingKey {
        case imported, known, problems, remarks
        case passedOver = "not_imported"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(outcome.added, forKey: .imported)
        try container.encode(outcome.known, forKey: .known)
        try container.encode(passedOver, forKey: .passedOver)
        try container.encode(remarks, forKey: .remarks)
        try container.encode(problems, forKey: .problems)
    }

    private static let mostProblems = 10

    /// - Parameters:
    ///   - isLeavingOut: whether the user said to leave out what cannot be read.
    ///   - alternative: to mending what cannot be read.
    /// - Throws: `UserError` where something could not be read that was not to be left out.
    func show(
        _ name: String, remark: String = "", asJSON: Bool, isLeavingOut: Bool = false, or alternative: String = ""
    ) throws {
        if asJSON {
            Console.print(try Console.json(self))
        } else {
            let known = outcome.known == 0 ? "" : "; \(Self.runs(outcome.known)) already in the record, unchanged"
            Console.print("\(Self.runs(outcome.added)) imported from \(name)\(remark)\(known)\n")
            for (reason, count) in passedOver.sorted(by: { $0.value > $1.value }) {
                Console.print("not imported: \(Self.runs(count)) \(reason)\n")
            }
            for (remark, count) in remarks.sorted(by: { $0.value > $1.value }) {
                Console.print("note: \(Self.runs(count)) \(remark)\n")
            }
        }
        guard !problems.isEmpty else { return }
        for problem in problems.prefix(Self.mostProblems) { Console.complain("\(problem)") }
        let rest = problems.dropFirst(Self.mostProblems)
        if isLeavingOut {
            let lines = rest.compactMap(\.line).map(String.init).joined(separator: ", ")
            if !rest.isEmpty { Console.complain("and in \(rest.count) more lines: \(lines)") }
            return Console.note(
                "\(problems.count) line\(problems.count == 1 ? "" : "s") could not be read and \(problems.count == 1 ? "was" : "were") left out"
            )
        }
        throw UserError(
            .failed,
            (rest.isEmpty ? "" : "and \(rest.count) more; ")
                + "\(problems.count) could not be read; fix \(problems.count == 1 ? "it" : "them") and import again\(alternative)"
        )
    }

    private static func runs(_ count: Int) -> String { "\(count) run\(count == 1 ? "" : "s")" }
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
