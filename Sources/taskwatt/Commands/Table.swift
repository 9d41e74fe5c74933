import ArgumentParser
import Core
import Foundation
import Reporting

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

extension TableFormat: ExpressibleByArgument {}
