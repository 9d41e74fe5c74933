package import Core
package import YAMLReading

/// Why what is asked for cannot be had from the plugins of this machine.
package enum PluginError: Error, Sendable, Hashable, CustomStringConvertible {
    case noSuchPlugin(String, known: [String], directories: [String])
    case brokenManifest(String, YAMLProblem)
    case noSuchTask(MLTask, plugin: String?, known: [MLTask])
    case noSuchModel(String, task: MLTask, plugin: String, known: [String])
    case noSuchParameter(String, plugin: String, known: [String])
    case badValue(String, parameter: String, known: [String])
    case missingModel(plugin: String)
    case missingParameter(String, plugin: String, description: String)
    /// With the place of the entry in its suite's file.
    indirect case inSuite(String, PluginError)

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
                + "(known: \(known.joined(separator: ", "))"
                + (model.hasSuffix(".onnx") ? "; a file of your own runs with --plugin onnx-model)" : ")")
        case .noSuchParameter(let name, let plugin, let known):
            return "\(plugin) has no parameter `\(name)`\(Self.near(known, name)) "
                + "(known: \(known.isEmpty ? "none" : known.joined(separator: ", ")))"
        case .badValue(let value, let parameter, let known):
            return "the parameter \(parameter) cannot be `\(value)` (possible: \(known.joined(separator: ", ")))"
        case .missingModel(let plugin):
            return "\(plugin) has no model of its own; name one with --model, or `model` in the suite"
        case .missingParameter(let name, let plugin, let description):
            let what = description.isEmpty ? "" : " (\(description))"
            return "\(plugin) needs the parameter `\(name)`\(what); give it with --set \(name)=… or in the suite"
        case .inSuite(let place, let error): return "\(place): \(error)"
        }
    }

    private static func near(_ known: [String], _ wrong: String) -> String {
        known.closest(to: wrong).map { "; did you mean `\($0)`?" } ?? ""
    }
}
