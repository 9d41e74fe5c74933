import API
import Accounting
import Core
import Host
import Listening
import Metering
import Running
import ServiceLifecycle

/// Meters that the daemon samples for clients, each with a lease: who does not call for two minutes, or as long as it asked for, loses the
/// session.
actor ClientSessions {
    private struct Lease {
        var session: MeteringSession
        var metering: LocalMetering
        var lastCall: MonotonicTime
        /// How long it lives after its client's last call, in seconds.
        var patience: Double
    }

    private static let most = 64

    /// In seconds, where the client asks for nothing else.
    private static let patience = 120.0
    /// What it may ask for: as long as a hold of the queue.
    static let leases = HoldRequest.durations

    private let clock: any MeteringClock
    private let checkInterval: Duration
    private let listings: @Sendable () async throws -> [MeterListing]
    private var leases: [Int: Lease] = [:]
    private var nextID = 1
    /// Sessions whose meters are being found.
    private var creating = 0

    /// - Parameters:
    ///   - clock: tells who has not called for too long.
    ///   - checkInterval: how often `run` looks for them.
    init(
        clock: any MeteringClock = SystemClock(), checkInterval: Duration = .seconds(30),
        listings: @escaping @Sendable () async throws -> [MeterListing]
    ) {
        self.clock = clock
        self.checkInterval = checkInterval
        self.listings = listings
    }

    func create(_ request: SessionRequest) async throws -> SessionCreated {
        if let lease = request.lease, !Self.leases.contains(lease) {
            throw UserError(.usage, "`lease_s` must be from 1 s to 31 days, not \(lease)")
        }
        dropStale()
        guard leases.count + creating < Self.most else {
            throw Refusal.busy("\(Self.most) clients are measuring already", again: 10)
        }
        creating += 1
        defer { creating -= 1 }
        let all = try await listings()
        let chosen = try MeterCatalogue.select(all, ids: request.meters)
        let session = try MeteringSession(
            listings: chosen, intervalSeconds: request.interval, load: ProcessorLoad(HostRoot()))
        let selection = try TotalSelection(
            meters: session.meters, asked: request.scope, of: request.meters.isEmpty ? all : [])
        session.start()
        await offPool { session.waitForFirstReadings() }
        let id = nextID
        nextID += 1
        leases[id] = Lease(
            session: session, metering: LocalMetering(session: session, selection: selection), lastCall: clock.now(),
            patience: request.lease ?? Self.patience)
        return SessionCreated(id: id, meters: session.meters)
    }

    /// How many there are, or will be in a moment.
    var count: Int {
        dropStale()
        return leases.count + creating
    }

    func metering(_ id: Int) throws -> LocalMetering {
        dropStale()
        guard let lease = leases[id] else {
            throw Self.noSession(id)
        }
        leases[id]?.lastCall = clock.now()
        return lease.metering
    }

    private static func noSession(_ id: Int) -> UserError {
        UserError(.notFound, "there is no session \(id)", remedy: "it ended, or had no request for too long")
    }

    func end(_ id: Int) throws {
        guard let lease = leases.removeValue(forKey: id) else { throw Self.noSession(id) }
        lease.session.stop()
    }

    private func dropStale() {
        let now = clock.now()
        for (id, lease) in leases where now.seconds(since: lease.lastCall) > lease.patience {
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
                try await Task.sleep(for: self.checkInterval)
                await self.dropStale()
            }
        }
        for lease in leases.values { lease.session.stop() }
        leases = [:]
    }
}
