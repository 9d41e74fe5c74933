package import Accounting
package import Core
import Host
package import Metering

/// Whoever can measure the energy of a window: this process's own meters, or the daemon's over its socket.
package protocol EnergyMeasuring: Sendable {
    var meters: [MeterDescription] { get }
    /// Those that make up the total.
    var total: [MeterDescription] { get }
    func openWindow() async throws -> WindowID
    func closeWindow(_ window: WindowID) async throws -> WindowEnergy
    func discardWindow(_ window: WindowID) async
    /// The latest power of the total, for people to watch.
    func latestPower() async -> Power?
    /// The samples since the last call.
    func takeSamples() async -> [Sample]
}

extension EnergyMeasuring {
    package var total: [MeterDescription] {
        (try? TotalSelection(meters: meters)).map { $0.total(of: meters) } ?? meters
    }

    /// Measures a window in which something is done.
    ///
    /// - Returns: what `work` returns, and the energy, or why it is lost: the work is done all the same.
    /// - Throws: what `work` throws, and where no window can be opened.
    package func measuring<Value: Sendable>(
        _ work: () async throws -> Value
    ) async throws -> (Value, Result<WindowEnergy, any Error>) {
        let window = try await openWindow()
        let value: Value
        do { value = try await work() } catch {
            await discardWindow(window)
            throw error
        }
        do { return (value, .success(try await closeWindow(window))) } catch { return (value, .failure(error)) }
    }
}

extension TotalSelection {
    func total(of meters: [MeterDescription]) -> [MeterDescription] {
        let ids = members[scope] ?? []
        return meters.filter { ids.contains($0.id) }
    }
}

/// Measures with the meters that this process has open.
package struct LocalMetering: EnergyMeasuring {
    private let session: MeteringSession
    package let selection: TotalSelection

    package init(session: MeteringSession, selection: TotalSelection) {
        self.session = session
        self.selection = selection
    }

    package var meters: [MeterDescription] { session.meters }
    package var total: [MeterDescription] { selection.total(of: meters) }

    // Edges block for some milliseconds.

    package func openWindow() async throws -> WindowID {
        await offPool { session.openWindow() }
    }

    package func closeWindow(_ window: WindowID) async throws -> WindowEnergy {
        let energy = await offPool { session.closeWindow(window, selection: selection) }
        guard let energy else { throw WindowGone() }
        return energy
    }

    package func discardWindow(_ window: WindowID) async { session.discardWindow(window) }
    package func latestPower() async -> Power? { session.latestPower(of: selection) }
    package func takeSamples() async -> [Sample] { session.takeSamples() }
}

/// The window was closed or dropped before.
package struct WindowGone: UserFacingError {
    package init() {}
    package var userError: UserError { UserError(.notFound, "the measuring window is no longer open") }
}
