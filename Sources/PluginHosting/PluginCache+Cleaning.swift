extension PluginCache {
    /// What is done to a cache, or would be.
    package struct Cleaning: Sendable, Encodable {
        package var plugin: String
        package var directory: String
        /// Freed, or to be freed.
        package var bytes: Int64
        package var removed = false
        /// Why not all of it is gone, with the remedy.
        package var problem: String?

        // The same keys in all of our JSON.
        enum CodingKeys: String, CodingKey { case plugin, directory, bytes, removed }

        /// Nothing is done.
        package init(_ cache: PluginCache) {
            (plugin, directory, bytes) = (cache.plugin, cache.directory, cache.bytes)
        }
    }

    /// Empties it.
    package func cleaned() -> Cleaning {
        var cleaning = Cleaning(self)
        switch empty() {
        case .emptied: cleaning.removed = true
        case .inUse:
            cleaning.bytes = 0
            cleaning.problem = "the cache of \(plugin) is in use by a run; clean it when the run has ended"
        case .stuck(let path):
            cleaning.bytes -= bytes
            cleaning.problem =
                "\(path) cannot be removed; check its permissions, or run it as the user that owns it"
        case .refused(let reason):
            cleaning.bytes = 0
            cleaning.problem = "the cache of \(plugin) is left alone: \(reason)"
        }
        return cleaning
    }
}
