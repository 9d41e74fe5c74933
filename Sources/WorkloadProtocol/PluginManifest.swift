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
    /// Arguments with which the program says at once whether it can run here: by exit status 0, else in a line why not.
    /// Empty where it cannot be asked.
    package var probe: [String]
    package var tasks: [Task]
    package var parameters: [Parameter]
    package var limits: Limits
    /// Whether it has no model of its own, so that one must be named.
    package var needsModel: Bool
    /// Whether it needs a network. Where systemd starts it, it has none otherwise.
    package var network: Bool
    /// Variables of the environment that it finds in its own beside those that all plugins have. Secrets are among them only here.
    package var environment: [String]
    /// What a program in Python needs; `nil` for programs that are started as they are.
    package var python: Python?

    /// A task that the plugin can run.
    package struct Task: Sendable, Hashable, Codable {
        package var id: MLTask
        /// The models it has for the task, the default first; empty if any model can be named.
        package var models: [String]
        /// For one inference of this task, in seconds, where it is not that of all; see `Limits`.
        package var inferenceSeconds: Double?

        package init(id: MLTask, models: [String] = [], inferenceSeconds: Double? = nil) {
            self.id = id
            self.models = models
            self.inferenceSeconds = inferenceSeconds
        }

        enum CodingKeys: String, CodingKey {
            case id, models
            case inferenceSeconds = "inference_s"
        }
    }

    /// A parameter that a suite or `--set` may give.
    package struct Parameter: Sendable, Hashable, Codable {
        package var name: String
        package var description: String
        package var `default`: JSONValue?
        /// The values it may have; empty if any.
        package var values: [JSONValue]
        /// Whether nothing runs without it, such as the address of a server. Its plugin is no task's default.
        package var isRequired: Bool

        package init(
            name: String, description: String, default: JSONValue? = nil, values: [JSONValue] = [],
            isRequired: Bool = false
        ) {
            self.name = name
            self.description = description
            self.default = `default`
            self.values = values
            self.isRequired = isRequired
        }

        enum CodingKeys: String, CodingKey {
            case name, description, `default`, values
            case isRequired = "required"
        }
    }

    /// Whether nothing runs until the user names a model, or there is something else that it cannot do without. Such a
    /// plugin is no task's default.
    package var needsToBeTold: Bool { needsModel || parameters.contains(where: \.isRequired) }

    /// The virtual environment that `taskwatt plugin install` makes for a plugin.
    package struct Python: Sendable, Hashable, Codable {
        /// A file of pip's requirements in the plugin's directory.
        package var requirements: String
        /// The oldest Python that will do, major and minor: `[3, 10]`.
        package var oldest: [Int]

        package init(requirements: String, oldest: [Int] = [3, 9]) {
            self.requirements = requirements
            self.oldest = oldest
        }
    }

    /// What the host allows a plugin: how long it waits, in seconds, before it ends it and fails the run, and how much of
    /// the machine it may use.
    package struct Limits: Sendable, Hashable, Codable {
        /// For the answer to `initialize`; a plugin may make large files there.
        package var startSeconds: Double
        package var prepareSeconds: Double
        /// For one inference, in a `run`.
        package var inferenceSeconds: Double
        /// Resident memory of all its processes, in bytes; `nil` for no limit.
        package var memory: Int64?
        /// How many CPUs it may run on; `nil` for all.
        package var cpus: Int?
        /// How many processes and threads it may have, where systemd starts it; `nil` for no limit.
        package var tasks: Int?

        package init(
            startSeconds: Double = 600, prepareSeconds: Double = 300, inferenceSeconds: Double = 300,
            memory: Int64? = nil, cpus: Int? = nil, tasks: Int? = nil
        ) {
            self.startSeconds = startSeconds
            self.prepareSeconds = prepareSeconds
            self.inferenceSeconds = inferenceSeconds
            self.memory = memory
            self.cpus = cpus
            self.tasks = tasks
        }

        enum CodingKeys: String, CodingKey {
            case startSeconds = "start_s"
            case prepareSeconds = "prepare_s"
            case inferenceSeconds = "inference_s"
            case memory = "memory_bytes"
            case cpus, tasks
        }
    }

    enum CodingKeys: String, CodingKey {
        case name, version, description, program, arguments, probe, tasks, parameters, limits, network, environment,
            python
        case needsModel = "needs_model"
    }

    /// The limits for a task, which may have longer inferences than the others.
    package func limits(for task: MLTask) -> Limits {
        var limits = limits
        if let seconds = tasks.first(where: { $0.id == task })?.inferenceSeconds { limits.inferenceSeconds = seconds }
        return limits
    }

    package init(
        name: String, version: String, description: String, program: String, arguments: [String] = [], tasks: [Task],
        parameters: [Parameter] = [], limits: Limits = Limits(), python: Python? = nil, needsModel: Bool = false,
        network: Bool = false, probe: [String] = [], environment: [String] = []
    ) {
        self.environment = environment
        self.probe = probe
        self.needsModel = needsModel
        self.network = network
        self.name = name
        self.version = version
        self.description = description
        self.program = program
        self.arguments = arguments
        self.tasks = tasks
        self.parameters = parameters
        self.limits = limits
        self.python = python
    }
}
