package import API
package import Core
package import Metering
import Running
import Synchronization

/// Measures with the daemon's meters, which it may read where we may not; the work measured is ours and runs with our
/// rights.
package final class DaemonMetering: EnergyMeasuring {
    private let client: DaemonClient
    private let id: Int
    /// Samples come with every answer and are the daemon's no more; here they wait for whoever takes them.
    private let samples = Mutex<[Sample]>([])
    private static let mostSamples = 50_000
    package let meters: [MeterDescription]

    package init(_ client: DaemonClient, _ request: SessionRequest) async throws {
        self.client = client
        let created: SessionCreated = try await client.post("/v1/sessions", request)
        id = created.id
        meters = created.meters
    }

    package func openWindow() async throws -> WindowID {
        let opened: WindowOpened = try await client.post("/v1/sessions/\(id)/windows")
        return WindowID(rawValue: opened.window)
    }

    package func closeWindow(_ window: WindowID) async throws -> WindowEnergy {
        try await client.post("/v1/sessions/\(id)/windows/\(window.rawValue)/close")
    }

    package func discardWindow(_ window: WindowID) async {
        // In a task of its own: ours may be cancelled, and the daemon is to know all the same.
        await Task { [client, id] in try? await client.delete("/v1/sessions/\(id)/windows/\(window.rawValue)") }.value
    }

    package func latestPower() async -> Power? { await state()?.power }
    package func takeSamples() async -> [Sample] {
        _ = await state()
        return samples.withLock { samples in
            defer { samples = [] }
            return samples
        }
    }

    private func state() async -> SessionState? {
        let state: SessionState? = try? await client.get("/v1/sessions/\(id)")
        if let state {
            samples.withLock { samples in
                samples += state.samples
                // Of a command that runs for days nobody takes them.
                if samples.count > Self.mostSamples { samples.removeFirst(samples.count - Self.mostSamples) }
            }
        }
        return state
    }

    /// Calls often enough that the daemon does not take us for dead; ends with the task.
    package func keepAlive() async {
        while (try? await Task.sleep(for: .seconds(30))) != nil { _ = await latestPower() }
    }

    package func end() async { await Task { [client, id] in try? await client.delete("/v1/sessions/\(id)") }.value }
}
