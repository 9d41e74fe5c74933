package import Core
import Foundation
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
}

/// The plugins of this machine, found at run time by their manifests.
package struct PluginCatalogue: Sendable {
    package private(set) var plugins: [InstalledPlugin] = []
    /// Manifests that could not be read; they do not keep the others from being used.
    package private(set) var problems: [YAMLProblem] = []
    /// Where was looked, in order; of two plugins of one name the first counts.
    package let directories: [String]

    /// - Parameters:
    ///   - directories: each holds one directory per plugin.
    ///   - programDirectory: where programs lie that are not in their plugin's own directory.
    package init(directories: [String], programDirectory: String) {
        self.directories = directories
        let files = FileManager.default
        for directory in directories.map(Self.absolute) {
            let names = ((try? files.contentsOfDirectory(atPath: directory)) ?? []).sorted()
            for name in names {
                let path = "\(directory)/\(name)"
                let file = "\(path)/plugin.yaml"
                guard files.fileExists(atPath: file) else { continue }
                do throws(YAMLProblem) {
                    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                        throw YAMLProblem(file: file, message: "cannot be read; check its permissions and encoding")
                    }
                    let manifest = try Self.parse(text, file: file)
                    if plugins.contains(where: { $0.manifest.name == manifest.name }) { continue }
                    plugins.append(
                        InstalledPlugin(
                            manifest: manifest, directory: path,
                            program: Self.program(
                                manifest, directory: path, programDirectory: Self.absolute(programDirectory))))
                } catch {
                    problems.append(error)
                }
            }
        }
    }

    /// The plugin for a task, by name, or the first that has the task.
    package func plugin(named name: String?, for task: MLTask) throws(PluginError) -> InstalledPlugin {
        if let name {
            guard let plugin = plugins.first(where: { $0.manifest.name == name }) else {
                if let problem = problems.first(where: { $0.file.hasSuffix("/\(name)/plugin.yaml") }) {
                    throw .brokenManifest(name, problem)
                }
                throw .noSuchPlugin(name, known: plugins.map(\.manifest.name), directories: directories)
            }
            let tasks = plugin.manifest.tasks.map(\.id)
            guard tasks.contains(task) else { throw .noSuchTask(task, plugin: name, known: tasks) }
            return plugin
        }
        guard let plugin = plugins.first(where: { $0.manifest.tasks.contains { $0.id == task } }) else {
            let known = Set(plugins.flatMap { $0.manifest.tasks.map(\.id) })
            throw .noSuchTask(task, plugin: nil, known: known.sorted { $0.rawValue < $1.rawValue })
        }
        return plugin
    }

    /// Checks what a suite asks for before anything is measured.
    package func check(_ suite: Suite) throws(PluginError) {
        for entry in suite.entries {
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
        }
    }

    package static func parse(_ text: String, file: String) throws(YAMLProblem) -> PluginManifest {
        let document = try YAMLReader(text: text, file: file)
        let root = try document.mapping(keys: [
            "name", "version", "description", "program", "arguments", "tasks", "parameters", "limits",
        ])
        func required(_ key: String) throws(YAMLProblem) -> YAMLReader {
            guard let value = root[key] else { throw document.problem("the key `\(key)` is missing") }
            return value
        }
        var manifest = PluginManifest(
            name: try required("name").string(), version: try required("version").string(),
            description: try required("description").string(), program: try required("program").string(), tasks: [])
        // The name becomes that of the cache directory.
        let isPlain = manifest.name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        guard isPlain, !manifest.name.hasPrefix(".") else {
            throw try required("name").problem("`name` is of letters, digits, `-`, `_` and `.`, not `\(manifest.name)`")
        }
        for argument in try root["arguments"]?.list() ?? [] { manifest.arguments.append(try argument.string()) }
        for task in try required("tasks").list() {
            let values = try task.mapping(keys: ["id", "models"])
            guard let id = values["id"] else { throw task.problem("a task needs the key `id`") }
            var models: [String] = []
            for model in try values["models"]?.list() ?? [] { models.append(try model.string()) }
            manifest.tasks.append(PluginManifest.Task(id: MLTask(rawValue: try id.string()), models: models))
        }
        for parameter in try root["parameters"]?.list() ?? [] {
            let values = try parameter.mapping(keys: ["name", "description", "default", "values"])
            guard let name = values["name"] else { throw parameter.problem("a parameter needs the key `name`") }
            manifest.parameters.append(
                PluginManifest.Parameter(
                    name: try name.string(), description: try values["description"]?.string() ?? "",
                    default: try values["default"]?.json(),
                    values: try values["values"]?.list().map { value throws(YAMLProblem) in try value.json() } ?? []))
        }
        if let limits = root["limits"] {
            let values = try limits.mapping(keys: ["start_s", "prepare_s", "inference_s"])
            let range = 0.001...86_400.0
            if let value = values["start_s"] { manifest.limits.startSeconds = try value.number(range) }
            if let value = values["prepare_s"] { manifest.limits.prepareSeconds = try value.number(range) }
            if let value = values["inference_s"] { manifest.limits.inferenceSeconds = try value.number(range) }
        }
        return manifest
    }

    /// A plugin runs in its own directory, from which a relative path would lead elsewhere.
    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
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
        if let path = candidates.first(where: { isProgram($0) }) { return .found(path) }
        if let path = candidates.first(where: { files.fileExists(atPath: $0) }) {
            return .missing("\(path) may not be executed; chmod +x it")
        }
        return .missing(
            "its program `\(manifest.program)` is neither in \(directory) nor in \(programDirectory) nor in PATH; "
                + "build or install it")
    }

    private static func isProgram(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        let files = FileManager.default
        return files.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
            && files.isExecutableFile(atPath: path)
    }
}

package enum PluginError: Error, Sendable, Hashable, CustomStringConvertible {
    case noSuchPlugin(String, known: [String], directories: [String])
    case brokenManifest(String, YAMLProblem)
    case noSuchTask(MLTask, plugin: String?, known: [MLTask])
    case noSuchModel(String, task: MLTask, plugin: String, known: [String])
    case noSuchParameter(String, plugin: String, known: [String])
    case badValue(String, parameter: String, known: [String])

    package var description: String {
        switch self {
        case .noSuchPlugin(let name, let known, let directories):
            return known.isEmpty
                ? "there is no plugin `\(name)`, nor any other; looked in \(directories.joined(separator: ", "))"
                : "there is no plugin `\(name)`\(Self.near(known, name)) (known: \(known.joined(separator: ", ")); "
                    + "looked in \(directories.joined(separator: ", ")))"
        case .brokenManifest(let name, let problem):
            return "the plugin `\(name)` has a broken manifest: \(problem)"
        case .noSuchTask(let task, let plugin, let known):
            let names = known.map(\.rawValue)
            let who = plugin.map { "the plugin \($0) has no task" } ?? "no plugin here has the task"
            return "\(who) `\(task.rawValue)`\(Self.near(names, task.rawValue)) "
                + "(known: \(names.isEmpty ? "none" : names.joined(separator: ", ")))"
        case .noSuchModel(let model, let task, let plugin, let known):
            return "\(plugin) has no model `\(model)` for \(task.rawValue)\(Self.near(known, model)) "
                + "(known: \(known.joined(separator: ", ")))"
        case .noSuchParameter(let name, let plugin, let known):
            return "\(plugin) has no parameter `\(name)`\(Self.near(known, name)) "
                + "(known: \(known.joined(separator: ", ")))"
        case .badValue(let value, let parameter, let known):
            return "the parameter \(parameter) cannot be `\(value)` (possible: \(known.joined(separator: ", ")))"
        }
    }

    private static func near(_ known: [String], _ wrong: String) -> String {
        known.closest(to: wrong).map { "; did you mean `\($0)`?" } ?? ""
    }
}
