import ArgumentParser
import Core
import Foundation
import Host
import Recording
import Reporting
import Service

struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write the report: one HTML file with the table, the pictures, the machine and the method.",
        discussion: """
            Any browser opens and prints the file; it needs no network and no scripts. A file that exists is not replaced \
            without --force.

            Examples:
              taskwatt report
              taskwatt report --force          the same again, in the place of the old one
              taskwatt report --suite-run last --output tonight.html
              taskwatt report --net --output - | less
              taskwatt report --suite-run last --methods > methods.tex
            """)

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "Where to; `-` is the standard output. Default: report.html, and with --methods the standard output.",
            valueName: "file"),
        completion: .file(extensions: ["html", "tex"]))
    var output: String?

    @Flag(help: "Instead: the paragraph for a paper's section on methods, in LaTeX, with BibTeX, from what was done.")
    var methods = false

    @Flag(help: "Replace a file that exists.")
    var force = false

    @Flag(help: "Less the idle baseline.")
    var net = false

    @OptionGroup var carbonOptions: CarbonOptions
    @OptionGroup(title: "Which runs") var filter: FilterOptions
    @OptionGroup var state: StateOptions

    func validate() throws {
        if methods, try options.filter.source != .taskwatt {
            throw ValidationError("--methods tells what Taskwatt did; of imported logs it does not know.")
        }
        _ = try options
    }

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
        let output = output ?? (methods ? "-" : "report.html")
        let text: String
        do {
            let record = try await Record.find(surroundings, state)
            text = methods ? try await record.methods(options) : try await record.report(options)
        } catch let error as APIError where error == .nothingToReport && !filter.asked.isEmpty {
            throw CommandFailure("no run fits \(filter.asked); without it the whole record is reported")
        }
        if output == "-" {
            Console.print(document: text)
            return
        }
        try Record.refuse(output: output, surroundings.daemonStates(state) + [surroundings.ownState(state)])
        let file = try OutputFile(
            output, force ? .replaced : .refused, remedy: "name another place with --output")
        try file.write(text.utf8)
        try file.finish()
        Console.note("\(output) is written")
    }
}
