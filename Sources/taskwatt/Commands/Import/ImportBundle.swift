import API
import ArgumentParser
import Client
import Core
import Exchange
import Service
import Settings
import Terminal

struct ImportBundle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle", abstract: "Import bundles of other machines into the record.",
        discussion: """
            A file is verified first, as by `taskwatt verify`, and imported whole or not at all. Table, report and comparison \
            keep machines apart. Importing a file twice changes nothing.

            Examples:
              taskwatt import bundle laptop.tar.zst server.tar.zst
              taskwatt import bundle *.tar.zst && taskwatt table
            """)

    @Argument(help: "Files that `taskwatt bundle` wrote.", completion: .file())
    var files: [String]

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: RecordOptions

    func run() async throws {
        let command = self
        try await Interruption.cancelling { try await command.bring() }
    }

    private func bring() async throws {
        let record = try await state.surroundings.record()
        var outcomes: [BundleImport.Outcome] = []
        var problems = 0
        for file in files {
            do {
                let outcome = try await record.bring(bundle: file)
                outcomes.append(outcome)
                if !json { Console.print("\(outcome.text)\n") }
            } catch  where files.count > 1 && (error is BundleError || error is UserError) {
                // One bad file of many keeps none of the others out.
                Console.complain("\(error)")
                problems += 1
            }
        }
        if json { Console.print(try Console.json(outcomes)) }
        if problems > 0 {
            throw UserError(.failed, "\(problems) of \(files.count) files not imported")
        }
    }
}
