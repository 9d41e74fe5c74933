import ArgumentParser

/// Brings into the record what was measured elsewhere; one subcommand a format.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import measurements of other machines or programs.",
        discussion: """
            Bundles of other machines appear in the table beside this machine's runs. Measurements of other programs keep \
            their source and are never averaged with Taskwatt's own; `taskwatt table --source paper` shows them. Importing \
            a file twice changes nothing. `taskwatt import list` lists the imported files, and `import undo` removes them.
            """,
        subcommands: [
            ImportBundle.self, ImportPaper.self, ImportCodeCarbon.self, ImportList.self, ImportUndo.self,
        ])
}
