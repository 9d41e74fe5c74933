import ArgumentParser
import Core
import Host
import PluginHosting
import Settings
import Terminal
import WorkloadProtocol

struct PluginInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install the Python environment of a plugin.",
        discussion: """
            Each plugin in Python has a virtual environment of its own, made by python3 -m venv and pip from the plugin's \
            requirements. pip's environment variables, such as PIP_INDEX_URL and PIP_CONSTRAINT, apply.

            Environments are made in $TASKWATT_ENVIRONMENTS, else in $XDG_DATA_HOME/taskwatt/environments \
            (~/.local/share/taskwatt/environments), and also looked for in /usr/local/lib/taskwatt/environments, \
            /var/lib/taskwatt/environments and /usr/lib/taskwatt/environments. For the daemon: \
            sudo TASKWATT_ENVIRONMENTS=/usr/local/lib/taskwatt/environments taskwatt plugin install NAME, and restart it. \
            Root makes none in a directory that another user could change.

            Examples:
              taskwatt plugin install transformers
              taskwatt plugin install transformers --python python3.12 --force
            """)

    @Argument(help: "The plugin.")
    var name: String

    @Flag(help: "Install again with the newest versions that the requirements allow.")
    var upgrade = false

    @Flag(help: "Make the environment anew, even if it is there.")
    var force = false

    @Option(help: "The Python to make it with.", completion: .file())
    var python = "python3"

    func run() async throws {
        let surroundings = Surroundings()
        let plugin = try surroundings.plugins.plugin(named: name)
        let installation = PythonInstallation(
            plugin, environments: surroundings.pythonEnvironments,
            python: UserPath.program(python)
        ) {
            Console.error("\($0)\n")
        }
        guard let installation else {
            return Console.note("\(name) names no requirements in Python, so it needs no environment")
        }
        let mode: PythonInstallation.Mode = force ? .afresh : upgrade ? .upgrade : .ifNeeded
        let (directory, isNew) = try await Interruption.cancelling { try await installation.install(mode) }
        if isNew {
            let size = MemorySize.fileText((try? OpenDirectory(directory))?.allocatedBytes ?? 0)
            Console.note("\(name) is installed in \(directory) (\(size))")
        } else {
            Console.note("\(name) is installed already in \(directory)")
        }
    }
}

struct PluginUninstall: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Remove the Python environment of a plugin.",
        discussion: """
            The plugin itself and its cache stay; `taskwatt plugin clean` empties the cache.

            Example:
              taskwatt plugin uninstall transformers
            """)

    @Argument(help: "The plugin.")
    var name: String

    func validate() throws {
        // It becomes part of a path that is removed.
        if name.isEmpty || name.hasPrefix(".") || name.contains("/") {
            throw ValidationError("'\(name)' is not a name of a plugin.")
        }
    }

    func run() throws {
        let removed = try PythonInstallation.uninstall(name, Surroundings().pythonEnvironments)
        for directory in removed { Console.note("removed \(directory)") }
        if removed.isEmpty {
            throw UserError(
                .unknownName, "there is no environment of \(name)", remedy: "`taskwatt plugins` lists what is here")
        }
    }
}
