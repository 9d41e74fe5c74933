import Foundation
import Glibc
import Host
import Synchronization
import SystemPackage
import WorkloadProtocol

/// Plugins that systemd starts, each in a unit of its own, when the daemon connects to a socket. At its other end is
/// `PluginHost`, which starts the plugin, and tells how it ended.
package struct PluginUnits: Sendable, Hashable {
    /// How long a plugin may take to be ended: it is asked for two seconds, and systemd kills what is left.
    private static let patience = Duration.seconds(10)

    /// Where the sockets are.
    private let directory: String

    package init(socketsIn directory: String) { self.directory = directory }

    private func socket(of manifest: PluginManifest) -> String {
        "\(directory)/\(manifest.network ? "network" : "plugin").sock"
    }

    /// Has the plugin started, runs `body` with it, and has it ended.
    ///
    /// - Throws: `PluginFailure`, `CancellationError`, or what `body` throws.
    func with<Value: Sendable>(
        _ plugin: InstalledPlugin,
        body: @Sendable (_ connection: PluginConnection, _ processID: Int32) async throws -> Value
    ) async throws -> Value {
        let name = plugin.manifest.name
        _ = PluginProcess.ignoringBrokenPipes
        var pipes: PluginPipes
        do { pipes = try PluginPipes() } catch {
            throw PluginFailure(plugin: name, cause: .cannotStart("no pipe can be made for it: \(error)"))
        }
        let control = try await ask(plugin, pipes.theirs)
        pipes.closeTheirs()
        let processID = try await started(plugin, control)
        let (input, output, error) = pipes.takeOurs()
        let connection = PluginConnection(plugin: name) { bytes in
            try await offPool { Result { try input.write(bytes) } }.get()
        }
        async let reading: Void = PluginProcess.readLines(
            descriptor: output, limit: PluginConnection.longestLine, piece: connection.receive,
            atEnd: { connection.end(nil) })
        async let listening: Void = PluginProcess.readLines(
            descriptor: error, limit: PluginConnection.longestWords, piece: connection.hear, atEnd: {})
        let ending = Ending()
        Thread {
            guard case .ended(let end) = control.receive(PluginHostReport.self) else { return ending.tell(nil) }
            ending.tell(end)
        }.start()
        let running = RunningPlugin(processID: processID) {
            input.finish()
        } hasEnded: { time in
            await ending.isThere(within: time)
        } end: {
            control.hangUp()
            if await !ending.isThere(within: Self.patience) { control.abandon() }
        }
        let outcome = await running.use(connection, body: body)
        input.finish()
        _ = await (reading, listening)
        await connection.settle()
        if case .failure = outcome { try Task.checkCancellation() }
        switch outcome {
        case .success(let value): return value
        case .failure(var failure as PluginFailure):
            // Its last line may come after its end was noticed.
            failure.lastWords = connection.lastWords
            if case .ended(let call, nil) = failure.cause {
                failure.cause = cause(of: ending.end, during: call, plugin.manifest.limits)
            }
            throw failure
        case .failure(let error): throw error
        }
    }

    /// Connects, and says what is wanted.
    private func ask(_ plugin: InstalledPlugin, _ descriptors: [Int32]) async throws -> ControlSocket {
        let path = socket(of: plugin.manifest)
        let request = PluginHostRequest(plugin: plugin.manifest.name, directory: plugin.directory)
        let result = await offPool {
            Result {
                let control = try ControlSocket.connect(to: path)
                try control.send(request, descriptors: descriptors)
                return control
            }
        }
        do { return try result.get() } catch {
            throw PluginFailure(
                plugin: plugin.manifest.name,
                cause: .cannotStart(
                    "its unit's socket \(path) does not answer: \(error); systemctl start "
                        + (plugin.manifest.network ? "taskwatt-plugin-network.socket" : "taskwatt-plugin.socket")))
        }
    }

    /// - Returns: the plugin's process id.
    private func started(_ plugin: InstalledPlugin, _ control: ControlSocket) async throws -> Int32 {
        let seconds = plugin.manifest.limits.startSeconds
        let limit = Task {
            try await Task.sleep(for: .seconds(seconds))
            control.abandon()
        }
        defer { limit.cancel() }
        let report = await withTaskCancellationHandler {
            await offPool { control.receive(PluginHostReport.self) }
        } onCancel: {
            control.abandon()
        }
        try Task.checkCancellation()
        switch report {
        case .started(let processID): return processID
        case .refused(let reason): throw PluginFailure(plugin: plugin.manifest.name, cause: .cannotStart(reason))
        case .ended, nil:
            throw PluginFailure(
                plugin: plugin.manifest.name,
                cause: .cannotStart("its unit ended before it; `journalctl -u 'taskwatt-plugin*'` says why"))
        }
    }

    private func cause(
        of end: PluginEnd?, during call: String, _ limits: PluginManifest.Limits
    ) -> PluginFailure.Cause {
        guard let end else {
            return .ended(during: call, status: "as its unit was; `journalctl -u 'taskwatt-plugin*'` says why")
        }
        if let used = end.memoryUsed, let limit = limits.memory { return .overMemory(used: used, limit: limit) }
        return .ended(during: call, status: end.status)
    }
}

/// How a plugin ended, once that is known.
private final class Ending: Sendable {
    private let state = Mutex<(isThere: Bool, end: PluginEnd?)>((false, nil))

    var end: PluginEnd? { state.withLock(\.end) }

    /// - Parameter end: `nil` if its host ended without a word.
    func tell(_ end: PluginEnd?) { state.withLock { $0 = (true, end) } }

    /// Waits for it, cancelled or not. It is asked for only where an end is near.
    func isThere(within time: Duration) async -> Bool {
        await Task.detached { [self] in
            let deadline = ContinuousClock.now + time
            while true {
                if state.withLock(\.isThere) { return true }
                if ContinuousClock.now >= deadline { return false }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }.value
    }
}
