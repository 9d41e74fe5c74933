import API
import ArgumentParser
import Client
import Commands
import Core
import Exchange
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

    @Argument(
        help: ArgumentHelp("The figure: \(FigureKind.all.map(\.name).joined(separator: ", ")).", valueName: "name"),
        completion: .list(FigureKind.all.map(\.name)))
    var name: String?

    @Option(
        help:
            "The format: \(FigureFormat.allCases.map(\.rawValue).joined(separator: ", ")). Default: by the name of the output, else svg."
    )
    var format: FigureFormat?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The file to write. Default: `-`, the standard output.", valueName: "file"),
        completion: .file(extensions: FigureFormat.allCases.map(\.rawValue)))
    var output: String?

    @OptionGroup var force: ForceOption

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
        get throws { try name.map { name in try validated { try FigureKind.named(name) } } }
    }

    private var chosenFormat: FigureFormat {
        get throws { try format ?? validated { try FigureFormat.of(output) } }
    }

    func run() async throws {
        guard let kind = try kind else {
            Console.print(.lines(Self.list + "\n"))
            return
        }
        let format = try chosenFormat
        try format.refuseTerminal(output)
        let surroundings = state.surroundings
        let out = try DocumentOutput(output, force.existing, surroundings)
        let runs = try filter.runs
        let request = FigureRequest(
            kind, runs.options(isNet: net), isCSV: format == .csv, theme: theme, hasRawCells: cells.areRaw)
        let record = try await surroundings.record()
        let text = try await runs.naming(record) { try await record.figure(request) }
        try out.write(try await format.encoded(text, width: width))
        try out.finish(note: Console.note)
    }
}

extension FigureTheme: ExpressibleByArgument {}

extension FigureFormat: ExpressibleByArgument {}
