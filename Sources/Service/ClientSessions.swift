import Core
import Metering
import Running

/// Meters that the daemon samples for clients, each with a lease: who does not call for two minutes loses the session.
actor ClientSessions {
    private struct Lease {
        var session: MeteringSession
        var metering: LocalMetering
        var lastCall: ContinuousClock.Instant
    }

    private static let patience = Duration.seconds(120)
    private static let most = 64

    private let listings: @Sendable () -> [MeterListing]
    private var leases: [Int: Lease] = [:]
    private var nextID = 1

    init(listings: @escaping @Sendable () -> [MeterListing]) { self.listings = listings }

    func create(_ request: SessionRequest) throws -> SessionCreated {
        dropStale()
        guard leases.count < Self.most else { throw APIError(.failed, "\(Self.most) clients are measuring; try again later") }
        let chosen = try MeterCatalogue.select(listings(), ids: request.meters)
        let session = try MeteringSession(listings: chosen, intervalSeconds: request.interval)
        let selection = try TotalSelection(meters: session.meters, asked: request.scope)
        session.start()
        let id = nextID
        nextID += 1
        leases[id] = Lease(
            session: session, metering: LocalMetering(session: session, selection: selection), lastCall: .now)
        return SessionCreated(id: id, meters: session.meters)
    }

    func metering(_ id: Int) throws -> LocalMetering {
        dropStale()
        guard let lease = leases[id] else {
            throw APIError(.notFound, "there is no session \(id); it ended, or nobody called for two minutes")
        }
        leases[id]?.lastCall = .now
        return lease.metering
    }

    func end(_ id: Int) {
        leases.removeValue(forKey: id)?.session.stop()
    }

    func dropStale() {
        for (id, lease) in leases where lease.lastCall.duration(to: .now) > Self.patience { end(id) }
    }
}
