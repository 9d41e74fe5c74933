import Accounting
import Core
package import Host
import Synchronization

/// The meters that many sessions of this process read: each is opened once, and read for all of them within one `ReadingBudget`.
///
/// A session that asks when the budget has nothing left gets the latest reading that was made for another one, with its own time, or
/// nothing new where it has that one already. So many sessions, at however fine intervals, learn no more than one of them would.
package final class SharedReadings: Sendable {
    private let clock: any MeteringClock
    /// By what they read. The silicon of this machine is not much, and stays.
    private let silicon = Mutex<[String: SharedSilicon]>([:])

    package init(clock: any MeteringClock = SystemClock()) { self.clock = clock }

    /// The same meters, which are open once however many sessions open them.
    package func sharing(_ listings: [MeterListing]) -> [MeterListing] {
        listings.map { listing in
            let silicon = silicon.withLock { all in
                let known = all[listing.description.silicon] ?? SharedSilicon(clock)
                all[listing.description.silicon] = known
                return known
            }
            var shared = listing
            shared.open = { silicon.open(listing) }
            return shared
        }
    }
}

/// One piece of silicon with its meters, of which one is read at a time.
private final class SharedSilicon: Sendable {
    /// A reading that was held up for longer, in nanoseconds, is not handed on: nobody knows when in that time it was made.
    private static let longestRead: Int64 = 500_000
    /// What was read longer ago is nothing to a session that begins.
    private static let fresh: Int64 = 2_000_000

    /// What tells one file or device from another.
    struct Key: Sendable, Hashable {
        var id: String
        var source: String
        var revision: Int
    }

    private struct Meter {
        let reader: any MeterReader
        /// Of sessions that have it open.
        var users = 1
        var latest: TimedReading?
        /// Tells the latest reading from those before.
        var number = 0
        var instant: Int64?
    }

    private struct State {
        var budget = ReadingBudget()
        var meters: [Key: Meter] = [:]
    }

    private let clock: any MeteringClock
    private let state = Mutex(State())

    init(_ clock: any MeteringClock) { self.clock = clock }

    func open(_ listing: MeterListing) -> any MeterReader {
        let key = Key(
            id: listing.description.id, source: listing.description.source, revision: listing.revision)
        let now = clock.now()
        let seen: Int? = state.withLock { state in
            if var meter = state.meters.removeValue(forKey: key) {
                meter.users += 1
                let isFresh = meter.latest.map { now - $0.time <= Self.fresh } ?? false
                defer { state.meters[key] = meter }
                return isFresh ? meter.number - 1 : meter.number
            }
            let reader = listing.open()
            // It has its one poller for all sessions already, and to read it asks nobody.
            if reader.isPolled { return nil }
            state.meters[key] = Meter(reader: reader)
            return 0
        }
        return seen.map { SharedReader(self, key, seen: $0) } ?? listing.open()
    }

    func close(_ key: Key) {
        state.withLock { state in
            guard let users = state.meters[key]?.users else { return }
            state.meters[key]?.users = users - 1
            if users <= 1 { state.meters[key] = nil }
        }
    }

    /// - Parameter seen: the number of the reading that the caller had last.
    func read(_ key: Key, isEdge: Bool, seen: inout Int) -> TimedReading? {
        state.withLock { state in
            guard let index = state.meters.index(forKey: key) else { return nil }
            let before = clock.now()
            let lastRead = state.meters.values[index].instant
            if state.budget.take(at: before, isEdge: isEdge, lastRead: lastRead) {
                state.meters.values[index].instant = state.budget.instant
                let reader = state.meters.values[index].reader
                let reading = reader.read()
                if reading != .nothingNew {
                    let took = clock.now() - before
                    let timed = TimedReading(
                        reading: reading, time: reader.readTime ?? before.advanced(byNanoseconds: took / 2))
                    state.meters.values[index].number += 1
                    seen = state.meters.values[index].number
                    let isKnown = took <= Self.longestRead || reader.readTime != nil
                    state.meters.values[index].latest = isKnown ? timed : nil
                    return timed
                }
            }
            guard seen != state.meters.values[index].number else { return nil }
            seen = state.meters.values[index].number
            return state.meters.values[index].latest
        }
    }
}

/// What one session has of a shared meter.
private final class SharedReader: MeterReader {
    private let silicon: SharedSilicon
    private let key: SharedSilicon.Key
    private var seen: Int
    private(set) var readTime: MonotonicTime?

    init(_ silicon: SharedSilicon, _ key: SharedSilicon.Key, seen: Int) {
        self.silicon = silicon
        self.key = key
        self.seen = seen
    }

    deinit { silicon.close(key) }

    func read() -> Reading { read(isEdge: false) }
    func readAtEdge() -> Reading { read(isEdge: true) }

    private func read(isEdge: Bool) -> Reading {
        guard let timed = silicon.read(key, isEdge: isEdge, seen: &seen) else { return .nothingNew }
        readTime = timed.time
        return timed.reading
    }
}
