/// What starting a plugin needs to know of its surroundings.
package struct PluginContext: Sendable {
    /// The caches of all plugins; each has a directory in it.
    package var cacheDirectory: String
    /// Of this program; plugins are told.
    package var version: String
    package var launcher: PluginLauncher
    /// Added to the environment of every plugin that is a child of this process.
    package var environment: [String: String]

    package init(
        cacheDirectory: String, version: String, launcher: PluginLauncher = .child, environment: [String: String] = [:]
    ) {
        self.cacheDirectory = cacheDirectory
        self.version = version
        self.launcher = launcher
        self.environment = environment
    }

    /// Where a plugin keeps the files that are costly to make.
    package func cacheDirectory(of plugin: String) -> String { "\(cacheDirectory)/\(plugin)" }
}
