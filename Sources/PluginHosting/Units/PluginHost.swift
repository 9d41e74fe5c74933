import Foundation
import Glibc
import Host
import Subprocess
import SystemPackage
import WorkloadProtocol

/// The process between systemd and a plugin, in the plugin's unit and with its rights: starts the plugin that the daemon
/// names, holds it to the limits of its manifest, and tells how it ended.
///
/// It ends the plugin when the daemon hangs up, and itself after that; systemd then kills whatever is left in the unit's
/// control group. The daemon's word is a name: a program that is not of a plugin in `catalogue` is not started.
package struct PluginHost: Sendable {
    private let catalogue: PluginCatalogue
    private let cacheDirectory: String
    private let hasNetwork: Bool
    private let tell: @Sendable (String) -> Void

    /// - Parameters:
    ///   - cacheDirectory: of all plugins.
    ///   - hasNetwork: whether this unit has one; a plugin whose manifest asks for none is then refused.
    ///   - tell: a line for the log.
    package init(
        catalogue: PluginCatalogue, cacheDirectory: String, hasNetwork: Bool,
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.catalogue = catalogue
        self.cacheDirectory = cacheDirectory
        self.hasNetwork = hasNetwork
        self.tell = tell
    }

    /// Serves one connection to its end.
    ///
    /// - Parameter descriptor: of the connected socket.
    package func serve(descriptor: Int32) async {
        _ = PluginProcess.ignoringBrokenPipes
        let control = ControlSocket(descriptor: descriptor)
        guard let request = await offPool({ control.receive(PluginHostRequest.self) }) else { return }
        let report: PluginHostReport
        do {
            report = .ended(try await run(try plugin(request), control))
        } catch {
            let reason =
                if case .cannotStart(let reason) = (error as? PluginFailure)?.cause { reason } else { "\(error)" }
            tell("\(request.plugin): \(reason)")
            report = .refused(reason)
        }
        // The daemon may be gone.
        try? control.send(report)
    }

    /// - Throws: `PluginError`, `PluginFailure`.
    private func plugin(_ request: PluginHostRequest) throws -> InstalledPlugin {
        func refusal(_ reason: String) -> PluginFailure {
            PluginFailure(plugin: request.plugin, cause: .cannotStart(reason))
        }
        guard let plugin = catalogue.plugins.first(where: { $0.manifest.name == request.plugin }),
            plugin.directory == request.directory
        else {
            throw refusal(
                "\(request.directory) is no plugin of the system, and the service starts no others; install it in one of "
                    + catalogue.directories.joined(separator: ", "))
        }
        if hasNetwork, !plugin.manifest.network { throw refusal("its manifest asks for no network") }
        if let interpreter = plugin.interpreter {
            let environment = URL(fileURLWithPath: interpreter).deletingLastPathComponent().deletingLastPathComponent()
            guard Self.isOfAdministrator(environment.path) else {
                throw refusal(
                    "others than root can change its Python environment \(environment.path); remove it, and install it as root"
                )
            }
        }
        return plugin
    }

    /// Whether nobody but root, or the user that this process runs as, can change what is there: the daemon can put what it
    /// likes into its state directory, where environments may be.
    private static func isOfAdministrator(_ directory: String) -> Bool {
        var status = stat()
        return lstat(directory, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            && (status.st_uid == 0 || status.st_uid == geteuid()) && status.st_mode & (S_IWGRP | S_IWOTH) == 0
    }

    /// What the host waits for.
    private enum Event {
        case hungUp
        case ended
        case overMemory(Int64)
    }

    private func run(_ plugin: InstalledPlugin, _ control: ControlSocket) async throws -> PluginEnd {
        let name = plugin.manifest.name
        let pipes = control.takeDescriptors().map { FileDescriptor(rawValue: $0) }
        guard pipes.count == 3 else {
            for pipe in pipes { try? pipe.close() }
            throw PluginFailure(plugin: name, cause: .cannotStart("the daemon sent no pipes for it"))
        }
        let start = try PluginStart(plugin, environment: [:])
        let lease = try await CacheLease(sharing: "\(cacheDirectory)/\(name)", plugin: name)
        let group = controlGroup(plugin.manifest)
        group?.enter()
        let result: ExecutionResult<Int64?, FileDescriptorOutput, FileDescriptorOutput>
        do {
            result = try await Subprocess.run(
                start.configuration, input: .fileDescriptor(pipes[0], closeAfterSpawningProcess: true),
                output: .fileDescriptor(pipes[1], closeAfterSpawningProcess: true),
                error: .fileDescriptor(pipes[2], closeAfterSpawningProcess: true)
            ) { execution in
                group?.leave()
                let processID = execution.processIdentifier.value
                try? control.send(PluginHostReport.started(processID: processID))
                let used = await Self.supervise(
                    processID, control, memory: group == nil ? plugin.manifest.limits.memory : nil)
                await execution.teardown(using: start.teardown)
                await ProcessSweep(session: processID, mark: start.mark).killAll()
                return used
            }
        } catch let error as SubprocessError {
            throw PluginFailure(plugin: name, cause: .cannotStart(start.reason(error)))
        }
        _ = consume lease
        return PluginEnd(
            status: PluginProcess.text(result.terminationStatus), memoryUsed: result.closureResult ?? group?.excess)
    }

    /// Waits until the plugin is to be ended, or has ended.
    ///
    /// - Parameter memory: a limit that nobody else holds it to, in bytes.
    /// - Returns: bytes in use where that is why.
    private static func supervise(_ processID: Int32, _ control: ControlSocket, memory: Int64?) async -> Int64? {
        let (events, event) = AsyncStream<Event>.makeStream()
        // They wait without a wake-up, so that nothing of the host is in what is measured.
        Thread {
            // The daemon says nothing more; what it says all the same is not for us.
            while control.receive(PluginHostRequest.self) != nil {}
            event.yield(.hungUp)
        }.start()
        Thread {
            var info = siginfo_t()
            while waitid(P_PID, id_t(processID), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            event.yield(.ended)
        }.start()
        let watching = Task {
            guard let memory, let used = await MemoryWatch(session: processID, limit: memory).excess() else { return }
            event.yield(.overMemory(used))
        }
        defer { watching.cancel() }
        for await event in events {
            if case .overMemory(let used) = event { return used }
            break
        }
        return nil
    }

    private func controlGroup(_ manifest: PluginManifest) -> PluginControlGroup? {
        do {
            return try PluginControlGroup(manifest.limits)
        } catch {
            if manifest.limits.memory != nil || manifest.limits.tasks != nil {
                tell(
                    "\(manifest.name): \(error); limits.memory is checked once a second, and limits.tasks does not apply"
                )
            }
            return nil
        }
    }
}
