import Core
package import Recording
import Synchronization

/// Sends what is in the outbox, one suite at a time, the oldest first, until each destination has taken it. It never gives up.
package actor Sender {
    /// What one step did.
    package enum Step: Sendable, Hashable {
        case sent(OutboxEntry, wasThere: Bool)
        /// Nothing was measured in it, or it is no longer in the record.
        case dropped(OutboxEntry)
        /// The destination refused it. It stays, and is not sent again by itself.
        case parked(OutboxEntry)
        case postponed(OutboxEntry)
        /// Nothing is due before this, in seconds since 1970; `nil` where nothing waits.
        case idle(until: Double?)
    }

    private let store: Store
    private let transports: [OutboxDestination: any BundleTransport]
    private let spool: BundleSpool
    private let backoff: Backoff
    private let wallTime: @Sendable () -> Double
    private let random: @Sendable (ClosedRange<Double>) -> Double
    /// A destination that cannot be reached is not asked again for every entry.
    private var restsUntil: [OutboxDestination: Double] = [:]
    private var isSwept = false
    /// It is shown in a line; in characters.
    private static let longestReason = 1000
    /// Kept as it changes, for those who watch it.
    package nonisolated let watch = OutboxWatch()

    /// - Parameters:
    ///   - wallTime: seconds since 1970.
    ///   - random: a number of the range, with equal chances.
    package init(
        _ store: Store, _ transports: [OutboxDestination: any BundleTransport], spool: BundleSpool,
        backoff: Backoff = Backoff(), wallTime: @escaping @Sendable () -> Double,
        random: @escaping @Sendable (ClosedRange<Double>) -> Double = { Double.random(in: $0) }
    ) {
        self.store = store
        self.transports = transports
        self.spool = spool
        self.backoff = backoff
        self.wallTime = wallTime
        self.random = random
    }

    /// Tries everything again without waiting, as a user asks.
    ///
    /// - Returns: how many had been refused.
    package func retryAll() throws(StoreError) -> Int {
        // A suite may just be on its way, for a minute: whoever asks meanwhile is told of all that waits.
        defer { watch.look(store) }
        restsUntil = [:]
        return try store.retryOutbox(at: wallTime())
    }

    /// Sends the oldest suite that is due, if any.
    ///
    /// - Throws: `StoreError` where the record cannot be read or written. What was taken then is sent again, and known there.
    package func step() async throws(StoreError) -> Step {
        if !isSwept {
            spool.sweep()
            isSwept = true
        }
        watch.look(store)
        defer { watch.look(store) }
        let now = wallTime()
        for destination in OutboxDestination.allCases {
            guard let transport = transports[destination], !rests(destination, now) else { continue }
            if let entry = try store.nextInOutbox(for: destination, at: now, longest: backoff.longest) {
                return try await send(entry, transport)
            }
        }
        return .idle(until: try nextTime(now))
    }

    /// Sends all that is due, for at most so long.
    ///
    /// - Parameter tell: is told each step but the last.
    /// - Returns: why the record could not be read or written.
    @discardableResult
    package func sendAll(
        within limit: Duration, tell: @escaping @Sendable (Step) -> Void = { _ in }
    ) async -> StoreError? {
        await withTaskGroup(of: StoreError?.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    do throws(StoreError) {
                        let step = try await self.step()
                        if case .idle = step { return nil }
                        tell(step)
                    } catch { return error }
                }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    /// The clock may be set back; nothing rests for longer than it ever would.
    private func rests(_ destination: OutboxDestination, _ now: Double) -> Bool {
        guard let until = restsUntil[destination] else { return false }
        return until > now && until <= now + 2 * backoff.longest
    }

    private func nextTime(_ now: Double) throws(StoreError) -> Double? {
        var next: Double?
        for destination in transports.keys {
            guard let due = try store.nextDue([destination]) else { continue }
            let time = rests(destination, now) ? max(due, restsUntil[destination] ?? due) : due
            next = min(next ?? time, time)
        }
        return next
    }

    private func send(_ entry: OutboxEntry, _ transport: any BundleTransport) async throws(StoreError) -> Step {
        var entry = entry
        let bundle: PackedBundle
        do throws(BundleSpool.Failure) {
            bundle = try await spool.bundle(entry.suiteRun, isRedacted: transport.isRedacted)
        } catch {
            switch error {
            case .nothingToSend:
                try store.removeFromOutbox(entry.id)
                return .dropped(entry)
            case .unusable(let reason):
                try park(&entry, reason)
                return .parked(entry)
            // What ails this machine ails all destinations, but each of them finds out by itself.
            case .noRoom(let reason), .notNow(let reason):
                try postpone(&entry, reason, retryAfter: nil)
                return .postponed(entry)
            }
        }
        let delivery = await transport.deliver(bundle, waiting: try store.outboxSummary())
        // Whoever is stopped in the middle does not know what came of it, and it is no failure.
        if Task.isCancelled, case .postponed = delivery { return .postponed(entry) }
        switch delivery {
        case .taken:
            try done(entry, bundle)
            return .sent(entry, wasThere: false)
        case .alreadyThere:
            try done(entry, bundle)
            return .sent(entry, wasThere: true)
        case .refused(let reason):
            try park(&entry, reason)
            spool.discard(bundle)
            return .parked(entry)
        case .postponed(let reason, let retryAfter):
            try postpone(&entry, reason, retryAfter: retryAfter)
            return .postponed(entry)
        }
    }

    private func done(_ entry: OutboxEntry, _ bundle: PackedBundle) throws(StoreError) {
        try store.removeFromOutbox(entry.id)
        restsUntil[entry.destination] = nil
        spool.discard(bundle)
    }

    private func park(_ entry: inout OutboxEntry, _ reason: String) throws(StoreError) {
        entry.attempts = min(entry.attempts, Int(Int32.max) - 1) + 1
        (entry.problem, entry.isParked) = (PrintableText.oneLine(String(reason.prefix(Self.longestReason))), true)
        try store.update(entry)
    }

    private func postpone(_ entry: inout OutboxEntry, _ reason: String, retryAfter: Double?) throws(StoreError) {
        entry.attempts = min(entry.attempts, Int(Int32.max) - 1) + 1
        entry.problem = PrintableText.oneLine(String(reason.prefix(Self.longestReason)))
        entry.dueAt = wallTime() + backoff.delay(attempts: entry.attempts, retryAfter: retryAfter, random)
        restsUntil[entry.destination] = entry.dueAt
        try store.update(entry)
    }
}

/// What the outbox holds, as it was when it was last looked at: whoever asks for metrics waits for no disk.
package final class OutboxWatch: Sendable {
    private let summary = Mutex(OutboxSummary())

    package init() {}

    package var current: OutboxSummary { summary.withLock { $0 } }

    package func look(_ store: Store) {
        // What cannot be read now stays as it was known.
        guard let found = try? store.outboxSummary() else { return }
        summary.withLock { $0 = found }
    }
}
