import ArgumentParser
import Core
import Foundation
import Host
import Recording
import Reporting
import Service

struct FigureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "figure",
        abstract: "Write one figure of the report alone, for a paper, with its data.",
        discussion: """
            \(list)

            svg is without scripts and needs nothing beside it; csv is all that is drawn. pdf and png are made by `rsvg-convert`
            (Debian's package librsvg2-bin). Without a name the figures are listed.

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
        help: ArgumentHelp("Which: \(FigureKind.all.map(\.name).joined(separator: ", ")).", valueName: "name"),
        completion: .list(FigureKind.all.map(\.name)))
    var name: String?

    @Option(
        help:
            "The format: \(Format.allCases.map(\.rawValue).joined(separator: ", ")). Default: what the output's name ends in, else svg."
    )
    var format: Format?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Where to; `-` is the standard output, the default.", valueName: "file"),
        completion: .file(extensions: Format.allCases.map(\.rawValue)))
    var output: String?

    @Option(help: "How it looks: \(FigureTheme.allCases.map(\.rawValue).joined(separator: ", ")).")
    var theme: FigureTheme = .light

    @Option(
        help: ArgumentHelp(
            "Of a png, in pixels, \(FigureConverter.widths.lowerBound) to \(FigureConverter.widths.upperBound). Default: \(FigureConverter.usualWidth).",
            valueName: "px"))
    var width: Int?

    @Flag(help: "Less the idle baseline.")
    var net = false

    @OptionGroup var cells: CellOptions
    @OptionGroup(title: "Which runs") var filter: FilterOptions
    @OptionGroup var state: StateOptions

    private static var list: String {
        let longest = FigureKind.all.map(\.name.count).max() ?? 0
        return FigureKind.all.map { kind in
            kind.name + String(repeating: " ", count: max(0, longest - kind.name.count) + 2) + kind.meaning
        }.joined(separator: "\n")
    }

    func validate() throws {
        if let width, !FigureConverter.widths.contains(width) {
            throw ValidationError(
                "--width must be \(FigureConverter.widths.lowerBound) to \(FigureConverter.widths.upperBound) pixels, not \(width)."
            )
        }
        let format = try chosenFormat
        if width != nil, format != .png { throw ValidationError("--width is of a png; a \(format.rawValue) has none.") }
        _ = try kind
        _ = try options
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
                throw ValidationError("The name \(output) does not tell the format; give --format: \(known).")
            }
            return format
        }
    }

    private var options: TableReport.Options {
        get throws {
            var options = TableReport.Options()
            options.isNet = net
            options.filter = try filter.filter
            return options
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
            throw CommandFailure("a \(format.rawValue) is nothing for a terminal; name a file by --output")
        }
        let surroundings = Surroundings()
        var file: OutputFile?
        if output != "-" {
            try Record.refuse(output: output, surroundings.daemonStates(state) + [surroundings.ownState(state)])
            file = try OutputFile(output, remedy: "name another place with --output")
        }
        let text = try await document(kind, isCSV: format == .csv, surroundings)
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
        Console.note("\(output) is written")
    }

    /// The figure as SVG or CSV, of the daemon's record or our own.
    private func document(_ kind: FigureKind, isCSV: Bool, _ surroundings: Surroundings) async throws -> String {
        do {
            return try await Record.find(surroundings, state).figure(
                FigureRequest(kind, try options, isCSV: isCSV, theme: theme, hasRawCells: cells.areRaw))
        } catch let error as APIError where error == .nothingToReport && !filter.asked.isEmpty {
            throw CommandFailure("no run fits \(filter.asked); without it the whole record is drawn")
        }
    }
}

extension FigureTheme: ExpressibleByArgument {}
