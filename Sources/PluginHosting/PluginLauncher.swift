/// Who starts plugins.
package enum PluginLauncher: Sendable, Hashable {
    /// This process, as its children: with its own rights.
    case child
    /// systemd, each in a unit of its own: with fewer rights than this process has.
    case units(PluginUnits)
}
