/// What the daemon asks the host of a plugin for, in one line with the plugin's standard input, output and error.
///
/// It is a name and no program: what is run is what the host finds under it.
struct PluginHostRequest: Codable, Sendable, Hashable {
    var plugin: String
    /// Where the daemon found the plugin.
    var directory: String
}

/// What the host of a plugin tells the daemon, a line each.
enum PluginHostReport: Codable, Sendable, Hashable {
    /// With the reason; nothing was started.
    case refused(String)
    case started(processID: Int32)
    case ended(PluginEnd)
}

/// How a plugin ended in its unit.
struct PluginEnd: Codable, Sendable, Hashable {
    /// As it stands in `PluginFailure.Cause.ended`.
    var status: String?
    /// What it used as it was ended for `limits.memory`, in bytes; `nil` where it was not.
    var memoryUsed: Int64?
}
