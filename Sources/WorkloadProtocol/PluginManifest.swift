package import Core

/// `plugin.yaml`: what a plugin is, without starting it.
package struct PluginManifest: Sendable, Hashable, Codable {
    /// The plugin's name; its directory is called the same.
    package var name: String
    package var version: String
    /// One line for a list.
    package var description: String
    /// The program: a path in the plugin's directory, else the name of a program beside `taskwatt`, else in `PATH`.
    package var program: String
    package var arguments: [String]
    package var tasks: [Task]
    package var parameters: [Parameter]
    package var limits: Limits

    /// A task that the plugin can run.
    package struct Task: Sendable, Hashable, Codable {
        package var id: MLTask
        /// The models it has for the task, the default first; empty if any model can be named.
        package var models: [String]

        package init(id: MLTask, models: [String] = []) {
            self.id = id
            self.models = models
        }
    }

    /// A parameter that a suite or `--set` may give.
    package struct Parameter: Sendable, Hashable, Codable {
        package var name: String
        package var description: String
        package var `default`: JSONValue?
        /// The values it may have; empty if any.
        package var values: [JSONValue]

        package init(name: String, description: String, default: JSONValue? = nil, values: [JSONValue] = []) {
            self.name = name
            self.description = description
            self.default = `default`
            self.values = values
        }
    }

    /// How long the host waits, in seconds, before it ends the plugin and fails the run.
    package struct Limits: Sendable, Hashable, Codable {
        /// For the answer to `initialize`; a plugin may make large files there.
        package var startSeconds: Double
        package var prepareSeconds: Double
        /// For one inference, in a `run`.
        package var inferenceSeconds: Double

        package init(startSeconds: Double = 600, prepareSeconds: Double = 300, inferenceSeconds: Double = 300) {
            self.startSeconds = startSeconds
            self.prepareSeconds = prepareSeconds
            self.inferenceSeconds = inferenceSeconds
        }

        enum CodingKeys: String, CodingKey {
            case startSeconds = "start_s"
            case prepareSeconds = "prepare_s"
            case inferenceSeconds = "inference_s"
        }
    }

    package init(
        name: String, version: String, description: String, program: String, arguments: [String] = [], tasks: [Task],
        parameters: [Parameter] = [], limits: Limits = Limits()
    ) {
        self.name = name
        self.version = version
        self.description = description
        self.program = program
        self.arguments = arguments
        self.tasks = tasks
        self.parameters = parameters
        self.limits = limits
    }
}
