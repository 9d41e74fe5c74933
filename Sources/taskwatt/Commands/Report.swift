import API
import ArgumentParser
import Client
import Commands
import Core
import Recording
import Reporting
import Settings
import Terminal

struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write one HTML file with the table, figures, machine and method.",
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
            "The file to write; `-` is the standard output. Default: report.html, with --methods the standard output.",
            valueName: "file"),
        completion: .file(extensions: ["html", "tex"]))
    var output: String?

    @Flag(help: "Write the methods paragraph for a paper instead, in LaTeX with BibTeX.")
    var methods = false

    @OptionGroup var force: ForceOption

    @Flag(help: "Subtract the idle power.")
    var net = false

    @OptionGroup var carbonOptions: CarbonOptions
    @OptionGroup(title: "Which runs") var filter: FilterOptions
    @OptionGroup var state: RecordOptions

    func validate() throws {
        if methods, try options.filter.source != .taskwatt {
            throw ValidationError("--methods describes what Taskwatt measured, and not imported logs.")
        }
        _ = try options
    }

    private var options: TableReport.Options {
        get throws { try filter.runs.options(isNet: net, carbon: carbonOptions.intensity) }
    }

    func run() async throws {
        let (surroundings, options) = (state.surroundings, try options)
        let record = try await surroundings.record()
        let text = try await filter.runs.naming(record) {
            methods ? try await record.methods(options) : try await record.report(options)
        }
        let out = try DocumentOutput(output ?? (methods ? "-" : "report.html"), force.existing, surroundings)
        try out.write(all: text, note: Console.note)
    }
}
