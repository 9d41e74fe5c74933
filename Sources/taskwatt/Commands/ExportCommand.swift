import API
import ArgumentParser
import Core
import Exchange
import Foundation
import Host
import Recording
import Reporting
import Service

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export every run, or every sample, with all its data.",
        discussion: """
            \(NameList.text(ExportFormat.allCases.map { ($0.rawValue, $0.meaning) }))

            In ai-energy-score gpu_energy_wh is the energy of the run, total_gpu_energy that of 1000 inferences in kWh.
            Times are ISO 8601 in UTC, text is UTF-8. Without --source only Taskwatt's own runs are exported. --output replaces \
            a file that exists.

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

    @OptionGroup var cells: CellOptions
    @OptionGroup(title: "Which runs") var filterOptions: FilterOptions
    @OptionGroup var state: StateOptions

    func validate() throws {
        if runs, samples { throw ValidationError("Give either --runs or --samples.") }
        if samples, format != .csv { throw ValidationError("Samples are exported as csv alone.") }
        if format == .paper, output == nil || output == "-" {
            throw ValidationError("--format paper makes a directory; name it by --output.")
        }
    }

    func run() async throws {
        let surroundings = Surroundings()
        var filter = try filterOptions.filter
        // Samples outside any run are of no source; they are ours.
        if samples, filter == RunFilter(source: .taskwatt) { filter = RunFilter() }
        if let output {
            try Record.refuse(output: output, surroundings.daemonStates(state) + [surroundings.ownState(state)])
        }
        let record = try await Record.find(surroundings, state)
        func eachPiece(_ kind: Export.Kind, _ body: ([UInt8]) throws -> Void) async throws {
            let damaged = try await record.export(kind, filter, hasRawCells: cells.areRaw, body)
            if let damaged, damaged > 0 {
                Console.note("left out: \(FigureText.count(damaged, "run")) damaged in the record")
            }
        }
        // Over JSON lines, which a daemon gives as well as the record.
        func eachRun(_ body: (ExportedRun) throws -> Void) async throws {
            let decoder = JSONDecoder()
            var rest: [UInt8] = []
            try await eachPiece(.jsonl) { piece in
                rest += piece
                var start = 0
                while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                    // What is damaged in the record is left out, as of the other formats.
                    let run = try? decoder.decode(ExportedRun.self, from: Data(rest[start..<end]))
                    if let run, run.record.outOfBounds == nil { try body(run) }
                    start = end + 1
                }
                rest.removeFirst(start)
            }
        }
        guard let kind = format.kind(samples: samples) else {
            guard format == .paper, let output else {
                return try await write(AIEnergyScoreExport(hasRawCells: cells.areRaw), to: try Output(output), eachRun)
            }
            return try await write(PaperExport(directory: output, hasRawCells: cells.areRaw), to: nil, eachRun)
        }
        var lines = 0
        let out = try Output(output)
        try await eachPiece(kind) { piece in
            lines += piece.count { $0 == UInt8(ascii: "\n") }
            try out.write(piece)
        }
        let isEmpty = !filterOptions.asked.isEmpty && lines <= (kind == .jsonl ? 0 : 1)
        if isEmpty { out.discard() } else { try out.close() }
        if isEmpty {
            throw UserError(
                .notFound, "nothing fits \(filterOptions.asked)", remedy: "without it the whole record is exported")
        }
    }

    /// Has a layout write all runs.
    ///
    /// - Parameter out: where to; `nil` of a layout that has a place of its own.
    private func write(
        _ exporter: some RunExporter, to out: Output?, _ eachRun: ((ExportedRun) throws -> Void) async throws -> Void
    ) async throws {
        var exporter = exporter
        var hasHeader = false
        do {
            try await eachRun { run in
                let bytes = try exporter.write(run)
                guard !bytes.isEmpty else { return }
                // Of nothing there is no header either.
                if !hasHeader { try out?.write(exporter.header) }
                hasHeader = true
                try out?.write(bytes)
            }
            guard exporter.runs > 0 else { throw nothingToExport(exporter.remarks.joined(separator: "; ")) }
            try out?.close()
        } catch {
            out?.discard()
            exporter.discard()
            throw error
        }
        exporter.finish()
        for remark in exporter.remarks { Console.note(remark) }
    }

    private func nothingToExport(_ why: String) -> UserError {
        UserError(
            .notFound,
            "no query run to export" + (filterOptions.asked.isEmpty ? "" : " fits \(filterOptions.asked)")
                + (why.isEmpty ? "" : "; \(why)"))
    }
}

/// Standard output, or what `--output` names.
private struct Output {
    private let file: OutputFile?

    init(_ path: String?) throws {
        // What goes to a terminal is not what goes to a file.
        file = try path.flatMap { $0 == "-" ? nil : $0 }.map {
            try OutputFile($0, remedy: "give another place by --output")
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
