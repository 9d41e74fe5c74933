import API
import ArgumentParser
import Client
import Commands
import Core
import Exchange
import Terminal

struct ImportBundle: CancellableCommand {
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

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: RecordOptions

    func work() async throws {
        let outcomes = try await state.record().bring(
            bundles: files, each: { if !answer.isJSON { Console.print("\($0.text)\n") } }, complain: Console.complain)
        if answer.isJSON { Console.print(try Console.json(outcomes)) }
        let problems = files.count - outcomes.count
        if problems > 0 { throw UserError(.failed, "\(problems) of \(files.count) files not imported") }
    }
}
