import ArgumentParser
import Commands

struct Backup: CancellableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the whole record to a file, while it is in use.",
        discussion: """
            The file is an SQLite database of one moment, which `taskwatt restore` checks and puts back. With --keep the \
            place is a directory: each backup has the machine and the time in its name, and once it is whole the machine's \
            oldest ones there are removed. The package does that each night: `systemctl enable --now taskwatt-backup.timer`.

            Examples:
              taskwatt backup taskwatt-$(date +%F).sqlite
              taskwatt backup --force /mnt/backup/taskwatt.sqlite
              taskwatt backup /mnt/backup --keep 14
            """)

    @Argument(help: "The file to write; with --keep, the directory.", completion: .file())
    var file: String

    @Option(help: ArgumentHelp("Keep this many backups in a directory, and remove older ones.", valueName: "number"))
    var keep: Int?

    @OptionGroup var force: ForceOption

    @OptionGroup var state: StateOptions

    func validate() throws {
        guard let keep else { return }
        guard (1...100_000).contains(keep) else { throw ValidationError("--keep must be from 1 to 100000.") }
        if force.isGiven { throw ValidationError("--keep gives each backup a name of its own; leave out --force.") }
    }

    func work() async throws {
        try await RecordBackup(state.surroundings, file, keeping: keep).write(force.existing)
    }
}
