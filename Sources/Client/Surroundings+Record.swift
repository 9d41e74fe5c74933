package import API
package import Core
import Foundation
package import Host
import Recording
package import Settings

extension Surroundings {
    /// The record that a command asks and writes to: that of the server that is named, of the daemon which answers, or else this user's own.
    package func record() async throws -> any RecordAccess {
        if let address = recordAddress {
            return OwnRecord(try PostgresRecord(address), version: version, peaks: { peaks })
        }
        if let client = try await daemon() { return DaemonRecord(client) }
        let directory = ownState
        return OwnRecord(
            version: version,
            missing: missing(directory),
            peaks: { peaks },
            open: {
                try directory.refuseForeignFiles()
                let store = try Store.existing(directory: directory.path)
                if let store { directory.settle(store) }
                return store
            },
            make: { try Store(directory: directory.path) })
    }

    /// The first daemon that answers among the places where one may be.
    package func daemon() async throws -> DaemonClient? {
        try await DaemonClient.find(daemonStates, version: version, note: note)
    }

    /// The daemon, of a command that has nothing to do without one.
    ///
    /// - Parameter remedy: what to do where none answers.
    /// - Throws: `UserError`.
    package func daemon(orElse remedy: String) async throws -> DaemonClient {
        guard let client = try await daemon() else { throw noDaemon(remedy) }
        return client
    }

    /// Why there is no record in a directory, and how to come by one there.
    private func missing(_ directory: StateDirectory) -> UserError {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: directory.path, isDirectory: &isDirectory), !isDirectory.boolValue {
            return UserError(
                .notFound, "\(directory.path) is no directory, so it has no record", remedy: "name another one")
        }
        return UserError(
            .notFound, "there is no record in \(directory.path) yet",
            remedy: namedByOption.map { "`taskwatt run --state-dir \($0)` makes one" } ?? "`taskwatt run` makes one")
    }

    /// The same, which is waited for.
    ///
    /// - Parameter seconds: how long.
    /// - Throws: `UserError`.
    package func daemon(within seconds: Double) async throws -> DaemonClient {
        let end = ContinuousClock.now + .seconds(seconds)
        var isTold = false
        while true {
            if let client = try await daemon() { return client }
            guard ContinuousClock.now < end, !daemonStates.contains(where: \.isForOthers) else {
                throw noDaemon("`systemctl status taskwatt` says why")
            }
            if !isTold { note("no daemon answers yet; waiting up to \(DurationText.figure(seconds))") }
            isTold = true
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Why a command that has nothing to do without a daemon ends.
    package func noDaemon(_ remedy: String) -> UserError {
        UserError(
            .unavailable, "no daemon answers on \(daemonStates.map(\.socketPath).joined(separator: " or "))",
            remedy: remedy)
    }

    /// A file that a command writes.
    ///
    /// An output over the record itself, by whatever name, would be its end, and one over its lock or the daemon's socket lets a second
    /// daemon in.
    ///
    /// - Throws: `UserError` for a file of a record, `FileProblem` for one that cannot be written.
    package func output(
        _ file: String, _ existing: OutputFile.Existing, isPrivate: Bool = false,
        remedy: String = "give another place by --output"
    ) throws -> OutputFile {
        try refuse(output: file)
        return try OutputFile(file, existing, isPrivate: isPrivate, remedy: remedy)
    }

    /// - Throws: `UserError` for a file of a record.
    package func refuse(output file: String) throws {
        guard let target = FileIdentity.of(path: file) else { return }
        let isOwn = (daemonStates + [ownState]).contains { directory in
            // Of one that only others may look into there is nothing that this user could write over.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
            return (names.map { "\(directory.path)/\($0)" } + [directory.socketPath]).contains {
                FileIdentity.of(path: $0) == target
            }
        }
        if isOwn { throw UserError(.failed, "\(file) is a file of the record itself", remedy: "name another file") }
    }
}
