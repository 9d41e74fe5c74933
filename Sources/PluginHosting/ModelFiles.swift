import Core
import Foundation
import Host
package import Suites
import WorkloadProtocol

/// The files of a model that a plugin told, and their copies.
package struct ModelFiles: Sendable {
    private let paths: [String]

    /// - Throws: `UserError` if the plugin told none, or ones that cannot be.
    package init(_ paths: [String], plugin: String) throws {
        if paths.isEmpty { throw UserError(.failed, "\(plugin) has no files of a model to hand out") }
        for path in paths where !path.hasPrefix("/") || !FileManager.default.fileExists(atPath: path) {
            throw UserError(.failed, "\(plugin) names a model file that does not exist: \(path)")
        }
        self.paths = paths
    }

    /// Starts a plugin as for a run, lets it make its files, and copies those of the model. Nothing is measured.
    ///
    /// - Parameter note: shows what it is doing.
    /// - Returns: the copies.
    package static func export(
        _ entry: Suite.Entry, seed: Int64, to directory: String, of plugins: PluginCatalogue,
        _ context: PluginContext,
        note: @escaping @Sendable (String) -> Void
    ) async throws -> [String] {
        try plugins.check(Suite(name: "export", entries: [entry]))
        let plugin = try plugins.plugin(named: entry.plugin, for: entry.task)
        let start = WorkloadStart(plugin: plugin, entry: entry, seed: seed, context: context)
        return try await start.with { connection, _ in
            let result = try await start.initialize(connection) { if let text = $0 { note(text) } }
            // Its cache may be emptied once it has ended.
            let copied = try ModelFiles(result.modelFiles, plugin: plugin.manifest.name).copy(to: directory)
            await start.shutdown(connection)
            return copied
        }
    }

    /// Copies each file and directory into a directory, under a passing name first: a copy that was cut off is not taken
    /// for a model.
    ///
    /// - Returns: the copies.
    package func copy(to directory: String) throws -> [String] {
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
