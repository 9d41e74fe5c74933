import API
import Host
import Listening
package import Logging
import Metering
import PluginHosting
import PolledMeters
import Recording
import Running
import Service
package import Settings

extension Surroundings {
    /// `taskwatt serve`: runs the daemon until it is told to end.
    ///
    /// - Parameter options: of the command line, over the configuration.
    /// - Throws: what is wrong with the configuration, before anything is begun; and why the daemon ended.
    package func serve(_ options: [ConfigurationKey: String], logger: Logger) async throws {
        var context = runnerContext(isDaemon: true)
        context.hosting.launcher = pluginLauncher
        for problem in context.plugins.problems { logger.warning("\(problem)") }
        for plugin in context.plugins.refused {
            logger.warning("the plugin \(plugin.name) does not run: \(plugin.reason)")
        }
        let configuration = try CurrentConfiguration { try self.configuration(options, readAnew: true) }
        for open in configuration.value.meters.plainCredentials { logger.warning("\(open)") }
        let listener = try configuration.value.listener.map { listener in
            (listener, try listener.tokenFile.map { try AccessToken(SecretFile.read($0), file: $0) })
        }
        let daemon = Daemon(
            directory: ownState, context: context, machine: try machineRecord(),
            retention: { configuration.value.retention }, reread: { try configuration.reload() }, listener: listener,
            forwarding: configuration.value.forwarding.sender(
                stateDirectory: ownState.path, listener: configuration.value.listener, version: version),
            logger: logger, listings: { try await meters(configuration.value.meters) })
        try await daemon.run()
    }
}
