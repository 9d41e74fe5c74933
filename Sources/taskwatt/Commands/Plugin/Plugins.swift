import ArgumentParser
import Commands
import Core
import PluginHosting
import Reporting
import Settings
import Terminal

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

    @OptionGroup var answer: AnswerOptions

    func run() async throws {
        let catalogue = Surroundings().plugins
        let list = try await PluginList.read(names, of: catalogue)
        try answer.print(list.plugins, list.text)
        for problem in catalogue.problems { Console.complain("\(problem)") }
        if list.plugins.isEmpty {
            throw UserError(.notFound, "there is no plugin in \(catalogue.directories.joined(separator: ", "))")
        }
    }
}
