import ArgumentParser
import Core
import Host
import PluginHosting
import Running
import Settings
import Suites
import Terminal

struct PluginExportModel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-model",
        abstract: "Copy the model files that a plugin makes.",
        discussion: """
            Starts the plugin as for a run, lets it make its files, and copies the files of the model. Nothing is measured.

            Examples:
              taskwatt plugin export-model --task image-classification --output resnet
              taskwatt plugin export-model --task fill-mask --size tiny --output bert
            """)

    @Option(help: "The task.")
    var task: String

    @Option(help: "The model, if the plugin has several.")
    var model: String?

    @Option(help: "The plugin. Default: the one that `taskwatt run` takes for the task.")
    var plugin: String?

    @Option(help: "The device, such as cpu.")
    var device = "cpu"

    @Option(help: "The seed of random weights.")
    var seed: Int64 = 1

    @Option(help: "The directory to copy to; it is created.", completion: .directory)
    var output: String

    @OptionGroup(title: "Parameters of the plugin") var parameters: ParameterOptions

    func validate() throws {
        if seed < 0 { throw ValidationError("--seed must be 0 or more.") }
        if output.isEmpty { throw ValidationError("--output must name a directory.") }
    }

    func run() async throws {
        let context = Surroundings().runnerContext()
        let entry = Suite.Entry(
            task: MLTask(rawValue: task), plugin: plugin, model: model.map(UserPath.model), device: device,
            amount: .count(1), parameters: try parameters.values())
        let (seed, output) = (seed, output)
        let copied = try await Interruption.cancelling {
            try await ModelFiles.export(entry, seed: seed, to: output, of: context.plugins, context.hosting) {
                Console.note($0)
            }
        }
        for path in copied { Console.print("\(path)\n") }
    }
}
