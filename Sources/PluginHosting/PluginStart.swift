import Foundation
import Host
import Subprocess
import SystemPackage
import WorkloadProtocol

/// How a plugin's process is started: its program, its environment, its session, its CPUs.
struct PluginStart: Sendable {
    private static let terminationGrace = Duration.seconds(2)

    let configuration: Configuration
    let teardown: [TeardownStep]
    /// What the processes of this start bear in their environment.
    let mark = UUID().uuidString
    private let program: String

    /// - Parameter environment: added to what of the caller's own is for it.
    /// - Throws: `PluginFailure` if it cannot be started here.
    init(_ plugin: InstalledPlugin, environment: [String: String]) throws(PluginFailure) {
        let manifest = plugin.manifest
        func failure(_ reason: String) -> PluginFailure {
            PluginFailure(plugin: manifest.name, cause: .cannotStart(reason))
        }
        switch plugin.program {
        case .found(let path): program = path
        case .missing(let reason): throw failure(reason)
        }
        var command = [plugin.interpreter, program].compactMap { $0 } + manifest.arguments
        if let count = manifest.limits.cpus, let cpus = CPUSelection(host: HostRoot()).list(count) {
            // Set before the program runs: engines count the CPUs when they are loaded, and threads inherit.
            guard let taskset = ["/usr/bin/taskset", "/bin/taskset"].first(where: FileManager.default.isExecutableFile)
            else {
                throw failure("limits.cpus needs the program taskset; apt-get install util-linux")
            }
            command = [taskset, "--cpu-list", cpus] + command
        }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: Self.terminationGrace)
        ]
        teardown = options.teardownSequence
        var variables = PluginEnvironment.of(manifest).merging(environment) { $1 }
        variables[ProcessSweep.variable] = mark
        configuration = Configuration(
            executable: .path(FilePath(command[0])), arguments: Arguments(Array(command.dropFirst())),
            environment: Environment(only: variables), workingDirectory: FilePath(plugin.directory),
            platformOptions: options)
    }

    /// Why the process could not be made, in one line.
    func reason(_ error: SubprocessError) -> String {
        switch error.underlyingError {
        case .some(.permissionDenied): "\(program) may not be executed; chmod +x it"
        case .some(.noSuchFileOrDirectory): "\(program) or the interpreter in its first line is not there"
        case .some(.execFormatError):
            "\(program) is not a program; a script begins with a line like #!/usr/bin/env python3"
        case .some(let errno): "\(program): \(errno)"
        case .none: "\(program): \(error)"
        }
    }
}
