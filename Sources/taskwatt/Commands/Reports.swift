import ArgumentParser
import Core
import Foundation
import Recording
import Reporting
import Service

struct Table: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the table of kWh per 1,000 inferences.",
        discussion: """
            Examples:
              taskwatt table
              taskwatt table --suite-run last
              taskwatt table --net --format csv > table.csv
            """)

    @Option(help: "How: \(TableFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: TableFormat = .text

    @Flag(help: "Less the idle baseline.")
    var net = false

    @Option(help: "Only this task.")
    var task: String?

    @Option(help: ArgumentHelp("Only this suite's runs: its UUID, or `last`.", valueName: "uuid"))
    var suiteRun: String?

    @OptionGroup var state: StateOptions

    func run() async throws {
        var options = TableReport.Options()
        options.isNet = net
        options.suiteRun = suiteRun
        options.task = task.map(MLTask.init(rawValue:))
        let surroundings = Surroundings()
        let report: TableReport
        if let client = await DaemonClient.find(surroundings.daemonStates(state)) {
            var query = "net=\(net)"
            let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._"))
            for (name, value) in [("suite_run", suiteRun), ("task", task)] {
                if let value = value?.addingPercentEncoding(withAllowedCharacters: allowed) {
                    query += "&\(name)=\(value)"
                }
            }
            report = try await client.get("/v1/table?\(query)")
        } else {
            report = try TableReport(try Record.open(surroundings, state), options)
        }
        if report.rows.isEmpty, format == .text {
            let left = report.leftOut.map { "\($0.value) left out: \($0.key)" }.sorted().joined(separator: ", ")
            let asked = [suiteRun.map { "--suite-run \($0)" }, task.map { "--task \($0)" }].compactMap(\.self)
            if left.isEmpty, !asked.isEmpty {
                throw CommandFailure(
                    "no run fits \(asked.joined(separator: " ")); without it the whole record is shown")
            }
            throw CommandFailure("no run fits" + (left.isEmpty ? "; `taskwatt run` makes the first" : " (\(left))"))
        }
        Console.print(report.rendered(as: format))
    }
}

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

/// The record of this user, read without a daemon.
enum Record {
    static func open(_ surroundings: Surroundings, _ options: StateOptions) throws -> Store {
        let directory = surroundings.ownState(options)
        guard let store = try Store.existing(directory: directory.path) else {
            throw CommandFailure("there is no record in \(directory.path) yet; `taskwatt run` makes one")
        }
        return store
    }
}

extension TableFormat: ExpressibleByArgument {}
