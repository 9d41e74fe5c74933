import API
package import Accounting
package import Core
import Host
package import Metering
package import Running
package import Settings

extension MeterDescription {
    /// Whether a total can hold it. A battery that charges is no loss.
    fileprivate var isOfATotal: Bool { MeterScope.ofTotals.contains(scope) && scope != .battery }
}

/// Meters that are open for a command: this process's own, or the daemon's where it can read some that we cannot.
package struct MeterAccess: Sendable {
    package let metering: any EnergyMeasuring
    /// How many meters of a total's scopes are here and cannot be read.
    package private(set) var unreadable = 0
    /// Lets go of them.
    private let end: @Sendable () async -> Void

    /// Lets somebody measure with them, and lets go of them then.
    package func using<Value: Sendable>(
        _ work: (any EnergyMeasuring) async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await work(metering)
            await end()
            return value
        } catch {
            await end()
            throw error
        }
    }

    /// - Parameters:
    ///   - ids: only these; all that are available if empty.
    ///   - scope: what the total adds up.
    /// - Throws: `MeteringError`, and what a daemon answers.
    package static func open(
        _ surroundings: Surroundings, ids: [String] = [], scope: TotalScope? = nil, interval: Double
    ) async throws -> MeterAccess {
        let listings = try await surroundings.meters()
        if let client = try await better(than: listings, ids: ids, surroundings) {
            let metering = try await DaemonMetering(
                client, SessionRequest(interval: interval, scope: scope, meters: ids))
            let heartbeat = Task { await metering.keepAlive() }
            return MeterAccess(metering: metering) {
                heartbeat.cancel()
                await metering.end()
            }
        }
        return try await own(surroundings, listings, ids: ids, scope: scope, interval: interval)
    }

    /// The daemon, if it can read what we cannot and all that we can: it does not have the meters of a user's own
    /// configuration.
    package static func better(
        than listings: [MeterListing], ids: [String], _ surroundings: Surroundings
    ) async throws -> DaemonClient? {
        let ours = Set(listings.filter(Self.measures).map(\.description.id))
        let ids = ids.map { listings.named($0)?.description.id ?? $0 }
        // In a container nothing may be there that could be read: its host's daemon may have all of it.
        guard ours.isEmpty || listings.contains(where: { !$0.availability.isAvailable }),
            ids.isEmpty || !ours.isSuperset(of: ids),
            let client = try await surroundings.daemon()
        else { return nil }
        let statuses: [MeterStatus] = try await client.get("/v1/meters")
        let theirs = Set(statuses.filter { $0.isAvailable && $0.meter.provenance != .estimated }.map(\.meter.id))
        return theirs.isStrictSuperset(of: ours) ? client : nil
    }

    private static func measures(_ listing: MeterListing) -> Bool {
        listing.availability.isAvailable && listing.description.provenance != .estimated
    }

    private static func own(
        _ surroundings: Surroundings, _ listings: [MeterListing], ids: [String], scope: TotalScope?, interval: Double
    ) async throws -> MeterAccess {
        let evidence = MeterEvidenceFile(directory: surroundings.ownState.path)
        let chosen = try MeterCatalogue.select(listings, ids: ids)
        let session = try MeteringSession(
            listings: chosen, intervalSeconds: interval, load: ProcessorLoad(surroundings.host))
        let selection = try selection(session.meters, scope: scope, of: listings, isNamed: !ids.isEmpty)
        session.start()
        await offPool { session.waitForFirstReadings() }
        let locked = ids.isEmpty ? listings.filter { !$0.availability.isAvailable && $0.description.isOfATotal } : []
        return MeterAccess(
            metering: LocalMetering(session: session, selection: selection), unreadable: locked.count
        ) {
            session.stop()
            evidence.add(session.evidence(), at: Clocks.wall())
        }
    }

    /// The total that is asked for.
    ///
    /// - Parameter isNamed: whether the user named the meters, and so knows what is not in them.
    /// - Throws: `MeteringError`; where a meter of the scope is there and cannot be read, why.
    package static func selection(
        _ meters: [MeterDescription], scope: TotalScope?, of listings: [MeterListing], isNamed: Bool = false
    ) throws -> TotalSelection {
        do throws(MeteringError) {
            return try TotalSelection(meters: meters, asked: scope, of: isNamed ? [] : listings)
        } catch {
            guard case .noSuchScope(let scope, _) = error else { throw error }
            for listing in listings where listing.description.scope.rawValue == scope.rawValue {
                if case .unavailable(let reason, let remedy) = listing.availability {
                    throw MeteringError.unavailableMeter(listing.description.id, reason: reason, remedy: remedy)
                }
            }
            throw error
        }
    }
}
