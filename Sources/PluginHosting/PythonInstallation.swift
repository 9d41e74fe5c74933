package import Core
import Foundation
import Glibc
import Host
import SystemPackage
import WorkloadProtocol

/// Makes and removes the virtual environments of plugins.
package struct PythonInstallation: Sendable {
    package enum Mode: Sendable { case ifNeeded, upgrade, afresh }

    private let plugin: InstalledPlugin
    private let requirements: PluginManifest.Python
    private let environments: PythonEnvironments
    /// The Python to make it with.
    private let python: String
    private let tell: @Sendable (String) -> Void

    private var name: String { plugin.manifest.name }

    /// - Parameters:
    ///   - python: a program's path or name.
    ///   - tell: shows a line of what goes on.
    /// - Returns: `nil` for a plugin that has no environment.
    package init?(
        _ plugin: InstalledPlugin, environments: PythonEnvironments, python: String = "python3",
        tell: @escaping @Sendable (String) -> Void
    ) {
        guard let requirements = plugin.manifest.python else { return nil }
        self.plugin = plugin
        self.requirements = requirements
        self.environments = environments
        self.python = python
        self.tell = tell
    }

    /// Makes the environment in place, because one that is moved has wrong paths in its programs; the marker comes last.
    ///
    /// - Returns: the environment's directory, and whether anything had to be done.
    /// - Throws: `PythonEnvironmentError`, or `CancellationError`; what was cut off is removed.
    package func install(_ mode: Mode) async throws -> (directory: String, isNew: Bool) {
        if mode == .ifNeeded, case .ready(let directory) = environments.state(of: plugin) { return (directory, false) }
        // Its requirements name what is run.
        if let distrust = plugin.distrust { throw PythonEnvironmentError.untrusted(name, distrust) }
        guard let parent = environments.directories.first else { throw PythonEnvironmentError.nowhere(name) }
        let file = "\(plugin.directory)/\(requirements.requirements)"
        guard let wanted = try? BoundedFile.text(file) else {
            throw PythonEnvironmentError.noRequirements(name, file)
        }
        try await checkPython()
        let place = try Self.place(parent, making: true)
        let lock = try EnvironmentLock(in: place, name: name)
        let environment = "\(parent)/\(name)"
        let marker = "\(environment)/\(PythonEnvironments.marker)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: environment)) ?? []
        guard names.isEmpty || names.contains("pyvenv.cfg") else {
            throw PythonEnvironmentError.cannotWrite(environment, "it exists, and is not a Python environment")
        }
        let keeps = mode == .upgrade && FileManager.default.fileExists(atPath: marker)
        if keeps { unlink(marker) } else { try Self.remove(name, in: place) }
        do {
            if !keeps {
                tell("making the environment \(environment)")
                try await run([python, "-m", "venv", environment]) { .venvFailed(name, $0) }
            }
            tell("installing the requirements of \(name) with pip")
            try await run(
                ["\(environment)/bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
                    + (mode == .upgrade ? ["--upgrade"] : []) + ["-r", file]
            ) { .pipFailed(name, $0) }
            do throws(FileProblem) {
                // A marker that outlasts a power cut shall not speak for files that did not.
                sync()
                try place.directory(name).put(wanted.utf8, as: PythonEnvironments.marker, mode: 0o644)
            } catch {
                throw PythonEnvironmentError.cannotWrite(marker, "the disk may be full")
            }
        } catch {
            // Without its marker it would be of no use but to fill the disk; one that was upgraded is mended by doing it
            // again.
            if !keeps { try? Self.remove(name, in: place) }
            throw error
        }
        _ = consume lock
        return (environment, true)
    }

    private func checkPython() async throws {
        let version = "import sys; print('%d.%d' % sys.version_info[:2])"
        let said: ToolRun
        do {
            said = try await ToolRun.run([python, "-c", version], directory: plugin.directory)
        } catch is ToolRun.NotStarted {
            throw PythonEnvironmentError.noPython(python)
        }
        let numbers = said.lastLine.split(separator: ".").compactMap { Int($0) }
        guard said.isSuccess, numbers.count == 2 else { throw PythonEnvironmentError.noPython(python) }
        if numbers.lexicographicallyPrecedes(requirements.oldest) {
            throw PythonEnvironmentError.tooOld(
                python, version: said.lastLine, needed: requirements.oldest.map(String.init).joined(separator: "."),
                plugin: name)
        }
        // Debian and Ubuntu ship them apart from Python.
        guard try await ToolRun.run([python, "-c", "import venv, ensurepip"], directory: plugin.directory).isSuccess
        else { throw PythonEnvironmentError.noVenv(python) }
    }

    private func run(_ command: [String], _ failure: (String) -> PythonEnvironmentError) async throws {
        let outcome: ToolRun
        do {
            outcome = try await ToolRun.run(command, directory: plugin.directory, tell: tell)
        } catch is ToolRun.NotStarted {
            throw failure("\(command[0]) cannot be started")
        }
        try Task.checkCancellation()
        if !outcome.isSuccess { throw failure(outcome.reason) }
    }

    /// The directory that environments are in.
    ///
    /// Python and pip write by paths: where they are root's, nobody else may be able to lead those elsewhere.
    private static func place(_ parent: String, making: Bool) throws(PythonEnvironmentError) -> OpenDirectory {
        let place: OpenDirectory
        let weakness: String?
        do throws(FileProblem) {
            place = try OpenDirectory(parent, making: making ? 0o755 : nil)
            weakness = geteuid() == 0 && making ? try OpenDirectory.weakness(of: parent) : nil
        } catch {
            throw .cannotWrite(parent, "it cannot be used: \(error.cause)")
        }
        if let weakness { throw .unsafe(parent, weakness) }
        return place
    }

    private static func remove(_ name: String, in place: OpenDirectory) throws(PythonEnvironmentError) {
        if let stuck = place.remove(name) { throw .cannotWrite(stuck, "it cannot be removed") }
    }

    /// Removes the environment of a plugin, which may itself be gone.
    ///
    /// - Returns: the directories that were removed.
    package static func uninstall(_ name: String, _ environments: PythonEnvironments) throws -> [String] {
        let found = environments.environments(named: name)
        for environment in found {
            let place = try place(environment.directoryPart, making: false)
            let lock = try EnvironmentLock(in: place, name: name)
            try remove(name, in: place)
            _ = place.remove("\(name).lock")
            _ = consume lock
        }
        return found
    }
}

/// Keeps two installations of one environment from each other; goes with the process.
private struct EnvironmentLock: ~Copyable {
    private let file: FileDescriptor

    init(in place: OpenDirectory, name: String) throws(PythonEnvironmentError) {
        let file: FileDescriptor
        do { file = try place.file("\(name).lock", O_RDWR | O_CREAT, mode: 0o644) } catch {
            throw .cannotWrite("\(place.path)/\(name).lock", error.cause)
        }
        if flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
            try? file.close()
            throw .busy(name)
        }
        self.file = file
    }

    deinit { try? file.close() }
}

/// Why an environment could not be made: one line with the cause and the remedy.
package enum PythonEnvironmentError: UserFacingError, Sendable, Hashable {
    case nowhere(String)
    case noRequirements(String, String)
    case noPython(String)
    case tooOld(String, version: String, needed: String, plugin: String)
    case noVenv(String)
    case venvFailed(String, String)
    case pipFailed(String, String)
    case cannotWrite(String, String)
    case untrusted(String, String)
    /// Root would work in a directory that others can change.
    case unsafe(String, String)
    case busy(String)

    package var userError: UserError {
        switch self {
        case .nowhere(let name):
            UserError(
                .failed, "there is no directory for the environment of \(name)",
                remedy: "set TASKWATT_ENVIRONMENTS to one")
        case .noRequirements(let name, let file):
            UserError(
                .failed, "the requirements of \(name), \(file), cannot be read", remedy: "install the plugin again")
        case .noPython(let python):
            UserError(
                .unavailable, "\(python) is not there or is not Python",
                remedy: "apt-get install python3 python3-venv, or name one with --python")
        case .tooOld(let python, let version, let needed, let plugin):
            UserError(
                .unavailable, "\(python) is Python \(version), and \(plugin) needs \(needed) or later",
                remedy: "name a newer one with --python")
        case .noVenv(let python):
            UserError(
                .unavailable, "\(python) cannot make virtual environments",
                remedy: "apt-get install python3-venv, or name another with --python")
        case .venvFailed(let name, let reason):
            UserError(
                .failed, "the environment of \(name) could not be made: \(reason)",
                remedy: "make room, or name another Python with --python")
        case .pipFailed(let name, let reason):
            UserError(
                .failed, "pip could not install the requirements of \(name): \(reason)",
                remedy: "check the network, or PIP_INDEX_URL and PIP_CONSTRAINT if they are set, and run it again")
        case .cannotWrite(let path, let reason):
            UserError(
                .failed, "\(path): \(reason)",
                remedy: "check its permissions and the space, or set TASKWATT_ENVIRONMENTS to another directory")
        case .untrusted(let name, let reason): UserError(.notAllowed, "\(name) is not installed: \(reason)")
        case .unsafe(let path, let reason):
            UserError(
                .notAllowed,
                "root makes no environment in \(path), where others could lead what it writes elsewhere: \(reason)",
                remedy: "set TASKWATT_ENVIRONMENTS to a directory of root's, such as "
                    + "/usr/local/lib/taskwatt/environments")
        case .busy(let name): UserError(.busy, "another taskwatt is installing \(name)", remedy: "wait for it to end")
        }
    }
}
