import Foundation
import Glibc
import Recording
import Service

/// The record of this user, read without a daemon.
enum Record {
    /// An output over the record itself, by whatever name, would be its end, and one over its lock or the daemon's socket lets a second
    /// daemon in.
    static func refuse(output file: String, _ directories: [StateDirectory]) throws {
        func identity(_ path: String) -> String? {
            var status = stat()
            return stat(path, &status) == 0 ? "\(status.st_dev):\(status.st_ino)" : nil
        }
        guard let target = identity(file) else { return }
        let isOwn = directories.contains { directory in
            // Of one that only others may look into there is nothing that this user could write over.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
            return (names.map { "\(directory.path)/\($0)" } + [directory.socketPath]).contains {
                identity($0) == target
            }
        }
        if isOwn { throw CommandFailure("\(file) is a file of the record itself; name another file") }
    }

    static func open(_ surroundings: Surroundings, _ options: StateOptions) throws -> Store {
        if let store = try openIfThere(surroundings, options) { return store }
        let directory = surroundings.ownState(options)
        throw CommandFailure("there is no record in \(directory.path) yet; `taskwatt run` makes one")
    }

    /// `nil` where there is none yet.
    static func openIfThere(_ surroundings: Surroundings, _ options: StateOptions) throws -> Store? {
        let directory = surroundings.ownState(options)
        try directory.refuseForeignFiles()
        return try Store.existing(directory: directory.path)
    }
}
