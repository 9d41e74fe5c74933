import ArgumentParser
import Foundation
import Host
import Recording
import Service

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write a whole copy of the record, while it is in use.",
        discussion: """
            The file is an SQLite database, as of one moment. To go back to it, stop the daemon and put the file in the place \
            of taskwatt.sqlite in the state directory, with taskwatt.sqlite-wal and -shm removed.

            Examples:
              taskwatt backup taskwatt-$(date +%F).sqlite
              taskwatt backup --force /mnt/backup/taskwatt.sqlite
            """)

    @Argument(help: "The file to write.", completion: .file())
    var file: String

    @Flag(help: "Replace a file that is there.")
    var force = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let command = self
        try await Interruption.cancelling { try await command.write() }
    }

    private func write() async throws {
        let surroundings = Surroundings()
        let record = try await Record.find(surroundings, state)
        try Record.refuse(output: file, surroundings.daemonStates(state) + [surroundings.ownState(state)])
        // The record is for its owner and group, and a copy of it for nobody else.
        let output = try OutputFile(file, force ? .replaced : .refused, isPrivate: true)
        try await record.backup(to: output)
        guard let size = try output.finish() else { return }
        Console.note("\(file): \((size + 1023) / 1024) KiB")
    }
}
