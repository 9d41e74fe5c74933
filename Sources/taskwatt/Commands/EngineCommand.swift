import ArgumentParser
import Host
import PluginHosting
import Settings
import Terminal

struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Install ONNX Runtime, which the plugins onnx-… need.",
        subcommands: [Install.self, Remove.self])

    struct Place: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "The directory of the library.",
                discussion: """
                    Default: /usr/local/lib/taskwatt/engines/onnxruntime for root, else \
                    $XDG_DATA_HOME/taskwatt/engines/onnxruntime (~/.local/share/taskwatt/engines/onnxruntime).
                    """, valueName: "directory"),
            completion: .directory)
        var directory: String?

        var path: String { directory.map(UserPath.absolute) ?? Surroundings().engineDirectory }
    }

    struct Install: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install",
            abstract: "Download ONNX Runtime from PyPI.",
            discussion: """
                With sudo it is for all users and the service; without, for you. Debian 13 has a package, libonnxruntime1.21. \
                pip's environment variables, such as PIP_INDEX_URL, apply.

                Examples:
                  sudo taskwatt engine install
                  taskwatt engine install --cuda
                """)

        @Flag(help: "The build for NVIDIA's GPUs; it does not include the driver, CUDA and cuDNN.")
        var cuda = false

        // Every command has `--version`, which tells that of Taskwatt.
        @Option(
            name: .customLong("release"), help: "The release of ONNX Runtime, such as 1.23.0. Default: the newest."
        )
        var version: String?

        @Flag(help: "Install again, even if it is installed.")
        var force = false

        @Option(help: "The Python to download with.", completion: .file())
        var python = "python3"

        @OptionGroup var place: Place

        func run() async throws {
            let installation = EngineInstallation(
                directory: place.path, python: UserPath.program(python)
            ) {
                Console.error("\($0)\n")
            }
            guard force || version != nil || !installation.isInstalled else {
                return Console.note("it is there already, in \(installation.directory); --force installs it again")
            }
            let (variant, version): (EngineInstallation.Variant, String?) = (cuda ? .cuda : .cpu, version)
            let name = try await Interruption.cancelling { try await installation.install(variant, version: version) }
            Console.note("\(name) is in \(installation.directory)")
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove what `install` installed.",
            discussion: """
                Example:
                  sudo taskwatt engine remove
                """)

        @OptionGroup var place: Place

        func run() throws {
            let installation = EngineInstallation(directory: place.path, python: "python3") { _ in }
            try installation.remove()
            Console.note("removed \(installation.directory)")
        }
    }
}
