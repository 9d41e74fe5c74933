import API
import ArgumentParser
import Core
import PluginHosting
import Reporting
import Running
import Service
import Settings
import Terminal
import WorkloadProtocol

struct Plugins: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins",
        abstract: "List the workload plugins, and what each can run here.",
        discussion: """
            A plugin is a directory with a plugin.yaml, in $TASKWATT_PLUGIN_PATH or in ~/.local/share/taskwatt/plugins. For one \
            that cannot run here, the list gives the reason. `taskwatt plugin --help` shows how to make, check and install one.

            Examples:
              taskwatt plugins
              taskwatt plugins onnx-proxies   the tasks of one, each with its models
              taskwatt plugins --json | jq '.[] | select(.problem == null) | .manifest.name'
            """)

    @Argument(help: "Only these, with a row for each task.")
    var names: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let catalogue = Surroundings().plugins
        let chosen = names.isEmpty ? catalogue.plugins : try names.map { try catalogue.plugin(named: $0) }
        var plugins: [PluginStatus] = []
        for plugin in chosen { plugins.append(PluginStatus(await plugin.probed())) }
        if json {
            Console.print(try Console.json(plugins))
        } else {
            Console.print(.lines(names.isEmpty ? Self.table(plugins) : Self.tasks(plugins)))
            for plugin in plugins {
                if let problem = plugin.problem {
                    Console.print("\n\(plugin.manifest.name) cannot run here: \(problem)\n")
                } else if let needed = Self.needed(plugin.manifest) {
                    Console.print("\n\(plugin.manifest.name) needs \(needed)\n")
                }
            }
        }
        for problem in catalogue.problems { Console.complain("\(problem)") }
        if plugins.isEmpty {
            throw UserError(.notFound, "there is no plugin in \(catalogue.directories.joined(separator: ", "))")
        }
    }

    /// A row for each plugin.
    private static func table(_ plugins: [PluginStatus]) -> String {
        var table = TextTable([
            ("plugin", .left), ("version", .left), ("runs here", .left), ("tasks", .left), ("models", .left),
        ])
        for plugin in plugins {
            let manifest = plugin.manifest
            let models = Set(manifest.tasks.flatMap(\.models))
            table.add([
                manifest.name, manifest.version, plugin.problem == nil ? "yes" : "no",
                summary(manifest.tasks.map(\.id)),
                models.isEmpty ? "any" : "\(models.count) of its own",
            ])
        }
        return table.text()
    }

    /// The paper's ten tasks are told as such.
    private static func summary(_ tasks: [MLTask]) -> String {
        let others = tasks.filter { !MLTask.paperTasks.contains($0) }.map(\.rawValue)
        let isAll = Set(tasks).isSuperset(of: MLTask.paperTasks)
        return isAll
            ? (["the paper's ten"] + others).joined(separator: ", ") : tasks.map(\.rawValue).joined(separator: ", ")
    }

    /// A row for each task.
    private static func tasks(_ plugins: [PluginStatus]) -> String {
        var table = TextTable([("plugin", .left), ("task", .left), ("models", .left)])
        for plugin in plugins {
            for task in plugin.manifest.tasks {
                table.add([
                    plugin.manifest.name, task.id.rawValue,
                    task.models.isEmpty ? "any" : task.models.joined(separator: ", "),
                ])
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
