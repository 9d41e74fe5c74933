import ArgumentParser
import Glibc
import PluginHosting
import Settings
import Terminal

struct PluginHostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin-host",
        abstract: "Start a plugin for the daemon that connected to standard input.",
        discussion: """
            systemd runs it, in taskwatt-plugin@.service and taskwatt-plugin-network@.service, one for each start of a plugin. \
            Plugins of the system alone are started.
            """,
        shouldDisplay: false)

    @Flag(help: "This unit has a network; plugins that ask for none are refused.")
    var network = false

    @Option(
        help: ArgumentHelp("Plugins are in this directory, and not where the system's are.", valueName: "directory"),
        completion: .directory)
    var plugins: [String] = []

    func run() async throws {
        let surroundings = Surroundings()
        let catalogue = PluginCatalogue(
            directories: plugins.isEmpty ? surroundings.systemPlugins : plugins,
            programDirectory: surroundings.programDirectory, environments: surroundings.systemEnvironments,
            trust: PluginTrust(isStrict: true))
        let host = PluginHost(
            catalogue: catalogue, cacheDirectory: surroundings.cacheDirectory, hasNetwork: network
        ) { Console.complain($0) }
        await host.serve(descriptor: STDIN_FILENO)
    }
}
