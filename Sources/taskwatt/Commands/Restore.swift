import ArgumentParser
import Commands

struct Restore: CancellableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup into the place of the record.",
        discussion: """
            Copies the file that `taskwatt backup` wrote beside the record, checks every page of the copy, and gives it the \
            record's name in one step. A record that is there and has something in it is replaced only with --replace, and \
            stays beside the new one as taskwatt.sqlite.before-restore-…. A backup of an older version is migrated when it is \
            first used. Stop the daemon first.

            Examples:
              sudo systemctl stop taskwatt
              sudo taskwatt restore FILE --state-dir /var/lib/taskwatt --replace
              sudo systemctl start taskwatt
            """)

    @Argument(help: "The backup.", completion: .file())
    var file: String

    @Flag(help: "Replace a record that has something in it, and keep it beside.")
    var replace = false

    @OptionGroup var state: StateOptions

    func work() async throws { try await state.surroundings.restore(file, isReplacing: replace) }
}
