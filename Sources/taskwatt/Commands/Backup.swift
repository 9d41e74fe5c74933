import API
import ArgumentParser
import Client
import Foundation
import Host
import Recording
import Service
import Settings
import Terminal

struct Backup: AsyncParsableCommand {
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

    @Flag(help: "Replace a file that exists.")
    var force = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        guard let keep else { return }
        guard (1...100_000).contains(keep) else { throw ValidationError("--keep must be from 1 to 100000.") }
        if force { throw ValidationError("--keep gives each backup a name of its own; leave out --force.") }
    }

    func run() async throws {
        let command = self
        try await Interruption.cancelling { try await command.write() }
    }

    private func write() async throws {
        let surroundings = state.surroundings
        let rotation = keep.map { _ in BackupRotation(file, machine: surroundings.machineName) }
        let place = rotation?.file(at: Date().timeIntervalSince1970) ?? file
        let record = try await surroundings.record()
        // The record is for its owner and group, and a copy of it for nobody else.
        let output = try surroundings.output(
            place, force ? .replaced : .refused, isPrivate: true, remedy: "name another place")
        try await record.backup(to: output)
        guard let size = try output.finish() else { return }
        Console.note("\(place): \((size + 1023) / 1024) KiB")
        guard let rotation, let keep else { return }
        let gone = try rotation.removeOutdated(keeping: keep)
        if !gone.isEmpty { Console.note("removed \(gone.joined(separator: ", "))") }
    }
}
