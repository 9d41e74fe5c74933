import ArgumentParser
import Core
import Recording
import Service

struct ImportUndo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Take out of the record what files brought.",
        discussion: """
            For a file that was imported with the wrong --task or --inferences: undo it, and import it again. What was \
            measured here stays as it is.

            Examples:
              taskwatt import list
              taskwatt import undo 3
              taskwatt import undo 4-883
            """)

    @Argument(
        help: "The number of an import, or the first and the last of several, as `taskwatt import list` has them.")
    var numbers: [ImportRange] = []

    @Flag(help: "Print what was taken out as JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        guard numbers.isEmpty else { return }
        throw ValidationError("say which import by its number; `taskwatt import list` has them")
    }

    func run() async throws {
        let record = try await Record.find(Surroundings(), state)
        let known = try await record.imports()
        for asked in numbers where !known.contains(where: { asked.range.contains($0.id) }) {
            throw CommandFailure("there is no import \(asked.text); `taskwatt import list` has them")
        }
        var undone: [StoredImport] = []
        for item in known where numbers.contains(where: { $0.range.contains(item.id) }) {
            if let found = try await record.undoImport(item.id) { undone.append(found) }
        }
        if json { return Console.print(try Console.json(undone)) }
        let runs = undone.reduce(0) { $0 + $1.runs }
        let files = undone.count == 1 ? undone[0].file : "\(undone.count) files"
        Console.print("\(runs) run\(runs == 1 ? "" : "s") of \(files) taken out of the record\n")
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
