import ArgumentParser
import Glibc
import Running

struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Bring ONNX Runtime, with which the plugins onnx-… work, where the distribution has none.",
        subcommands: [Install.self, Remove.self])

    struct Place: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "Where the library goes.",
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
                With sudo it is for everybody and the service; without, for you. Debian 13 has a package of its own, \
                libonnxruntime1.21. pip's own variables, such as PIP_INDEX_URL, are honoured.

                Examples:
                  sudo taskwatt engine install
                  taskwatt engine install --cuda
                """)

        @Flag(help: "With CUDA, for NVIDIA's GPUs; their driver, CUDA and cuDNN are not in it.")
        var cuda = false

        // Every command has `--version`, which tells that of Taskwatt.
        @Option(
            name: .customLong("release"), help: "This release of ONNX Runtime, such as 1.23.0; the newest unless given."
        )
        var version: String?

        @Flag(help: "Install again, even if it is there.")
        var force = false

        @Option(help: "The Python to download with.", completion: .file())
        var python = "python3"

        @OptionGroup var place: Place

        func run() async throws {
            let installation = EngineInstallation(
                directory: place.path, python: python.contains("/") ? UserPath.absolute(python) : python
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
            abstract: "Remove what `install` brought.",
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
