package import API
import Core
package import PluginHosting
import Reporting
package import Terminal
import WorkloadProtocol

/// `taskwatt plugins`: what there is, and what each can run here.
package struct PluginList: Sendable {
    package let plugins: [PluginStatus]
    /// Whether the user named them, and so wants a row for each task.
    private let isByTask: Bool

    /// - Parameter names: only these; all if empty.
    /// - Throws: `PluginError` for a name that there is not.
    package static func read(_ names: [String], of catalogue: PluginCatalogue) async throws -> PluginList {
        let chosen = names.isEmpty ? catalogue.plugins : try names.map { try catalogue.plugin(named: $0) }
        var plugins: [PluginStatus] = []
        for plugin in chosen { plugins.append(PluginStatus(await plugin.probed())) }
        return PluginList(plugins: plugins, isByTask: !names.isEmpty)
    }

    package var text: ConsoleText {
        var text = ConsoleText.lines(isByTask ? tasks : table)
        for plugin in plugins {
            if let problem = plugin.problem {
                text += "\n\(plugin.manifest.name) cannot run here: \(problem)\n"
            } else if let needed = Self.needed(plugin.manifest) {
                text += "\n\(plugin.manifest.name) needs \(needed)\n"
            }
        }
        return text
    }

    private var table: String {
        var table = TextTable([
            ("plugin", .left), ("version", .left), ("runs here", .left), ("tasks", .left), ("models", .left),
        ])
        for plugin in plugins {
            let manifest = plugin.manifest
            let models = Set(manifest.tasks.flatMap(\.models))
            table.add([
                manifest.name, manifest.version, plugin.problem == nil ? "yes" : "no",
                Self.summary(manifest.tasks.map(\.id)), models.isEmpty ? "any" : "\(models.count) of its own",
            ])
        }
        return table.text()
    }

    /// The paper's ten tasks are told as such.
    private static func summary(_ tasks: [MLTask]) -> String {
        let isAll = Set(tasks).isSuperset(of: MLTask.paperTasks)
        let named = isAll ? tasks.filter { !MLTask.paperTasks.contains($0) } : tasks
        return ((isAll ? ["the paper's ten"] : []) + named.map(\.rawValue)).joined(separator: ", ")
    }

    private var tasks: String {
        var table = TextTable([("plugin", .left), ("task", .left), ("models", .left)])
        for plugin in plugins {
            for task in plugin.manifest.tasks {
                let models = task.models.isEmpty ? "any" : task.models.joined(separator: ", ")
                table.add([plugin.manifest.name, task.id.rawValue, models])
            }
        }
        return table.text()
    }

    /// What must be given to it.
    private static func needed(_ manifest: PluginManifest) -> String? {
        let names =
            (manifest.needsModel ? ["--model …"] : [])
            + manifest.parameters.filter(\.isRequired).map { "--set \($0.name)=…" }
        return names.isEmpty
            ? nil : "options: taskwatt run --plugin \(manifest.name) \(names.joined(separator: " "))"
    }
}
