import Foundation

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
    }

    package var isThere: Bool { FileManager.default.fileExists(atPath: directory) }

    /// What it takes on the disk, in bytes; 0 where there is nothing.
    package var bytes: Int64 {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.reduce(0) { $0 + FileTree("\(directory)/\($1)").allocatedBytes }
    }

    /// Removes everything in it, unless a run uses it.
    package func empty() -> Outcome {
        guard isThere else { return .emptied }
        guard let lease = CacheLease(emptying: directory) else {
            return FileManager.default.isReadableFile(atPath: directory) ? .inUse : .stuck(directory)
        }
        let left = FileTree(directory).removeContents()
        _ = consume lease
        return left.first.map(Outcome.stuck) ?? .emptied
    }
}
