import Core
import Logging
import Metering
import Synchronization

/// The meters that the daemon samples all the time. Drivers are loaded and GPUs come and go, so now and then it looks again.
final class CurrentMeters: Sendable {
    private struct Current {
        var session: MeteringSession
        var selection: TotalSelection
    }

    private let current: Mutex<Current>
    private let intervalSeconds: Double
    private let logger: Logger

    /// - Throws: `MeteringError` where nothing can be read.
    init(
        _ listings: [MeterListing], intervalSeconds: Double = AlwaysOnSampler.interval, logger: Logger
    ) throws(MeteringError) {
        current = Mutex(try Self.open(listings, intervalSeconds))
        self.intervalSeconds = intervalSeconds
        self.logger = logger
    }

    var session: MeteringSession { current.withLock { $0.session } }

    /// The latest power of the default total, and its scope.
    var power: (power: Power?, scope: TotalScope) {
        let current = current.withLock { $0 }
        return (current.session.latestPower(of: current.selection), current.selection.scope)
    }

    /// Takes the meters that there are now, if they are others than before.
    ///
    /// - Returns: the samples of the session that ended, if one did.
    func refresh(_ listings: [MeterListing]) -> [Sample] {
        guard let chosen = try? MeterCatalogue.select(listings) else { return [] }
        let before = Set(session.meters.map(\.id))
        let now = Set(chosen.map(\.description.id))
        guard before != now else { return [] }
        do {
            let next = try Self.open(listings, intervalSeconds)
            let old = current.withLock { current in
                defer { current = next }
                return current.session
            }
            next.session.start()
            old.stop()
            let come = now.subtracting(before).sorted().joined(separator: ", ")
            let gone = before.subtracting(now).sorted().joined(separator: ", ")
            logger.info(
                "meters changed: new are \(come.isEmpty ? "none" : come); gone are \(gone.isEmpty ? "none" : gone)")
            return old.takeSamples()
        } catch {
            // Nothing can be read any more: the old ones say so in every sample that they miss.
            logger.warning("the meters that are there now cannot be opened: \(error)")
            return []
        }
    }

    private static func open(_ listings: [MeterListing], _ intervalSeconds: Double) throws(MeteringError) -> Current {
        let chosen = try MeterCatalogue.select(listings)
        let session = try MeteringSession(listings: chosen, intervalSeconds: intervalSeconds)
        return Current(session: session, selection: try TotalSelection(meters: session.meters))
    }
}
