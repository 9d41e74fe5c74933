package import Core
package import YAMLReading

/// Why what is asked for cannot be had from the plugins of this machine.
package enum PluginError: UserFacingError, Sendable, Hashable {
    case noSuchPlugin(String, known: [String], directories: [String])
    case brokenManifest(String, YAMLProblem)
    /// With the manifests that cannot be read, in which it may be.
    case noSuchTask(MLTask, plugin: String?, known: [MLTask], broken: [String])
    case noSuchModel(String, task: MLTask, plugin: String, known: [String])
    case noSuchParameter(String, plugin: String, known: [String])
    case badValue(String, parameter: String, known: [String])
    case missingModel(plugin: String)
    case missingParameter(String, plugin: String, description: String)
    /// With the place of the entry in its suite's file.
    indirect case inSuite(String, PluginError)

    package var userError: UserError {
        switch self {
        case .noSuchPlugin(let name, let known, let directories):
            return .unknown(
                "plugin", name, known: known, more: "looked in \(directories.joined(separator: ", "))")
        case .brokenManifest(let name, let problem):
            return UserError(.usage, "the manifest of the plugin `\(name)` is broken: \(problem)")
        case .noSuchTask(let task, let plugin, let known, let broken):
            let who = plugin.map { "the plugin \($0) has no" } ?? "no plugin here has the"
            return .notAmong(
                known.map(\.rawValue), task.rawValue, "\(who) task `\(task.rawValue)`",
                more: broken.isEmpty
                    ? nil : "\(broken.joined(separator: ", ")) cannot be read: `taskwatt plugins` says why")
        case .noSuchModel(let model, let task, let plugin, let known):
            return .unknown(
                "model", model, "of the plugin \(plugin) for \(task.rawValue)", known: known,
                more: model.hasSuffix(".onnx") ? "a file of your own runs with --plugin onnx-model" : nil)
        case .noSuchParameter(let name, let plugin, let known):
            return .unknown("parameter", name, "of the plugin \(plugin)", known: known)
        case .badValue(let value, let parameter, let known):
            return .notAmong(known, value, "the parameter \(parameter) cannot be `\(value)`")
        case .missingModel(let plugin):
            return UserError(
                .usage, "the plugin \(plugin) has no model of its own",
                remedy: "name one with --model, or `model` in the suite")
        case .missingParameter(let name, let plugin, let description):
            let what = description.isEmpty ? "" : " (\(description))"
            return UserError(
                .usage, "the plugin \(plugin) needs the parameter `\(name)`\(what)",
                remedy: "give it with --set \(name)=… or in the suite")
        case .inSuite(let place, let error): return error.userError.at(place)
        }
    }
}
