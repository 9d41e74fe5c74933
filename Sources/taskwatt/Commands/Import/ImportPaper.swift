import API
import ArgumentParser
import Exchange
import Service

struct ImportPaper: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "paper", abstract: "Import the logs of the paper's Table 2.",
        discussion: """
            The directory is data/emissions of github.com/sashavor/co2_inference, the logs of Luccioni et al., Power Hungry \
            Processing (arXiv 2311.16863), or a directory that `taskwatt export --format paper` wrote. Only the runs of \
            Table 2 are imported: those of the ten tasks in complete/, with resized images and summaries of 15 tokens, \
            without the two models that the table leaves out.

            Example:
              git clone https://github.com/sashavor/co2_inference
              taskwatt import paper co2_inference/data/emissions
              taskwatt table --source paper
            """)

    @Argument(help: "The directory that has base/ and complete/.", completion: .directory)
    var directory: String

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    /// Files that go to the record at a time: enough to show progress and to keep the daemon's requests short.
    private static let portion = 50

    func run() async throws {
        let paper = try PaperImport(directory, version: Version.current)
        let record = try await Record.find(Surroundings(), state)
        let summary = try await Interruption.cancelling {
            var summary = ImportSummary(passedOver: paper.passedOver, problems: paper.problems)
            let progress = ImportProgress()
            defer { progress.end() }
            var batches: [ImportBatch] = []
            for (index, run) in paper.runs.enumerated() {
                do throws(ImportProblem) {
                    let (batch, remark) = try paper.batch(run)
                    batches.append(batch)
                    if let remark { summary.remarks[remark, default: 0] += 1 }
                } catch {
                    summary.problems.append(error)
                }
                guard batches.count == Self.portion || index == paper.runs.count - 1 else { continue }
                try Task.checkCancellation()
                summary.outcome += try await record.bring(batches)
                batches = []
                progress.show(index + 1, of: paper.runs.count)
            }
            return summary
        }
        try summary.show(directory, asJSON: json)
    }
}
