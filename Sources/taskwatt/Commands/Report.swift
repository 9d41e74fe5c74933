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

    @Option(help: "Only this task.")
    var task: String?

    @Option(help: ArgumentHelp("Only this suite's runs: its UUID, or `last`.", valueName: "uuid"))
    var suiteRun: String?

    @OptionGroup var state: StateOptions

    func run() async throws {
        let surroundings = Surroundings()
        let html: String
        if let client = await DaemonClient.find(surroundings.daemonStates(state)) {
            html = try await client.text(
                "/v1/report", ["net": String(net), "suite_run": suiteRun, "task": task])
        } else {
            var options = ReportPage.Options(version: Version.current, writtenAt: Date().timeIntervalSince1970)
            options.isNet = net
            options.filter.suiteRun = suiteRun
            options.filter.task = task.map(MLTask.init(rawValue:))
            let page = try ReportPage(try Record.open(surroundings, state), options)
            if page.isEmpty { throw APIError.nothingToReport(options.filter) }
            html = page.html
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
