package import PluginHosting
package import WorkloadProtocol

/// GET /v1/plugins, one each
package struct PluginStatus: Sendable, Hashable, Codable {
    package var manifest: PluginManifest
    package var directory: String
    /// Why it cannot be started here.
    package var problem: String?

    package init(_ plugin: InstalledPlugin) {
        manifest = plugin.manifest
        directory = plugin.directory
        if case .missing(let reason) = plugin.program { problem = reason }
    }
}
