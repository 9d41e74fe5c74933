import Glibc
import Recording
import Service

/// The record of this user, read without a daemon.
enum Record {
    /// An output over the record itself, by whatever name, would be its end.
    static func refuse(output file: String, _ directories: [StateDirectory]) throws {
        func identity(_ path: String) -> String? {
            var status = stat()
            return stat(path, &status) == 0 ? "\(status.st_dev):\(status.st_ino)" : nil
        }
        guard let target = identity(file) else { return }
        let own = directories.flatMap { directory in
            ["", "-wal", "-shm"].compactMap { identity("\(directory.path)/taskwatt.sqlite\($0)") }
        }
        if own.contains(target) { throw CommandFailure("\(file) is the record itself; name another file") }
    }

    static func open(_ surroundings: Surroundings, _ options: StateOptions) throws -> Store {
        let directory = surroundings.ownState(options)
        try directory.refuseForeignFiles()
        guard let store = try Store.existing(directory: directory.path) else {
            throw CommandFailure("there is no record in \(directory.path) yet; `taskwatt run` makes one")
        }
        return store
    }
}
