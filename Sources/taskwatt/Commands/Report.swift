import ArgumentParser
import Core
import Foundation
import Recording
import Reporting
import Service

struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the report: one HTML file with the table, the pictures, the machine and the method.",
        discussion: """
            The file opens without a network and without scripts, in any browser. It prints, too.

            Examples:
              taskwatt report
              taskwatt report --suite-run last --output tonight.html
              taskwatt report --net --output - | less
            """)

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Where to; `-` is the standard output.", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var output = "report.html"

    @Flag(help: "Less the idle baseline.")
    var net = false

    @OptionGroup var carbonOptions: CarbonOptions
    @OptionGroup(title: "Which runs") var filter: FilterOptions
    @OptionGroup var state: StateOptions

    func validate() throws { _ = try options }

    private var options: TableReport.Options {
        get throws {
            var options = TableReport.Options()
            options.isNet = net
            options.filter = try filter.filter
            options.carbon = try carbonOptions.intensity
            return options
        }
    }

    func run() async throws {
        let surroundings = Surroundings()
        let html: String
        do {
            if let client = await DaemonClient.find(surroundings.daemonStates(state)) {
                html = try await client.text("/v1/report?\(try TableQuery(options).text)")
            } else {
                let page = try ReportPage(
                    try Record.open(surroundings, state),
                    ReportPage.Options(
                        table: options, version: Version.current, writtenAt: Date().timeIntervalSince1970))
                if page.isEmpty { throw APIError.nothingToReport }
                html = page.html
            }
        } catch let error as APIError where error == .nothingToReport && !filter.asked.isEmpty {
            throw CommandFailure("no run fits \(filter.asked); without it the whole record is reported")
        }
        if output == "-" {
            Console.print(html)
            return
        }
        do {
            // Written beside it and then moved: what was there before stays whole if the disk is full.
            try Data(html.utf8).write(to: URL(fileURLWithPath: output), options: .atomic)
        } catch {
            throw CommandFailure(
                "\(output) cannot be written: \((error as NSError).localizedDescription); name another place with --output"
            )
        }
        Console.note("\(output) is written")
    }
}
