package import Core
import Foundation
import Glibc
package import Suites
package import WorkloadProtocol
package import YAMLReading

/// A plugin that was found on this machine.
package struct InstalledPlugin: Sendable, Hashable {
    package enum Program: Sendable, Hashable {
        case found(String)
        case missing(String)
    }

    package var manifest: PluginManifest
    package var directory: String
    package var program: Program
    /// What the program is started by: the Python of the plugin's own environment; `nil` for a program that is started
    /// as it is.
    package var interpreter: String?
    /// Why it is not run although it could be: others could change it. Its program is then missing, for the same reason.
    package var distrust: String? {
        didSet { if let distrust { program = .missing(distrust) } }
    }
}

/// The plugins of this machine, found at run time by their manifests.
package struct PluginCatalogue: Sendable {
    package private(set) var plugins: [InstalledPlugin] = []
    /// Manifests that could not be read; they do not keep the others from being used.
    package private(set) var problems: [YAMLProblem] = []
    /// Plugins that are not run for what others could do to them.
    package var refused: [(name: String, reason: String)] {
        plugins.compactMap { plugin in plugin.distrust.map { (plugin.manifest.name, $0) } }
    }
    /// Where was looked, in order; of two plugins of one name the first counts.
    package let directories: [String]

    /// - Parameters:
    ///   - directories: each holds one directory per plugin.
    ///   - programDirectory: where programs lie that are not in their plugin's own directory.
    ///   - environments: the virtual environments of plugins in Python.
    ///   - trust: whose plugins may be run; others are there, and cannot run.
    package init(
        directories: [String], programDirectory: String,
        environments: PythonEnvironments = PythonEnvironments(directories: []), trust: PluginTrust = .ofThisUser
    ) {
        self.directories = directories
        let files = FileManager.default
        for directory in directories.map(Self.absolute) {
            let names = ((try? files.contentsOfDirectory(atPath: directory)) ?? []).sorted()
            for name in names {
                let path = "\(directory)/\(name)"
                let file = "\(path)/plugin.yaml"
                guard files.fileExists(atPath: file) else { continue }
                do throws(YAMLProblem) {
                    let text: String
                    do throws(BoundedFileError) { text = try BoundedFile.text(file) } catch {
                        throw YAMLProblem(
                            file: file, message: "cannot be read: \(error.reason); check its permissions and encoding")
                    }
                    let manifest = try PluginManifest.parse(text, file: file)
                    if plugins.contains(where: { $0.manifest.name == manifest.name }) { continue }
                    plugins.append(
                        Self.installed(
                            manifest, directory: path, programDirectory: Self.absolute(programDirectory), environments,
                            trust))
                } catch {
                    problems.append(error)
                }
            }
        }
    }

    package func plugin(named name: String) throws(PluginError) -> InstalledPlugin {
        if let plugin = plugins.first(where: { $0.manifest.name == name }) { return plugin }
        if let problem = problems.first(where: { $0.file.hasSuffix("/\(name)/plugin.yaml") }) {
            throw .brokenManifest(name, problem)
        }
        throw .noSuchPlugin(name, known: plugins.map(\.manifest.name), directories: directories)
    }

    /// The plugin for a task, by name, or the first that has the task and needs neither a model nor a parameter to be given.
    package func plugin(named name: String?, for task: MLTask) throws(PluginError) -> InstalledPlugin {
        if let name {
            let plugin = try plugin(named: name)
            let tasks = plugin.manifest.tasks.map(\.id)
            guard tasks.contains(task) else { throw .noSuchTask(task, plugin: name, known: tasks, broken: []) }
            return plugin
        }
        let able = plugins.filter { $0.manifest.tasks.contains { $0.id == task } }
        guard let plugin = able.first(where: { !$0.manifest.needsToBeTold }) ?? able.first
        else {
            let known = Set(plugins.flatMap { $0.manifest.tasks.map(\.id) })
            // It may be one of a plugin whose manifest says nothing yet.
            if let problem = problems.first(where: { $0.file.hasSuffix("/\(task.rawValue)/plugin.yaml") }) {
                throw .brokenManifest(task.rawValue, problem)
            }
            throw .noSuchTask(
                task, plugin: nil, known: known.sorted { $0.rawValue < $1.rawValue }, broken: problems.map(\.file))
        }
        return plugin
    }

    /// Checks what a suite asks for before anything is measured.
    package func check(_ suite: Suite) throws(PluginError) {
        for entry in suite.entries {
            do throws(PluginError) {
                try check(entry)
            } catch {
                guard let place = entry.place else { throw error }
                throw .inSuite(place, error)
            }
        }
    }

    private func check(_ entry: Suite.Entry) throws(PluginError) {
        let manifest = try plugin(named: entry.plugin, for: entry.task).manifest
        let models = manifest.tasks.first { $0.id == entry.task }?.models ?? []
        if let model = entry.model, !models.isEmpty, !models.contains(model) {
            throw .noSuchModel(model, task: entry.task, plugin: manifest.name, known: models)
        }
        for (name, value) in entry.parameters.sorted(by: { $0.key < $1.key }) {
            guard let parameter = manifest.parameters.first(where: { $0.name == name }) else {
                throw .noSuchParameter(name, plugin: manifest.name, known: manifest.parameters.map(\.name))
            }
            if !parameter.values.isEmpty, !parameter.values.contains(value) {
                throw .badValue(value.text, parameter: name, known: parameter.values.map(\.text))
            }
        }
        if manifest.needsModel, entry.model == nil { throw .missingModel(plugin: manifest.name) }
        if let missing = manifest.parameters.first(where: { $0.isRequired && entry.parameters[$0.name] == nil }) {
            throw .missingParameter(missing.name, plugin: manifest.name, description: missing.description)
        }
    }

    /// A plugin runs in its own directory, from which a relative path would lead elsewhere.
    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }

    private static func installed(
        _ manifest: PluginManifest, directory: String, programDirectory: String, _ environments: PythonEnvironments,
        _ trust: PluginTrust
    ) -> InstalledPlugin {
        let program = program(manifest, directory: directory, programDirectory: programDirectory)
        var plugin = InstalledPlugin(manifest: manifest, directory: directory, program: program)
        guard case .found(let path) = program else { return plugin }
        let own = (plugin.ownFiles + [manifest.python?.requirements].compactMap(\.self)).filter {
            access("\(directory)/\($0)", F_OK) == 0
        }.map { "\(directory)/\($0)" }
        if let problem = trust.problem([directory, "\(directory)/plugin.yaml", path] + own)
            ?? trust.problem(inside: directory)
        {
            plugin.distrust = problem
            return plugin
        }
        guard manifest.python != nil else { return plugin }
        switch environments.state(of: plugin) {
        case .ready(let environment):
            // Who can write to it can put another Python there. The host of a plugin has its own word on it, see `PluginHost`.
            if geteuid() == 0, let problem = trust.problem([environment]) {
                plugin.distrust = problem
            } else {
                plugin.interpreter = "\(environment)/bin/python"
            }
        case .missing(let reason): plugin.program = .missing(reason)
        }
        return plugin
    }

    private static func program(
        _ manifest: PluginManifest, directory: String, programDirectory: String
    ) -> InstalledPlugin.Program {
        let files = FileManager.default
        let search = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let candidates =
            manifest.program.hasPrefix("/")
            ? [manifest.program]
            : ([directory, programDirectory] + (manifest.program.contains("/") ? [] : search))
                .map { "\($0)/\(manifest.program)" }
        // What an interpreter reads need not be executable.
        let isUsable = manifest.python == nil ? isProgram : isFile
        if let path = candidates.first(where: isUsable) { return .found(path) }
        if let path = candidates.first(where: { files.fileExists(atPath: $0) }) {
            return .missing("\(path) may not be executed; chmod +x it")
        }
        return .missing(
            "its program `\(manifest.program)` is neither in \(directory) nor in \(programDirectory) nor in PATH; "
                + "build or install it")
    }

    private static func isProgram(_ path: String) -> Bool {
        isFile(path) && FileManager.default.isExecutableFile(atPath: path)
    }

    private static func isFile(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
    }
}
