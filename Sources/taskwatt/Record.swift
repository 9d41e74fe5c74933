import Recording
import Service

/// The record of this user, read without a daemon.
enum Record {
    static func open(_ surroundings: Surroundings, _ options: StateOptions) throws -> Store {
        let directory = surroundings.ownState(options)
        try directory.refuseForeignFiles()
        guard let store = try Store.existing(directory: directory.path) else {
            throw CommandFailure("there is no record in \(directory.path) yet; `taskwatt run` makes one")
        }
        return store
    }
}
