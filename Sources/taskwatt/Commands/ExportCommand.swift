import ArgumentParser
import Exchange

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export every run, or every sample, as CSV.",
        discussion: """
            RFC 4180, one header, units in the column names, ISO 8601 times in UTC, UTF-8.

            Examples:
              taskwatt export --runs > runs.csv
              taskwatt export --samples > samples.csv
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case csv }

    @Option(help: "The format: csv.")
    var format: Format = .csv

    @Flag(help: "Every measured window, one a line (the default).")
    var runs = false

    @Flag(help: "Every sample of every meter, one a line.")
    var samples = false

    @Option(help: ArgumentHelp("Only this suite's: its UUID, or `last`.", valueName: "uuid"))
    var suiteRun: String?

    @OptionGroup var state: StateOptions

    func validate() throws {
        if runs, samples { throw ValidationError("Give either --runs or --samples.") }
    }

    func run() async throws {
        let kind: Export.Kind = samples ? .samples : .runs
        var lines = 0
        func show(_ piece: String) {
            lines += piece.utf8.count { $0 == UInt8(ascii: "\n") }
            Console.print(piece)
        }
        let surroundings = Surroundings()
        if let client = await DaemonClient.find(surroundings.daemonStates(state)) {
            let query = suiteRun.map { "?suite_run=\($0)" } ?? ""
            try await client.pieces("/v1/export/\(kind.rawValue)\(query)") { show($0) }
        } else {
            var export = Export(kind, of: try Record.open(surroundings, state), suiteRun: suiteRun)
            while let piece = try export.next() { show(piece) }
        }
        if let suiteRun, lines <= 1 {
            throw CommandFailure("nothing fits --suite-run \(suiteRun); without it the whole record is exported")
        }
    }
}
