import ArgumentParser
import Core
import Host
import PluginHosting
import Running
import Settings
import Terminal

struct PluginCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Try a plugin on every rule of the protocol.",
        discussion: """
            Starts the plugin several times, with correct and with wrong requests, and prints a line for each rule: kept (✓), \
            broken (✗) with the reason, or not tried (–). Exits with 1 if one is broken. Nothing is measured.

            Examples:
              taskwatt plugin check onnx-proxies --size tiny
              taskwatt plugin check ./my-plugin --task text-generation
              taskwatt plugin check my-plugin --json
            """)

    @Argument(help: "The plugin's name, or its directory.", completion: .directory)
    var plugin: String

    @Option(help: "The task to try. Default: the first of the manifest.")
    var task: String?

    @Option(help: "The model, if the plugin has several.")
    var model: String?

    @Option(help: "The device, such as cpu.")
    var device = "cpu"

    @OptionGroup(title: "Parameters of the plugin") var parameters: ParameterOptions

    @OptionGroup var answer: AnswerOptions

    func run() async throws {
        let surroundings = Surroundings()
        let (name, plugins) = surroundings.plugins(at: plugin)
        var context = surroundings.runnerContext()
        context.plugins = plugins
        let subject = Conformance.Subject(
            plugin: name, task: task.map(MLTask.init(rawValue:)), model: model.map(UserPath.model), device: device,
            parameters: try parameters.values())
        let report = try await Interruption.cancelling { [context] in
            try await Conformance.check(subject, of: context.plugins, context.hosting) { Console.note("trying \($0)") }
        }
        try answer.print(report, .lines(report.text))
        if !report.isConforming { throw ExitCode.failure }
    }
}
