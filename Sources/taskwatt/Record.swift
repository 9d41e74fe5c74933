import API
import Client
import Core
import Foundation
import Host
import Recording
import Service

/// The record that commands work with.
enum Record {
    /// An output over the record itself, by whatever name, would be its end, and one over its lock or the daemon's socket lets a second
    /// daemon in.
    static func refuse(output file: String, _ directories: [StateDirectory]) throws {
        guard let target = FileIdentity.of(path: file) else { return }
        let isOwn = directories.contains { directory in
            // Of one that only others may look into there is nothing that this user could write over.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
            return (names.map { "\(directory.path)/\($0)" } + [directory.socketPath]).contains {
                FileIdentity.of(path: $0) == target
            }
        }
        if isOwn { throw UserError(.failed, "\(file) is a file of the record itself", remedy: "name another file") }
    }

    /// The record that a command asks and writes to: that of the daemon which answers, or else this user's own.
    static func find(_ surroundings: Surroundings, _ options: StateOptions) async throws -> any RecordAccess {
        if let client = try await DaemonClient.find(surroundings.daemonStates(options)) { return DaemonRecord(client) }
        let directory = surroundings.ownState(options)
        return OwnRecord(
            version: Version.current,
            missing: UserError(
                .notFound, "there is no record in \(directory.path) yet", remedy: "`taskwatt run` makes one"),
            peaks: { surroundings.peaks(options) },
            open: {
                try directory.refuseForeignFiles()
                return try Store.existing(directory: directory.path)
            },
            make: { try Store(directory: directory.path) })
    }
}

extension DaemonClient {
    /// The first daemon that answers among the places where one may be.
    static func find(_ places: [StateDirectory]) async throws -> DaemonClient? {
        try await find(places, version: Version.current, note: Console.note)
    }
}
