import ArgumentParser
import Core
import Reporting
import Running
import Service
import WorkloadProtocol

struct Plugins: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins",
        abstract: "List the workload plugins, and what each can do here.",
        discussion: """
            A plugin is a directory with a plugin.yaml in $TASKWATT_PLUGIN_PATH or in your data directory's taskwatt/plugins. \
            Where one cannot run here, it says why. `taskwatt plugin --help` has what can be done with them.

            Examples:
              taskwatt plugins
              taskwatt plugins --json | jq '.[] | select(.problem == null) | .manifest.name'
            """)

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let catalogue = Surroundings().plugins
        var plugins: [PluginStatus] = []
        for plugin in catalogue.plugins { plugins.append(PluginStatus(await plugin.probed())) }
        if json {
            Console.print(try Console.json(plugins))
        } else {
            Console.print(.lines(Self.table(plugins)))
            for plugin in plugins {
                if let problem = plugin.problem {
                    Console.print("\n\(plugin.manifest.name) cannot run here: \(problem)\n")
                } else if let needed = Self.needed(plugin.manifest) {
                    Console.print("\n\(plugin.manifest.name) \(needed)\n")
                }
            }
        }
        for problem in catalogue.problems { Console.complain("\(problem)") }
        if plugins.isEmpty {
            throw CommandFailure("there is no plugin in \(catalogue.directories.joined(separator: ", "))")
        }
    }

    private static func table(_ plugins: [PluginStatus]) -> String {
        var table = TextTable([
            ("plugin", .left), ("version", .left), ("task", .left), ("models", .left), ("here", .left),
        ])
        for plugin in plugins {
            let here = plugin.problem == nil ? "yes" : "no"
            for (index, task) in plugin.manifest.tasks.enumerated() {
                table.add([
                    index == 0 ? plugin.manifest.name : "", index == 0 ? plugin.manifest.version : "",
                    task.id.rawValue, task.models.isEmpty ? "any" : task.models.joined(separator: ", "), here,
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
        return names.isEmpty ? nil : "runs with --plugin \(manifest.name) \(names.joined(separator: " "))"
    }
}
