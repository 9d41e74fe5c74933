import ArgumentParser
import Client
import Commands
import Core
import Exchange
import Recording
import Settings
import Terminal

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export every run, or every sample, with all its data.",
        discussion: """
            \(NameList.text(ExportFormat.allCases.map { ($0.rawValue, $0.meaning) }))

            In ai-energy-score gpu_energy_wh is the energy of the run, total_gpu_energy that of 1000 inferences in kWh.
            Times are ISO 8601 in UTC, text is UTF-8. Without --source only Taskwatt's own runs are exported. A file that \
            exists is not replaced without --force.

            Examples:
              taskwatt export > runs.csv
              taskwatt export --samples --suite-run last > samples.csv
              taskwatt export --format jsonl --since 7d | jq .record.energy.total
              taskwatt export --format codecarbon --output emissions.csv
              taskwatt export --format paper --output logs
              taskwatt export --format ai-energy-score > master_results.csv
            """)

    @Option(help: "The format: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: ExportFormat = .csv

    @Flag(help: "Export every measured window, one per line (the default).")
    var runs = false

    @Flag(help: "Export every sample of every meter, one per line; csv only.")
    var samples = false

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The file to write, or for paper a new directory. Default: `-`, the standard output.",
            valueName: "path"),
        completion: .file())
    var output: String?

    @OptionGroup var force: ForceOption

    @OptionGroup var cells: CellOptions
    @OptionGroup(title: "Which runs") var filter: FilterOptions
    @OptionGroup var state: RecordOptions

    func validate() throws {
        if runs, samples { throw ValidationError("Give either --runs or --samples.") }
        if samples, format != .csv { throw ValidationError("Samples are exported as csv alone.") }
        if format == .paper, output == nil || output == "-" {
            throw ValidationError("--format paper makes a directory; name it by --output.")
        }
        if format == .paper, force.isGiven {
            throw ValidationError("--format paper makes a new directory; --force replaces a file alone.")
        }
    }

    func run() async throws {
        let surroundings = state.surroundings
        let record = try await surroundings.record()
        // A directory is the paper layout's own to make.
        let out = try DocumentOutput(format == .paper ? nil : output, force.existing, surroundings)
        let export = RecordExport(format, isSamples: samples, hasRawCells: cells.areRaw, path: output)
        for remark in try await export.write(try filter.runs, of: record, to: out) { Console.note(remark) }
    }
}

extension ExportFormat: ExpressibleByArgument {}
