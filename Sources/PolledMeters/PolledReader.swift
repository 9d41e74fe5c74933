import Accounting
import Core
import Glibc
import Host
import Metering
import Synchronization

/// When a device is asked again.
struct PollSchedule: Sendable, Hashable {
    /// The device is asked every so many seconds.
    var periodSeconds: Double
    /// It is never asked sooner than this after the last time, not even to retry.
    var shortestSpacing: Double = 0
    /// After the first failure in a row, and at most.
    private static let retry = RetrySchedule(first: 500_000_000, longest: 30_000_000_000)

    init(periodSeconds: Double, shortestSpacing: Double = 0) {
        self.periodSeconds = periodSeconds
        self.shortestSpacing = shortestSpacing
    }

    /// How long one attempt may take, in seconds: two periods, but 1 s at least and 5 s at most.
    var timeLimit: Double { min(max(2 * periodSeconds, 1), 5) }

    /// A figure that the device itself made longer ago than this, in seconds, is stale.
    var longestAge: Double { max(5 * periodSeconds, 60) }

    /// - Throws: `DeviceError` with ESTALE for a figure that the device itself marks as old.
    func checkAge(of value: DeviceValue) throws(DeviceError) {
        guard let timestamp = value.timestamp else { return }
        let age = Clocks.wall() - timestamp
        guard age <= longestAge else {
            throw DeviceError(
                "its figure is \(Int64(saturating: age)) s old",
                remedy: "check that the device reports, and that the clocks agree", errno: ESTALE)
        }
    }

    /// The pause after so many failures in a row (1 or more), in seconds.
    func retryDelay(failures: Int) -> Double {
        max(Double(Self.retry.pause(failures: max(failures, 1))) / 1e9, shortestSpacing)
    }

    /// The next time on the grid of periods from `start` that is after `now`; those that were missed are left out.
    func next(after now: MonotonicTime, from start: MonotonicTime) -> MonotonicTime {
        let period = max(Int64(saturating: periodSeconds * 1e9), 1_000_000)
        return start.advanced(
            byNanoseconds: ((now - start) / period).addingSaturated(1).multipliedSaturated(by: period))
    }
}

/// Asks a device once, within a limit in seconds.
typealias Poll = @Sendable (_ limit: Double) async throws(DeviceError) -> DeviceValue

/// A meter that takes long to answer: a task asks it every period and leaves what came for `read`, which never waits.
final class PolledReader: MeterReader {
    private let mailbox = Mailbox()
    private let poller: Poller

    /// Begins to poll at once, and ends when the reader is let go.
    ///
    /// - Parameters:
    ///   - kind: what the meter is listed as; an answer of the other kind is a failure.
    ///   - seed: what the device told when it was found.
    ///   - sharedAs: the device's name. Readers of one name and schedule have one poller, so that no device is asked more
    ///     often because several sessions of this process measure with it. `nil` for a poller of its own.
    init(
        kind: MeterKind, schedule: PollSchedule, sharedAs name: String? = nil, seed: TimedReading? = nil,
        time: PollTime = .machine, poll: @escaping Poll
    ) {
        let make = { Poller(kind: kind, schedule: schedule, seed: seed, time: time, poll: poll) }
        poller = name.map { Poller.shared(Poller.Key(name: $0, kind: kind, schedule: schedule), make) } ?? make()
        poller.subscribe(mailbox)
    }

    deinit { poller.unsubscribe(mailbox) }

    func read() -> Reading { mailbox.take() }
    var isPolled: Bool { true }

    var readTime: MonotonicTime? { mailbox.lastTime }
    var tookNanoseconds: Int64? { mailbox.lastTook }

    /// Why the last attempt failed; `nil` after one that did not.
    var lastError: DeviceError? { mailbox.lastError }
}

/// What came of asking a device once.
struct PolledReading: Sendable {
    var reading: Reading
    var time: MonotonicTime
    /// From the question to the answer, in nanoseconds.
    var tookNanoseconds: Int64 = 0
    var error: DeviceError?
}

/// What has come from a device and was not yet read.
final class Mailbox: Sendable {
    /// More than one only waits where reader and device have nearly the same period and drift past each other.
    private static let capacity = 4

    private struct State {
        var waiting: [PolledReading] = []
        var last: PolledReading?
        var lastError: DeviceError?
    }

    private let state: Mutex<State>

    init() {
        var state = State()
        state.waiting.reserveCapacity(Self.capacity)
        self.state = Mutex(state)
    }

    var lastTime: MonotonicTime? { state.withLock { $0.last?.time } }
    var lastTook: Int64? { state.withLock { $0.last?.tookNanoseconds } }
    var lastError: DeviceError? { state.withLock(\.lastError) }

    func put(_ new: PolledReading) {
        state.withLock { state in
            if state.waiting.count == Self.capacity { state.waiting.removeFirst() }
            state.waiting.append(new)
            state.lastError = new.error
        }
    }

    func take() -> Reading {
        state.withLock { state in
            guard !state.waiting.isEmpty else { return state.last == nil ? .noData(.notAnswered) : .nothingNew }
            let first = state.waiting.removeFirst()
            state.last = first
            return first.reading
        }
    }
}
