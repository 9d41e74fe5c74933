import API
import ArgumentParser
import Client
import Core
import Exchange
import Recording
import Reporting
import Settings
import Terminal

struct ImportList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the imported files.",
        discussion: """
            Files of one directory that were imported together share a line.

            Examples:
              taskwatt import list
              taskwatt import list --json | jq -r '.[].file'
            """)

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: RecordOptions

    func run() async throws {
        let imports = try await state.surroundings.record().imports()
        if json { return Console.print(try Console.json(imports)) }
        guard !imports.isEmpty else { return Console.note("nothing was imported") }
        var table = TextTable([
            ("import", .right), ("source", .left), ("when", .left), ("suites", .right), ("runs", .right),
            ("file", .left),
        ])
        for group in ImportGroup.groups(imports) {
            table.add([
                group.numbers, group.first.source.rawValue, CSVWriter.time(group.first.importedAt).prefix(16) + "Z",
                "\(group.suites)", "\(group.runs)", group.files,
            ])
        }
        Console.print(.lines(table.text()))
    }
}
