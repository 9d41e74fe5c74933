import ArgumentParser
import Core
import Foundation
import Host
import PluginHosting
import Running
import Suites
import WorkloadProtocol

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
            amount: .count(1),
            parameters: try parameters.values())
        try context.plugins.check(Suite(name: "export", entries: [entry]))
        let start = WorkloadStart(
            plugin: try context.plugins.plugin(named: plugin, for: entry.task), entry: entry, seed: seed,
            context: context.hosting)
        let output = output
        let copied = try await Interruption.cancelling {
            try await start.with { connection, _ in
                let result = try await start.initialize(connection) { if let text = $0 { Console.note(text) } }
                // Its cache may be emptied once it has ended.
                let copied = try ModelFiles(result.modelFiles, plugin: start.plugin.manifest.name).copy(to: output)
                await start.shutdown(connection)
                return copied
            }
        }
        for path in copied { Console.print("\(path)\n") }
    }
}

/// The files of a model that a plugin told, and their copies.
struct ModelFiles {
    private let paths: [String]

    /// - Throws: `UserError` if the plugin told none, or ones that cannot be.
    init(_ paths: [String], plugin: String) throws {
        if paths.isEmpty { throw UserError(.failed, "\(plugin) has no files of a model to hand out") }
        for path in paths where !path.hasPrefix("/") || !FileManager.default.fileExists(atPath: path) {
            throw UserError(.failed, "\(plugin) names a model file that does not exist: \(path)")
        }
        self.paths = paths
    }

    /// Copies each file and directory into a directory, under a passing name first: a copy that was cut off is not taken
    /// for a model.
    ///
    /// - Returns: the copies.
    func copy(to directory: String) throws -> [String] {
        let files = FileManager.default
        // External data may lie in a directory beside the model, which names it from there.
        let root = paths.first.map { $0.directoryPart + "/" } ?? "/"
        let names = paths.map { path in
            path.hasPrefix(root) ? String(path.dropFirst(root.count)) : (path as NSString).lastPathComponent
        }
        let targets = names.map { "\(directory)/\($0)" }
        if let taken = targets.first(where: files.fileExists(atPath:)) {
            throw UserError(.failed, "\(taken) is there already", remedy: "remove it, or name another --output")
        }
        do {
            for (path, target) in zip(paths, targets) {
                let place = try OpenDirectory(target.directoryPart, making: 0o777)
                let name = (target as NSString).lastPathComponent
                let passing = "\(name).partial"
                _ = place.remove(passing)
                do {
                    try place.copy(path, as: passing)
                    try place.rename(passing, to: name)
                } catch {
                    _ = place.remove(passing)
                    throw error
                }
            }
        } catch let error as CancellationError {
            throw error
        } catch let problem as FileProblem {
            throw problem
        } catch {
            throw UserError(
                .failed,
                "the model cannot be copied to \(directory): check its permissions and the space on the disk, or name "
                    + "another --output")
        }
        return targets
    }
}
