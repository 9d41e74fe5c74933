import API
import ArgumentParser
import Client
import Core
import Exchange
import Foundation
import Host
import Recording
import Reporting
import Service
import Terminal

struct FigureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "figure",
        abstract: "Write one figure of the report to a file, for a paper.",
        discussion: """
            \(list)

            svg needs no scripts and no other file; csv has the data of the figure. pdf and png need `rsvg-convert` (Debian's
            package librsvg2-bin). Without a name the figures are listed. A file that exists is not \
            replaced without --force.

            Examples:
              taskwatt figure
              taskwatt figure energy --output energy.pdf
              taskwatt figure plane --suite-run last --theme grey --output plane.svg
              taskwatt figure power --task fill-mask --width 3000 --output power.png
              taskwatt figure energy --net --format csv
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case svg, pdf, png, csv
    }

    @Argument(
        help: ArgumentHelp("The figure: \(FigureKind.all.map(\.name).joined(separator: ", ")).", valueName: "name"),
        completion: .list(FigureKind.all.map(\.name)))
    var name: String?

    @Option(
        help:
            "The format: \(Format.allCases.map(\.rawValue).joined(separator: ", ")). Default: by the name of the output, else svg."
    )
    var format: Format?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The file to write. Default: `-`, the standard output.", valueName: "file"),
        completion: .file(extensions: Format.allCases.map(\.rawValue)))
    var output: String?

    @Flag(help: "Replace a file that exists.")
    var force = false

    @Option(help: "The colours: \(FigureTheme.allCases.map(\.rawValue).joined(separator: ", ")).")
    var theme: FigureTheme = .light

    @Option(
        help: ArgumentHelp(
            "The width of a png in pixels, \(FigureConverter.widths.lowerBound) to \(FigureConverter.widths.upperBound). Default: \(FigureConverter.usualWidth).",
            valueName: "px"))
    var width: Int?

    @Flag(help: "Subtract the idle power.")
    var net = false

    @OptionGroup var cells: CellOptions
    @OptionGroup(title: "Which runs") var filter: FilterOptions
    @OptionGroup var state: RecordOptions

    private static var list: String { NameList.text(FigureKind.all.map { ($0.name, $0.meaning) }) }

    func validate() throws {
        if let width, !FigureConverter.widths.contains(width) {
            throw ValidationError(
                "--width must be \(FigureConverter.widths.lowerBound) to \(FigureConverter.widths.upperBound) pixels, not \(width)."
            )
        }
        let format = try chosenFormat
        if width != nil, format != .png {
            throw ValidationError("--width is for png only, not for \(format.rawValue).")
        }
        _ = try kind
        _ = try filter.filter
    }

    private var kind: FigureKind? {
        get throws {
            guard let name else { return nil }
            do { return try FigureKind.named(name) } catch { throw ValidationError("\(error).") }
        }
    }

    private var chosenFormat: Format {
        get throws {
            if let format { return format }
            guard let output, output != "-" else { return .svg }
            let end = URL(fileURLWithPath: output).pathExtension.lowercased()
            guard let format = Format(rawValue: end) else {
                let known = Format.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("The name \(output) does not end in a known format; give --format: \(known).")
            }
            return format
        }
    }

    func run() async throws {
        guard let kind = try kind else {
            Console.print(.lines(Self.list + "\n"))
            return
        }
        let format = try chosenFormat
        let output = output ?? "-"
        if output == "-", format == .pdf || format == .png, isatty(STDOUT_FILENO) != 0 {
            throw UserError(
                .failed, "a \(format.rawValue) cannot be shown on a terminal", remedy: "name a file by --output")
        }
        let surroundings = state.surroundings
        let file = output == "-" ? nil : try surroundings.output(output, force ? .replaced : .refused)
        let request = FigureRequest(
            kind, try filter.options(isNet: net), isCSV: format == .csv, theme: theme, hasRawCells: cells.areRaw)
        let record = try await surroundings.record()
        let text = try await filter.naming(record) { try await record.figure(request) }
        let bytes =
            switch format {
            case .svg, .csv: Array(text.utf8)
            case .pdf: try await FigureConverter.pdf(text)
            case .png: try await FigureConverter.png(text, width: width ?? FigureConverter.usualWidth)
            }
        guard let file else {
            if format == .svg || format == .csv { Console.print(document: text) } else { Console.print(raw: bytes) }
            return
        }
        try file.write(bytes)
        try file.finish()
        Console.note("wrote \(output)")
    }
}

extension FigureTheme: ExpressibleByArgument {}
