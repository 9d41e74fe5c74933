import API
import ArgumentParser
import Client
import Core
import Exchange
import Host
import Recording
import Service
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

    @Flag(help: "Replace a file that exists.")
    var force = false

    @OptionGroup var cells: CellOptions
    @OptionGroup(title: "Which runs") var filterOptions: FilterOptions
    @OptionGroup var state: RecordOptions

    func validate() throws {
        if runs, samples { throw ValidationError("Give either --runs or --samples.") }
        if samples, format != .csv { throw ValidationError("Samples are exported as csv alone.") }
        if format == .paper, output == nil || output == "-" {
            throw ValidationError("--format paper makes a directory; name it by --output.")
        }
        if format == .paper, force {
            throw ValidationError("--format paper makes a new directory; --force replaces a file alone.")
        }
    }

    func run() async throws {
        let surroundings = state.surroundings
        var filter = try filterOptions.filter
        // Samples outside any run are of no source; they are ours.
        if samples, filter == RunFilter(source: .taskwatt) { filter = RunFilter() }
        if let output { try surroundings.refuse(output: output) }
        let record = try await surroundings.record()
        // A directory is the paper layout's own to make.
        let out = try Output(format == .paper ? nil : output, force ? .replaced : .refused)
        let isEmpty: Bool
        let remarks: [String]
        do {
            if let kind = format.kind(samples: samples) {
                let written = try await record.writeExport(
                    kind, filter, hasRawCells: cells.areRaw, to: out.write)
                isEmpty = !filterOptions.asked.isEmpty && written.lines <= (kind == .jsonl ? 0 : 1)
                remarks = written.remarks
            } else {
                let written =
                    if format == .paper, let output {
                        try await record.exportRuns(
                            by: PaperExport(directory: output, hasRawCells: cells.areRaw), filter, to: out.write)
                    } else {
                        try await record.exportRuns(
                            by: AIEnergyScoreExport(hasRawCells: cells.areRaw), filter, to: out.write)
                    }
                (isEmpty, remarks) = (written.runs == 0, written.remarks)
            }
        } catch {
            out.discard()
            throw error
        }
        if isEmpty {
            out.discard()
            if let unknown = try await record.unknownName(in: filter) { throw unknown }
            throw nothing(remarks)
        }
        try out.close()
        for remark in remarks { Console.note(remark) }
    }

    private func nothing(_ remarks: [String]) -> UserError {
        let asked = filterOptions.asked
        return UserError(
            .notFound,
            (asked.isEmpty ? "there is no run to export" : "nothing fits \(asked)")
                + (remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"),
            remedy: asked.isEmpty ? nil : "without it the whole record is exported")
    }
}

/// Standard output, or what `--output` names.
private struct Output {
    private let file: OutputFile?

    init(_ path: String?, _ existing: OutputFile.Existing) throws {
        // What goes to a terminal is not what goes to a file.
        file = try path.flatMap { $0 == "-" ? nil : $0 }.map {
            try OutputFile($0, existing, remedy: "give another place by --output")
        }
    }

    func write(_ piece: [UInt8]) throws {
        guard let file else { return Console.print(document: piece) }
        try file.write(piece)
    }

    func discard() { file?.discard() }

    func close() throws { try file?.finish() }
}

extension ExportFormat: ExpressibleByArgument {}
