import ArgumentParser
import Core
import Exchange
import Service

struct ImportCodeCarbon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codecarbon", abstract: "Import an emissions.csv of CodeCarbon.",
        discussion: """
            Every line is a run; of those with one run id, which CodeCarbon adds at each flush, the last. The log does not say \
            what was run: --task, --dataset and --inferences do. A file of which one line cannot be read is not imported at \
            all, unless --skip-bad leaves it out. Files of any version, of spreadsheets, and several pasted together are read.

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

    @Option(help: "The model of every line; else each line's project_name.")
    var model: String?

    @Option(help: "How many inferences a line stands for; 1000 unless it is given.")
    var inferences: Int?

    @Flag(help: "Leave out the lines that cannot be read, and import the others.")
    var skipBad = false

    @Flag(help: "Print what was done as JSON.")
    var json = false

    @OptionGroup var state: StateOptions

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
        var summary = ImportSummary(remarks: contents.remarks, problems: contents.problems)
        // Nothing is half-imported, unless it was said so.
        if contents.problems.isEmpty || isLeavingOut {
            summary.outcome = try await Record.find(Surroundings(), state).bring([contents.batch])
        }
        let taken =
            self.inferences == nil ? ", taken as \(inferences) inferences each (--inferences says otherwise)" : ""
        if !MLTask.paperTasks.contains(options.task) {
            Console.note("\(task) is none of the paper's ten tasks; the table has it under that name")
        }
        if summary.outcome.known > 0 {
            Console.note(
                "what is in the record keeps its task and inferences; to change them, `taskwatt import undo` first")
        }
        if isLeavingOut {
            try summary.show(file, remark: taken, asJSON: json, isLeavingOut: true)
        } else {
            try summary.show(
                file, remark: taken, asJSON: json, or: skipBad ? "" : ", or leave out what is bad by --skip-bad")
        }
    }
}
