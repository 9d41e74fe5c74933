import API
import ArgumentParser
import Client
import Commands
import Core
import Exchange
import Service
import Settings
import Terminal

struct ImportCodeCarbon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codecarbon", abstract: "Import an emissions.csv of CodeCarbon.",
        discussion: """
            Every line is a run; of lines with the same run id, which CodeCarbon adds at each flush, the last one counts. The \
            log does not say what was run: give --task, --dataset and --inferences. A file with an unreadable line is not \
            imported, unless --skip-bad leaves that line out. Files of all versions, files that a spreadsheet saved, and \
            files pasted together can be read.

            Examples:
              taskwatt import codecarbon emissions.csv --task fill-mask --inferences 1000
              taskwatt import codecarbon emissions.csv --task fill-mask --skip-bad
              taskwatt table --source codecarbon
            """)

    @Argument(help: "The file, usually emissions.csv.", completion: .file())
    var file: String

    @Option(help: "The task of every line, such as text-classification.")
    var task: String

    @Option(help: "The dataset of every line.")
    var dataset: String?

    @Option(help: "The model of every line. Default: the project_name of each line.")
    var model: String?

    @Option(help: "How many inferences a line stands for. Default: 1000.")
    var inferences: Int?

    @Flag(help: "Leave out unreadable lines, and import the others.")
    var skipBad = false

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: RecordOptions

    private static let usualInferences = 1000

    func validate() throws {
        if task.isEmpty { throw ValidationError("--task is empty; it is a name such as text-classification.") }
        if let inferences, !(1...1_000_000_000).contains(inferences) {
            throw ValidationError("--inferences must be from 1 to 1000000000, not \(inferences).")
        }
    }

    func run() async throws {
        let inferences = inferences ?? Self.usualInferences
        let options = CodeCarbonImport.Options(
            task: MLTask(rawValue: task), dataset: dataset, model: model, inferences: inferences)
        let contents = try CodeCarbonImport.read(file, options, version: Version.current)
        let isLeavingOut = skipBad && !contents.batch.suites.isEmpty
        let summary = try await state.record().bring(contents, isLeavingOut: isLeavingOut)
        let taken =
            self.inferences == nil ? ", taken as \(inferences) inferences each (--inferences says otherwise)" : ""
        if !MLTask.paperTasks.contains(options.task) {
            Console.note("\(task) is not one of the paper's ten tasks; the table shows it by that name")
        }
        if summary.outcome.known > 0 {
            Console.note(
                "runs that were in the record keep their task and inferences; to change them, run `taskwatt import undo` first"
            )
        }
        try summary.show(
            file, remark: taken, asJSON: answer.isJSON, isLeavingOut: isLeavingOut,
            or: skipBad ? "" : ", or leave them out by --skip-bad")
    }
}
