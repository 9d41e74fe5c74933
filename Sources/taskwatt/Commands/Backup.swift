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
            The file is an SQLite database of one moment. To restore it, stop the daemon, remove taskwatt.sqlite-wal and -shm \
            from the state directory, and copy the file over taskwatt.sqlite there.

            Examples:
              taskwatt backup taskwatt-$(date +%F).sqlite
              taskwatt backup --force /mnt/backup/taskwatt.sqlite
            """)

    @Argument(help: "The file to write.", completion: .file())
    var file: String

    @Flag(help: "Replace a file that exists.")
    var force = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let command = self
        try await Interruption.cancelling { try await command.write() }
    }

    private func write() async throws {
        let surroundings = state.surroundings
        let record = try await surroundings.record()
        // The record is for its owner and group, and a copy of it for nobody else.
        let output = try surroundings.output(
            file, force ? .replaced : .refused, isPrivate: true, remedy: "name another place")
        try await record.backup(to: output)
        guard let size = try output.finish() else { return }
        Console.note("\(file): \((size + 1023) / 1024) KiB")
    }
}
