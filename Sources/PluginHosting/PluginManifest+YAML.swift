import Core
package import WorkloadProtocol
package import YAMLReading

extension PluginManifest {
    /// Reads a `plugin.yaml`.
    ///
    /// - Parameter file: its path, for messages.
    package static func parse(_ text: String, file: String) throws(YAMLProblem) -> PluginManifest {
        let document = try YAMLReader(text: text, file: file)
        let root = try document.mapping(keys: [
            "name", "version", "description", "program", "arguments", "tasks", "parameters", "limits",
            "python", "needs_model", "network", "probe", "env",
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
            throw try required("name").problem(
                "`name` must have letters, digits, `-`, `_` and `.` only, not `\(manifest.name)`")
        }
        for argument in try root["arguments"]?.list() ?? [] { manifest.arguments.append(try argument.string()) }
        for argument in try root["probe"]?.list() ?? [] { manifest.probe.append(try argument.string()) }
        for task in try required("tasks").list() {
            let values = try task.mapping(keys: ["id", "models", "inference_s"])
            guard let id = values["id"] else { throw task.problem("a task needs the key `id`") }
            var models: [String] = []
            for model in try values["models"]?.list() ?? [] { models.append(try model.string()) }
            manifest.tasks.append(
                PluginManifest.Task(
                    id: MLTask(rawValue: try id.string()), models: models,
                    inferenceSeconds: try values["inference_s"]?.number(Self.seconds)))
        }
        for parameter in try root["parameters"]?.list() ?? [] {
            manifest.parameters.append(try Self.parameter(parameter))
        }
        if let limits = root["limits"] { manifest.limits = try Self.limits(limits) }
        if let value = root["needs_model"] { manifest.needsModel = try value.bool() }
        if let value = root["network"] { manifest.network = try value.bool() }
        if let names = root["env"] { manifest.environment = try Self.environment(names) }
        if let python = root["python"] { manifest.python = try Self.python(python) }
        return manifest
    }

    private static func parameter(_ reader: YAMLReader) throws(YAMLProblem) -> Parameter {
        let values = try reader.mapping(keys: ["name", "description", "default", "values", "required"])
        guard let name = values["name"] else { throw reader.problem("a parameter needs the key `name`") }
        let parameter = Parameter(
            name: try name.string(), description: try values["description"]?.string() ?? "",
            default: try values["default"]?.json(),
            values: try values["values"]?.list().map { value throws(YAMLProblem) in try value.json() } ?? [],
            isRequired: try values["required"]?.bool() ?? false)
        if parameter.isRequired, let value = values["default"] {
            throw value.problem("a parameter is either `required` or has a `default`, not both")
        }
        return parameter
    }

    private static let seconds = 0.001...86_400.0

    private static func limits(_ reader: YAMLReader) throws(YAMLProblem) -> Limits {
        let values = try reader.mapping(keys: ["start_s", "prepare_s", "inference_s", "memory", "cpus", "tasks"])
        var limits = Limits()
        if let value = values["start_s"] { limits.startSeconds = try value.number(Self.seconds) }
        if let value = values["prepare_s"] { limits.prepareSeconds = try value.number(Self.seconds) }
        if let value = values["inference_s"] { limits.inferenceSeconds = try value.number(Self.seconds) }
        if let value = values["memory"] {
            let text = try value.string()
            guard let bytes = MemorySize.bytes(text) else {
                throw value.problem("`limits.memory` must be a size such as 8GiB or 500MB, not `\(text)`")
            }
            limits.memory = bytes
        }
        if let value = values["cpus"] { limits.cpus = try value.integer(1...65_536) }
        if let value = values["tasks"] { limits.tasks = try value.integer(1...4_194_304) }
        return limits
    }

    /// Names of variables, as a shell can have them.
    private static func environment(_ reader: YAMLReader) throws(YAMLProblem) -> [String] {
        let list = try reader.list()
        guard list.count <= PluginEnvironment.mostNames else {
            throw reader.problem(
                "`env` names \(list.count) variables, but at most \(PluginEnvironment.mostNames) are allowed; name only what it needs"
            )
        }
        var names: [String] = []
        for value in list {
            let name = try value.string()
            guard name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
                throw value.problem("`env` must list names of variables, such as HF_HOME, not `\(name)`")
            }
            names.append(name)
        }
        return names
    }

    private static func python(_ reader: YAMLReader) throws(YAMLProblem) -> Python {
        let values = try reader.mapping(keys: ["requirements", "version"])
        guard let requirements = values["requirements"] else {
            throw reader.problem("`python` needs the key `requirements`, a file for pip in the plugin's directory")
        }
        var python = Python(requirements: try requirements.string())
        if python.requirements.hasPrefix("/") || python.requirements.split(separator: "/").contains("..") {
            throw requirements.problem("`python.requirements` must be a path inside the plugin's directory")
        }
        if let version = values["version"] {
            let text = try version.string()
            let numbers = text.dropFirst(2).split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
            guard text.hasPrefix(">="), numbers.count == 2, let major = numbers[0], let minor = numbers[1] else {
                throw version.problem("`python.version` must be like >=3.10, not `\(text)`")
            }
            python.oldest = [major, minor]
        }
        return python
    }
}
