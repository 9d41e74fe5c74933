import API
import ArgumentParser
import Client
import Commands
import Exchange
import Terminal

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

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: RecordOptions

    func run() async throws {
        let paper = try PaperImport(directory, version: Version.current)
        let record = try await state.record()
        let summary = try await Interruption.cancelling { try await record.bring(paper) }
        try summary.show(directory, asJSON: answer.isJSON)
    }
}
