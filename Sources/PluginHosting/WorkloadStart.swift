import Core
import Foundation
package import Suites
package import WorkloadProtocol

/// The first part of every use of a plugin: its process, its cache and `initialize`; for a measurement, for the check before
/// one, and for whoever wants the model's files.
package struct WorkloadStart: Sendable {
    package let plugin: InstalledPlugin
    package let entry: Suite.Entry
    package let seed: Int64
    package let context: PluginContext

    package init(plugin: InstalledPlugin, entry: Suite.Entry, seed: Int64, context: PluginContext) {
        self.plugin = plugin
        self.entry = entry
        self.seed = seed
        self.context = context
    }

    private var name: String { plugin.manifest.name }

    /// Where a plugin runs that does not say.
    private static let undeclaredDevice = "cpu"

    /// Starts the plugin, runs `body`, and ends the plugin. Its cache stays as it is for so long.
    ///
    /// - Throws: `PluginFailure`, `CancellationError`, or what `body` throws.
    package func with<Value: Sendable>(
        _ body: @Sendable (_ connection: PluginConnection, _ processID: Int32) async throws -> Value
    ) async throws -> Value {
        switch context.launcher {
        case .units(let units): return try await units.with(plugin, body: body)
        case .child:
            let lease = try await CacheLease(sharing: context.cacheDirectory(of: name), plugin: name)
            let value = try await PluginProcess.with(plugin, environment: context.environment, body: body)
            _ = consume lease
            return value
        }
    }

    /// Asks the plugin what it will run. It makes its files there.
    ///
    /// - Parameter tell: shows a message of the plugin's progress.
    /// - Returns: its answer, with what the host knows better in it.
    package func initialize(
        _ connection: PluginConnection, tell: @escaping @Sendable (String?) -> Void
    ) async throws -> InitializeResult {
        let parameters = parameters
        var result: InitializeResult = try await connection.call(
            .initialize,
            InitializeParams(
                hostVersion: context.version, task: entry.task, model: entry.model, device: entry.device, seed: seed,
                cacheDirectory: context.cacheDirectory(of: name), parameters: parameters),
            timeout: plugin.manifest.limits.startSeconds
        ) { tell($0.message) }
        guard result.protocolVersion == workloadProtocolVersion else {
            throw PluginFailure(plugin: name, cause: .wrongVersion(result.protocolVersion))
        }
        if let problem = result.workload.outOfBounds {
            throw PluginFailure(plugin: name, cause: .nonsense("of its `initialize` \(problem)"))
        }
        // Nothing is believed of a device that the plugin itself does not name: it may not even have read the request.
        guard result.workload.device != nil || entry.device == Self.undeclaredDevice else {
            throw PluginFailure(plugin: name, cause: .undeclaredDevice(entry.device))
        }
        // The record's word on what ran is the host's: the plugin fills in what only it can know.
        result.workload.task = entry.task
        result.workload.plugin = name
        result.workload.pluginVersion = plugin.manifest.version
        result.workload.model = result.workload.model ?? entry.model
        result.workload.dataset = result.workload.dataset ?? entry.dataset
        result.workload.device = result.workload.device ?? entry.device
        result.workload.seed = seed
        result.workload.programSHA256 = plugin.programSHA256
        result.workload.parameters = parameters.merging(result.workload.parameters) { _, its in its }
            .filter { $0.value != .null }.mapValues(\.withoutCredentials)
        return result
    }

    /// The manifest's, with what the entry gives instead. An entry's dataset is a parameter too where the plugin has one of
    /// that name; elsewhere it is a label for the record.
    private var parameters: [String: JSONValue] {
        var parameters: [String: JSONValue] = [:]
        for parameter in plugin.manifest.parameters { parameters[parameter.name] = parameter.default }
        if let dataset = entry.dataset, plugin.manifest.parameters.contains(where: { $0.name == "dataset" }) {
            parameters["dataset"] = .string(dataset)
        }
        return parameters.merging(entry.parameters) { _, given in given }
    }

    /// Its answer is not waited for long: the process is ended anyway.
    package func shutdown(_ connection: PluginConnection) async {
        let _: ShutdownResult? = try? await connection.call(.shutdown, ShutdownParams(), timeout: 5, patience: 5)
    }
}
