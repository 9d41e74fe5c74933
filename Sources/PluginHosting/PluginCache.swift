import Glibc
import Host

/// The cache of one plugin: the files that it made or fetched, and can make again.
package struct PluginCache: Sendable {
    package let plugin: String
    package let directory: String

    package init(plugin: String, directory: String) {
        self.plugin = plugin
        self.directory = directory
    }

    package enum Outcome: Sendable, Hashable {
        case emptied
        /// A run uses it.
        case inUse
        /// With the first path that could not be removed.
        case stuck(String)
        /// With the reason and the remedy: nothing was touched.
        case refused(String)
    }

    package var isThere: Bool {
        var status = stat()
        return lstat(directory, &status) == 0
    }

    /// What it takes on the disk, in bytes; 0 where there is nothing, or nothing that may be looked at.
    package var bytes: Int64 { (try? OpenDirectory(directory))?.allocatedBytes ?? 0 }

    /// Removes everything in it, unless a run uses it.
    package func empty() -> Outcome {
        guard isThere else { return .emptied }
        do throws(FileProblem) {
            guard let lease = try CacheLease(emptying: directory) else { return .inUse }
            // By the directory that is locked: its owner may put another in its place meanwhile.
            let stuck = lease.directory.removeContents()
            _ = consume lease
            return stuck.map(Outcome.stuck) ?? .emptied
        } catch {
            return .refused("\(error)")
        }
    }
}
