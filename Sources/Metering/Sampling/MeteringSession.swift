package import Accounting
package import Core
import Foundation
package import Host
import Synchronization

/// Meters that are open and sampled at an interval, and windows over them.
///
/// The sampler is a thread of its own that sleeps to absolute deadlines. Windows are opened and closed from any thread;
/// around each edge the fast counters are read densely for some milliseconds, outside the window, so that the edge can be
/// set on their own updates.
package final class MeteringSession: Sendable {
    /// How long an edge may be watched for updates of the counters.
    private static let edgeBudgetNanoseconds: Int64 = 30_000_000
    private static let edgePollNanoseconds: Int64 = 100_000
    /// A reading at an edge that took longer was held up, and its time may be wrong by half of that: another is made.
    private static let longestEdgeRead: Int64 = 500_000
    /// A counter of what never rests, whose energy is nothing for so long, does not count.
    private static let longestStandstill = 0.5
    /// No meter is left alone for longer than this, whatever its chip says of itself.
    private static let longestInterval = 60.0

    package let meters: [MeterDescription]
    package let intervalSeconds: Double
    private let clock: any MeteringClock
    private let shared: SharedState

    /// Opens the meters that are available among `listings` and reads each once.
    ///
    /// - Parameters:
    ///   - intervalSeconds: 0.001 to 60.
    ///   - load: what a meter that stands still is held against, beside the other meters.
    /// - Throws: `MeteringError.noMeters`, `.badInterval`.
    package init(
        listings: [MeterListing], intervalSeconds: Double, clock: any MeteringClock = SystemClock(),
        load: sending ProcessorLoad? = nil
    ) throws(MeteringError) {
        guard (0.001...60).contains(intervalSeconds) else { throw .badInterval(intervalSeconds) }
        let available = listings.filter(\.availability.isAvailable)
        guard !available.isEmpty else { throw .noMeters }
        meters = available.map(\.description)
        self.intervalSeconds = intervalSeconds
        self.clock = clock
        let now = clock.now()
        let open = available.map { listing in
            let interval = Self.interval(of: listing.description, asked: intervalSeconds)
            return OpenMeter(
                description: listing.description, open: listing.open, intervalNanoseconds: interval, nextDue: now,
                life: LifeSigns(hasChanged: listing.isProven),
                account: EnergyAccount(meter: listing.description, intervalSeconds: Double(interval) / 1e9))
        }
        shared = SharedState(SamplerState(meters: open, samples: SampleRing(capacity: 8192), load: load))
        tick()
    }

    /// A counter is read at least twice in the shortest time in which it could wrap; a slow one, as a gauge, no faster
    /// than it changes.
    private static func interval(of meter: MeterDescription, asked: Double) -> Int64 {
        var seconds = asked
        switch meter.kind {
        case .counter:
            // Up to 10 ms the edges are watched closely all the same; a slower counter tells nothing new in between.
            if !meter.isFast { seconds = max(seconds, meter.periodSeconds) }
            if let range = meter.rangeMicrojoules, range > 0, meter.plausiblePower.microwatts > 0 {
                seconds = min(seconds, Double(range) / (2 * Double(meter.plausiblePower.microwatts)))
            }
        case .gauge:
            seconds = meter.averagingSeconds > 0 ? meter.averagingSeconds : max(seconds, meter.periodSeconds)
        }
        return Int64(saturating: min(max(0.001, seconds), longestInterval) * 1e9)
    }

    // The thread, which may sleep for a minute, keeps the state: it goes empty.
    deinit { shared.state.withLock { $0.close() } }

    /// Starts the sampler's thread. It ends with `stop`, or when the session is let go.
    package func start() {
        let thread = Thread { [shared, clock] in
            nameThisThread("sampler")
            while let next = shared.tick(clock: clock) { clock.sleep(until: next) }
        }
        thread.start()
    }

    package func stop() {
        shared.state.withLock { $0.isStopped = true }
        shared.noteStop()
    }

    /// For how many seconds the sampler's thread has been due by now; negative while it may sleep. It waits for nothing: a sampler
    /// that hangs has the lock. To be asked of a session that was started.
    package func lateness(at now: MonotonicTime) -> Double { shared.lateness(at: now) }

    /// Reads what is due; `nil` once the session has stopped.
    @discardableResult
    package func tick() -> MonotonicTime? { shared.tick(clock: clock) }

    /// The samples since the last call, in order of their making: a counter's energy at a window's start is known when the
    /// window has ended.
    package func takeSamples() -> [Sample] {
        let raw = shared.state.withLock { $0.samples.drain() }
        let wallNow = clock.wallTime()
        let now = clock.now()
        return raw.map { sample in
            Sample(
                meterID: meters[sample.meter].id, time: sample.time,
                wallTime: wallNow - now.seconds(since: sample.time),
                energy: sample.energy, power: sample.power, edge: sample.edge)
        }
    }

    /// The latest power of each meter, by its id.
    package func latestPower() -> [String: Power] {
        shared.state.withLock { state in
            Dictionary(
                state.meters.compactMap { meter in meter.power.map { (meter.description.id, $0) } },
                uniquingKeysWith: { first, _ in first })
        }
    }

    /// The latest power of a total; `nil` until all its meters have one.
    package func latestPower(of selection: TotalSelection) -> Power? {
        let powers = latestPower()
        let parts = (selection.members[selection.scope] ?? []).map { powers[$0] }
        guard !parts.isEmpty else { return nil }
        return parts.reduce(Power.zero as Power?) { sum, part in sum.flatMap { sum in part.map { sum + $0 } } }
    }

    /// What each meter has seen since the session began, in the order of `meters`.
    package func tallies() -> [MeterTally] {
        shared.state.withLock { state in
            state.meters.map { meter in
                let (energy, seen) = meter.account.lifetime
                let elapsed = meter.firstTick.flatMap { first in meter.lastTick.map { $0 - first } } ?? 0
                return MeterTally(
                    energy: energy, seenNanoseconds: seen, elapsedNanoseconds: elapsed, scrapes: meter.scrapes)
            }
        }
    }

    /// What came of the last reading of each meter, in the order of `meters`; `nil` before the first.
    package func conditions() -> [MeterCondition?] {
        shared.state.withLock { state in state.meters.map(\.condition) }
    }

    /// Opens the meters again whose devices had gone and have been found again.
    ///
    /// - Parameter found: the meters that there are.
    package func reopen(_ found: [MeterListing]) {
        shared.state.withLock { state in
            for index in state.meters.indices where state.meters[index].isClosed {
                let meter = state.meters[index].description
                guard
                    let listing = found.first(where: {
                        $0.description.id == meter.id && $0.description.source == meter.source
                    }), listing.availability.isAvailable
                else { continue }
                state.meters[index].reopen(at: clock.now(), listing.open)
                state.read(index, clock: clock)
            }
        }
    }

    /// What the session has seen of whether its meters measure, by their ids.
    package func evidence() -> [String: MeterEvidence] {
        let (now, wallNow) = (clock.now(), clock.wallTime())
        return shared.state.withLock { state in
            var all: [String: MeterEvidence] = [:]
            for (index, meter) in state.meters.enumerated() where meter.description.isWatched {
                guard let value = meter.life.value else { continue }
                let age = now.seconds(since: meter.life.since)
                let isStanding = meter.life.readings > 1
                var evidence = MeterEvidence(
                    source: meter.description.source, hasChanged: meter.life.hasChanged,
                    value: isStanding ? value : nil, since: wallNow - age, readings: meter.life.readings,
                    othersMoved: state.hasMovedBeside(index), lastSeen: wallNow)
                evidence.changedMeanwhile = meter.life.hasChangedHere
                all[meter.description.id] = evidence
            }
            return all
        }
    }

    /// The errors of the sampler's intervals since the session began.
    package var jitter: JitterHistogram {
        // A sum has bins of its own; the sampler's next change of shared ones would allocate.
        shared.state.withLock { JitterHistogram() + $0.jitter }
    }

    // MARK: Windows

    /// Begins a window now. Takes up to 30 ms to find the counters' updates first.
    package func openWindow() -> WindowID {
        let id = shared.state.withLock { state in
            let id = state.addWindow(at: clock.now())
            state.reopenClosed(at: clock.now())
            // What is not read in its own rhythm is read once more, as near the edge as can be.
            for index in state.meters.indices where !state.meters[index].description.isReadInRhythm {
                state.read(index, clock: clock)
            }
            state.noteGaugesAtStart()
            return id
        }
        pollEdge { state in
            state.window(id) { $0.accounts.allSatisfy { !$0.isAlignable || $0.isAlignedNow } } ?? true
        }
        shared.state.withLock { state in
            let now = clock.now()
            state.changeWindow(id) { window in
                window.suspendedAtStart = clock.suspendedNanoseconds()
                window.start = now
                window.phase = .open
                for index in window.accounts.indices { window.accounts[index].open(at: now) }
            }
        }
        return WindowID(rawValue: id)
    }

    /// Ends a window now and settles its account: up to 30 ms for the counters' next updates, up to 1.5 s for a
    /// slow counter that was not read near the end.
    ///
    /// - Throws: `MeteringError` if the selection has no meters.
    package func closeWindow(_ window: WindowID, selection: TotalSelection) -> WindowEnergy? {
        let id = window.rawValue
        let exists = shared.state.withLock { state in
            guard state.window(id, { $0.phase }) == .open else { return false }
            state.reopenClosed(at: clock.now())
            for index in state.meters.indices where !state.meters[index].description.isReadInRhythm {
                state.read(index, edge: .end, clock: clock)
            }
            let now = clock.now()
            state.changeWindow(id) { window in
                window.end = now
                window.phase = .settling
                for index in window.accounts.indices { window.accounts[index].close(at: now) }
            }
            return true
        }
        guard exists else { return nil }
        pollEdge { state in
            state.window(id) { $0.accounts.allSatisfy { !$0.isAlignable || $0.isSettled } } ?? true
        }
        settleSlowMeters(id)
        let removed = shared.state.withLock { state -> ClosedWindow? in
            guard let window = state.removeWindow(id), let end = window.end else { return nil }
            state.noteCounters(of: window, end: end)
            return ClosedWindow(
                window: window, end: end,
                doubts: state.meters.indices.map { index in
                    guard state.meters[index].description.isWatched else { return nil }
                    if state.isDead(index, at: end) { return .dead }
                    return state.meters[index].life.hasChanged ? nil : .unproven
                })
        }
        guard let removed else { return nil }
        let slept = clock.suspendedNanoseconds() - removed.window.suspendedAtStart > 10_000_000
        return energy(of: removed, slept: slept, selection: selection)
    }

    /// Drops a window that nobody wants any more.
    package func discardWindow(_ window: WindowID) {
        shared.state.withLock { _ = $0.removeWindow(window.rawValue) }
    }

    /// A window that was taken out of the state.
    private struct ClosedWindow {
        var window: OpenWindow
        var end: MonotonicTime
        /// What is to be said of each meter.
        var doubts: [EnergyFlag?]
    }

    private func energy(of closed: ClosedWindow, slept: Bool, selection: TotalSelection) -> WindowEnergy {
        let (window, end) = (closed.window, closed.end)
        let members = Set(selection.members[selection.scope] ?? [])
        var domains = zip(window.accounts, closed.doubts).map { account, doubt in
            var domain = account.result(inTotal: members.contains(account.meter.id))
            if slept { domain.flags.append(.suspended) }
            if let doubt { domain.flags.append(doubt) }
            // A counter that must move and did not has seen nothing, and that is no 0 J.
            if account.meter.mustMove, domain.coverage > 0, domain.energy == .zero,
                end.seconds(since: window.start) >= Self.longestStandstill
            {
                domain.coverage = 0
                domain.flags = Set(domain.flags).union([.gap, .dead]).sorted { $0.rawValue < $1.rawValue }
            }
            return domain
        }
        CrossCheck.flag(&domains, meters: meters)
        let total =
            selection.total(of: selection.scope, domains: domains)
            ?? TotalEnergy(
                energy: .zero, uncertainty: .zero, accuracyUncertainty: .zero, scope: selection.scope,
                provenance: .estimated, coverage: 0, flags: [.vanished], domainIDs: [])
        let others = TotalScope.allCases.filter { $0 != selection.scope }
        return WindowEnergy(
            window: Window(start: window.start, end: end), total: total,
            otherScopes: others.compactMap { selection.total(of: $0, domains: domains) }, domains: domains,
            intervalSeconds: intervalSeconds, jitter: window.jitter.quantile(0.95))
    }

    /// Reads the fast counters densely until `isDone` or the budget is spent. The lock is let go between the polls, so
    /// that the sampler's own ticks keep their time.
    private func pollEdge(until isDone: (borrowing SamplerState) -> Bool) {
        let deadline = clock.now().advanced(byNanoseconds: Self.edgeBudgetNanoseconds)
        while true {
            let (done, now) = shared.state.withLock { state in
                for index in state.meters.indices where state.meters[index].account.isAlignable {
                    state.read(index, clock: clock, longest: Self.longestEdgeRead)
                }
                return (isDone(state), clock.now())
            }
            if done || now >= deadline { return }
            clock.sleep(until: now.advanced(byNanoseconds: Self.edgePollNanoseconds))
        }
    }

    /// Waits for the reading after the end that a slow counter needs where it was not read near the end.
    private func settleSlowMeters(_ id: Int) {
        let begin = clock.now()
        while true {
            let next = shared.state.withLock { state -> MonotonicTime? in
                let now = clock.now()
                let waiting = state.window(id) { window in
                    window.accounts.indices.filter { index in
                        let account = window.accounts[index]
                        let deadline = begin.advanced(bySeconds: Self.longestSettling)
                        return !account.isAlignable && !account.isSettled && now < deadline
                            && account.mayRead(by: deadline)
                    }
                }
                guard let waiting, !waiting.isEmpty, !state.isStopped else { return nil }
                for index in waiting { state.read(index, edge: .end, clock: clock) }
                // Where the sampler's thread runs it takes the tick; a test without one is served here.
                return min(state.tick(clock: clock), now.advanced(byNanoseconds: 20_000_000))
            }
            guard let next else { return }
            clock.sleep(until: next)
        }
    }

    /// How long a window waits for a meter, in seconds: a value holds for a while.
    private static let longestSettling = 1.5

    /// Waits until every meter that is polled in the background has given a reading or failed, so that the first window
    /// does not begin without them.
    package func waitForFirstReadings(seconds: Double = 5) {
        let deadline = clock.now().advanced(bySeconds: seconds)
        while true {
            let isDone = shared.state.withLock { state in
                for index in state.meters.indices where !state.meters[index].hasAnswered {
                    state.read(index, clock: clock)
                }
                return state.isStopped || state.meters.allSatisfy(\.hasAnswered)
            }
            let now = clock.now()
            if isDone || now >= deadline { return }
            clock.sleep(until: now.advanced(byNanoseconds: 20_000_000))
        }
    }
}

/// What the session and its thread share. The thread knows no more of the session, which can so be let go at any time.
private final class SharedState: Sendable {
    let state: Mutex<SamplerState>
    /// When it is to tick again, in nanoseconds of CLOCK_MONOTONIC; never once it has stopped.
    private let due = Atomic(Int64.max)

    init(_ initial: consuming sending SamplerState) { state = Mutex(initial) }

    /// Reads what is due; `nil` once the session has stopped.
    func tick(clock: any MeteringClock) -> MonotonicTime? {
        state.withLock { state in
            let next = state.isStopped ? nil : state.tick(clock: clock)
            due.store(next?.nanoseconds ?? .max, ordering: .relaxed)
            return next
        }
    }

    func noteStop() { due.store(.max, ordering: .relaxed) }

    func lateness(at now: MonotonicTime) -> Double {
        let due = due.load(ordering: .relaxed)
        return due == .max ? -.infinity : now.seconds(since: MonotonicTime(nanoseconds: due))
    }
}

/// A window of a session.
package struct WindowID: RawRepresentable, Sendable, Hashable, Codable {
    package var rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
}
