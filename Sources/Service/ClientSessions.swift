import Core
import Metering
import Running
import ServiceLifecycle

/// Meters that the daemon samples for clients, each with a lease: who does not call for two minutes loses the session.
actor ClientSessions {
    private struct Lease {
        var session: MeteringSession
        var metering: LocalMetering
        var lastCall: ContinuousClock.Instant
    }

    private static let most = 64

    private let patience: Duration
    private let listings: @Sendable () -> [MeterListing]
    private var leases: [Int: Lease] = [:]
    private var nextID = 1

    /// - Parameter patience: how long a session lives after its client's last call.
    init(patience: Duration = .seconds(120), listings: @escaping @Sendable () -> [MeterListing]) {
        self.patience = patience
        self.listings = listings
    }

    func create(_ request: SessionRequest) throws -> SessionCreated {
        dropStale()
        guard leases.count < Self.most else {
            throw APIError(.failed, "\(Self.most) clients are measuring; try again later")
        }
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
            throw Self.noSession(id)
        }
        leases[id]?.lastCall = .now
        return lease.metering
    }

    private static func noSession(_ id: Int) -> APIError {
        APIError(.notFound, "there is no session \(id); it ended, or nobody called for two minutes")
    }

    func end(_ id: Int) throws {
        guard let lease = leases.removeValue(forKey: id) else { throw Self.noSession(id) }
        lease.session.stop()
    }

    private func dropStale() {
        for (id, lease) in leases where lease.lastCall.duration(to: .now) > patience {
            leases[id] = nil
            lease.session.stop()
        }
    }
}

extension ClientSessions: Service {
    /// Ends the sessions that nobody calls any more, and with the daemon all of them.
    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: self.patience / 4)
                await self.dropStale()
            }
        }
        for lease in leases.values { lease.session.stop() }
        leases = [:]
    }
}
