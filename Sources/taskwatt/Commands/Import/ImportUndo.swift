import ArgumentParser
import Commands
import Core
import Recording
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

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: RecordOptions

    func validate() throws {
        guard numbers.isEmpty else { return }
        throw ValidationError("give the number of an import; `taskwatt import list` shows all")
    }

    func run() async throws {
        let undone = try await state.record().undoImports(numbers)
        let runs = FigureText.count(undone.reduce(0) { $0 + $1.runs }, "run")
        let files = undone.count == 1 ? undone[0].file : "\(undone.count) files"
        try answer.print(undone, "removed \(runs) of \(files) from the record\n")
    }
}

extension ImportRange: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
