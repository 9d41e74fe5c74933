import ArgumentParser

/// Brings into the record what was measured elsewhere; one subcommand a format.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring into the record what other machines or programs measured.",
        subcommands: [ImportBundle.self])
}
