import Accounting
import Core
import Host
import Logging
import Metering
import Synchronization

/// The meters that the daemon samples all the time. Drivers are loaded and GPUs come and go, so now and then it looks again.
final class CurrentMeters: Sendable {
    private struct Current {
        var session: MeteringSession
        var selection: TotalSelection
        var listings: [MeterListing]
        /// How often in a row each of them was looked for and not found.
        var misses: [String: Int] = [:]
        /// What was seen in the sessions before, of meters that are gone as well, so that no total ever goes back.
        var before: [Series: MeterTally] = [:]
        var jitterBefore = JitterHistogram()

        /// Takes over the totals of the meters before, whose session has stopped.
        mutating func carry(from old: Current) {
            before = old.before
            jitterBefore = old.jitterBefore + old.session.jitter
            for (meter, tally) in zip(old.session.meters, old.session.tallies()) {
                before[Series(meter), default: .zero] += tally
            }
            // What both have seen, while the new one was opened, counts once.
            let known = Set(old.session.meters.map(Series.init))
            for (meter, tally) in zip(session.meters, session.tallies()) where known.contains(Series(meter)) {
                before[Series(meter), default: .zero] -= tally
            }
        }

        /// Those that were not found this time, and are kept for now.
        mutating func kept(besides found: [MeterListing]) -> [MeterListing] {
            let ids = Set(found.map(\.description.id))
            let missed = listings.filter { !ids.contains($0.description.id) }
            let before = misses
            misses = [:]
            for listing in missed { misses[listing.description.id] = (before[listing.description.id] ?? 0) + 1 }
            // The model goes at once where something measures now.
            return missed.filter { listing in
                listing.description.provenance != .estimated
                    && (misses[listing.description.id] ?? 0) < CurrentMeters.mostMisses
            }
        }
    }

    /// What tells one meter's figures from another's: the labels of /metrics.
    struct Series: Sendable, Hashable {
        var meter: String
        var scope: MeterScope
        var provenance: Provenance

        init(_ meter: MeterDescription) {
            self.meter = meter.id
            scope = meter.scope
            provenance = meter.provenance
        }
    }

    /// What one meter has seen since the daemon's start.
    struct Figures: Sendable {
        var series: Series
        var tally: MeterTally
        var power: Power?
        /// What came of its last reading, of one that is sampled now.
        var condition: MeterCondition?
        /// Whether it is sampled now.
        var isPresent: Bool
    }

    /// A plug that does not answer for once, or a GPU that is reset, is no reason to begin anew.
    private static let mostMisses = 2

    private let current: Mutex<Current>
    /// The session of `current`, under a lock that is never held for long.
    private let sampled: Mutex<MeteringSession>
    private let intervalSeconds: Double
    private let logger: Logger

    /// - Throws: `MeteringError` where nothing can be read.
    init(
        _ listings: [MeterListing], intervalSeconds: Double = AlwaysOnSampler.interval, logger: Logger
    ) throws(MeteringError) {
        let opened = try Self.open(MeterCatalogue.select(listings), intervalSeconds)
        current = Mutex(opened)
        sampled = Mutex(opened.session)
        self.intervalSeconds = intervalSeconds
        self.logger = logger
    }

    var session: MeteringSession { current.withLock { $0.session } }

    /// As `MeteringSession.lateness`, of the session of now. To be known without waiting: `current` is held while drivers are asked for
    /// their files.
    func lateness(at now: MonotonicTime) -> Double { sampled.withLock { $0 }.lateness(at: now) }

    /// The latest power of the default total, and what that is.
    var power: (power: Power?, scope: TotalScope, provenance: Provenance?) {
        let current = current.withLock { $0 }
        let selection = current.selection
        let members = Set(selection.members[selection.scope] ?? [])
        let provenance = current.session.meters.filter { members.contains($0.id) }.map(\.provenance)
            .max { $0.rank < $1.rank }
        return (current.session.latestPower(of: selection), selection.scope, provenance)
    }

    /// Of all meters since the daemon's start, in an order that is always the same.
    var figures: [Figures] {
        current.withLock { current in
            var all: [Series: Figures] = [:]
            for (series, tally) in current.before {
                all[series] = Figures(series: series, tally: tally, isPresent: false)
            }
            let (powers, conditions) = (current.session.latestPower(), current.session.conditions())
            for (index, (meter, tally)) in zip(current.session.meters, current.session.tallies()).enumerated() {
                let series = Series(meter)
                all[series] = Figures(
                    series: series, tally: (all[series]?.tally ?? .zero) + tally, power: powers[meter.id],
                    condition: conditions.indices.contains(index) ? conditions[index] : nil, isPresent: true)
            }
            return all.values
                .sorted { ($0.series.meter, $0.series.scope.rawValue) < ($1.series.meter, $1.series.scope.rawValue) }
        }
    }

    /// The errors of the sampler's intervals since the daemon's start.
    var jitter: JitterHistogram { current.withLock { $0.jitterBefore + $0.session.jitter } }

    /// Takes the meters that there are now, if they are others than before.
    ///
    /// - Returns: the samples of the session that ended, if one did.
    func refresh(_ listings: [MeterListing]) -> [Sample] {
        guard let found = try? MeterCatalogue.select(listings) else { return [] }
        let (chosen, before, session) = current.withLock { ($0.kept(besides: found) + found, $0.listings, $0.session) }
        guard Self.identity(chosen) != Self.identity(before) else {
            // Those whose devices had gone, where they are back.
            session.reopen(found)
            return []
        }
        do {
            var next = try Self.open(chosen, intervalSeconds)
            let old = current.withLock { current in
                defer { current = next }
                // Whoever asks for the totals now waits: he shall not see more of the old session than is taken over.
                current.session.stop()
                next.carry(from: current)
                return current.session
            }
            next.session.start()
            sampled.withLock { $0 = next.session }
            let (before, now) = (Set(old.meters.map(\.id)), Set(next.session.meters.map(\.id)))
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

    /// Tells one set of meters from another. A whole description would not do: parts of it, such as the resolution of
    /// voltage × current, depend on what flows at the time. A chip whose driver was loaded anew has its files elsewhere.
    private static func identity(_ listings: [MeterListing]) -> Set<String> {
        Set(listings.map { "\($0.description.id) \($0.revision) \($0.description.source)" })
    }

    private static func open(_ listings: [MeterListing], _ intervalSeconds: Double) throws(MeteringError) -> Current {
        let session = try MeteringSession(
            listings: listings, intervalSeconds: intervalSeconds, load: ProcessorLoad(HostRoot()))
        return Current(
            session: session, selection: try TotalSelection(meters: session.meters), listings: listings)
    }
}
