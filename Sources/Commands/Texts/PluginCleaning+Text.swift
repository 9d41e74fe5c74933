import Core
package import PluginHosting
package import Terminal

extension PluginCache.Cleaning {
    /// `taskwatt plugin clean`, for people.
    ///
    /// - Parameter isDone: whether anything was removed, and not only looked at.
    package static func text(_ rows: [PluginCache.Cleaning], isDone: Bool) -> ConsoleText {
        var text: ConsoleText = ""
        for row in rows where row.bytes > 0 {
            let verb = isDone ? "freed" : "would free"
            text += "\(row.plugin): \(verb) \(MemorySize.fileText(row.bytes)) in \(row.directory)\n"
        }
        let isNothing = rows.allSatisfy { $0.bytes <= 0 && $0.problem == nil }
        return isNothing ? "there was nothing to remove\n" : text
    }
}
