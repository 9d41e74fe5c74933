import API
import ArgumentParser
import Client
import Core
import Recording
import Service
import Settings
import Terminal

struct ImportUndo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Remove imported files from the record.",
        discussion: """
            Use it for a file that was imported with the wrong --task or --inferences, and import it again. Runs that were \
            measured here are not changed.

            Examples:
              taskwatt import list
              taskwatt import undo 3
              taskwatt import undo 4-883
            """)

    @Argument(
        help: "The number of an import in `taskwatt import list`, or the first and the last of several.")
    var numbers: [ImportRange] = []

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var state: RecordOptions

    func validate() throws {
        guard numbers.isEmpty else { return }
        throw ValidationError("give the number of an import; `taskwatt import list` shows all")
    }

    func run() async throws {
        let record = try await state.surroundings.record()
        let known = try await record.imports()
        for asked in numbers where !known.contains(where: { asked.range.contains($0.id) }) {
            throw UserError(
                .unknownName, "there is no import \(asked.text)", remedy: "`taskwatt import list` has them")
        }
        var undone: [StoredImport] = []
        for item in known where numbers.contains(where: { $0.range.contains(item.id) }) {
            if let found = try await record.undoImport(item.id) { undone.append(found) }
        }
        if json { return Console.print(try Console.json(undone)) }
        let runs = undone.reduce(0) { $0 + $1.runs }
        let files = undone.count == 1 ? undone[0].file : "\(undone.count) files"
        Console.print("removed \(runs) run\(runs == 1 ? "" : "s") of \(files) from the record\n")
    }
}

/// `3`, or `4-883`.
struct ImportRange: ExpressibleByArgument {
    var text: String
    var range: ClosedRange<Int64>

    init?(argument: String) {
        let parts = argument.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int64($0) }
        guard let first = parts[0], let last = parts[parts.count - 1], first <= last else { return nil }
        text = argument
        range = first...last
    }
}
