import Core
import Metering
import Running
import Service

/// Meters that are open for a command: this process's own, or the daemon's where it can read some that we cannot.
struct MeterAccess {
    let metering: any EnergyMeasuring
    /// Lets go of them.
    let end: @Sendable () async -> Void

    /// - Parameters:
    ///   - ids: only these; all that are available if empty.
    ///   - scope: what the total adds up.
    /// - Throws: `MeteringError`, and what a daemon answers.
    static func open(
        _ surroundings: Surroundings, _ state: StateOptions, ids: [String], scope: TotalScope?, interval: Double
    ) async throws -> MeterAccess {
        let listings = try await surroundings.meters(state)
        let isDenied = listings.contains { !$0.availability.isAvailable }
        if isDenied, let client = await DaemonClient.find(surroundings.daemonStates(state)) {
            let metering = try await DaemonMetering(
                client, SessionRequest(interval: interval, scope: scope, meters: ids))
            let heartbeat = Task { await metering.keepAlive() }
            return MeterAccess(metering: metering) {
                heartbeat.cancel()
                await metering.end()
            }
        }
        let chosen = try MeterCatalogue.select(listings, ids: ids)
        let session = try MeteringSession(listings: chosen, intervalSeconds: interval)
        let selection = try TotalSelection(meters: session.meters, asked: scope)
        session.start()
        await offPool { session.waitForFirstReadings() }
        return MeterAccess(metering: LocalMetering(session: session, selection: selection)) { session.stop() }
    }
}
