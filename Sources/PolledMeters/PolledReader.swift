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
    /// The pause after the first failure; it doubles with every further one.
    var firstRetry = 0.5
    var longestRetry = 30.0

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
                remedy: "see that the device reports, and that the clocks agree", errno: ESTALE)
        }
    }

    /// The pause after so many failures in a row (1 or more), in seconds.
    func retryDelay(failures: Int) -> Double {
        let doubled = firstRetry * Double(1 << min(max(failures, 1) - 1, 20))
        return max(min(doubled, longestRetry), shortestSpacing)
    }

    /// The next time on the grid of periods from `start` that is after `now`; those that were missed are left out.
    func next(after now: MonotonicTime, from start: MonotonicTime) -> MonotonicTime {
        let period = max(Int64(saturating: periodSeconds * 1e9), 1_000_000)
        return start.advanced(byNanoseconds: ((now - start) / period + 1) * period)
    }
}

/// Asks a device once, within a limit in seconds.
typealias Poll = @Sendable (_ limit: Double) async throws(DeviceError) -> DeviceValue

/// A meter that takes long to answer: a task of its own asks it every period and leaves what came for `read`, which
/// never waits.
final class PolledReader: MeterReader {
    private let mailbox: Mailbox
    private let task: Task<Void, Never>

    /// Begins to poll at once, and ends when the reader is let go.
    ///
    /// - Parameter kind: what the meter is listed as; an answer of the other kind is a failure.
    init(kind: MeterKind, schedule: PollSchedule, poll: @escaping Poll) {
        mailbox = Mailbox()
        // The task must not hold the reader, whose end is what ends the task.
        let poller = Poller(kind: kind, schedule: schedule, poll: poll, mailbox: mailbox)
        task = Task { await poller.run() }
    }

    deinit { task.cancel() }

    func read() -> Reading { mailbox.take() }

    var readTime: MonotonicTime? { mailbox.lastTime }

    /// Why the last attempt failed; `nil` after one that did not.
    var lastError: DeviceError? { mailbox.lastError }

}

/// The loop that asks a device.
private struct Poller: Sendable {
    let kind: MeterKind
    let schedule: PollSchedule
    let poll: Poll
    let mailbox: Mailbox

    func run() async {
        let start = Clocks.monotonic()
        var failures = 0
        while !Task.isCancelled {
            let before = Clocks.monotonic()
            let outcome = await attempt()
            let after = Clocks.monotonic()
            if Task.isCancelled { return }
            // The device made its figure somewhere between the question and the answer.
            let time = before.advanced(byNanoseconds: (after - before) / 2)
            var next: MonotonicTime
            switch outcome {
            case .success(let reading):
                failures = 0
                mailbox.put(reading, at: time, error: nil)
                next = schedule.next(after: after, from: start)
            case .failure(let error):
                failures += 1
                mailbox.put(.failed(errno: error.errno), at: time, error: error)
                next = after.advanced(bySeconds: schedule.retryDelay(failures: failures))
            }
            next = max(next, before.advanced(bySeconds: schedule.shortestSpacing))
            let pause = max(Int64(0), next - Clocks.monotonic())
            try? await Task.sleep(for: .nanoseconds(pause), clock: .suspending)
        }
    }

    private func attempt() async -> Result<Reading, DeviceError> {
        do throws(DeviceError) {
            let value = try await poll(schedule.timeLimit)
            try schedule.checkAge(of: value)
            guard value.unit.kind == kind else {
                throw .unusable("its unit is now \(value.unit.rawValue), which is another kind of figure than before")
            }
            guard value.number.isFinite else { throw .unusable("its figure is \(value.number)") }
            return .success(value.unit.reading(value.number))
        } catch {
            return .failure(error)
        }
    }
}

/// What has come from a device and was not yet read.
private final class Mailbox: Sendable {
    /// More than one only waits where reader and device have nearly the same period and drift past each other.
    private static let capacity = 4

    private struct State {
        var waiting: [(reading: Reading, time: MonotonicTime)] = []
        var lastTime: MonotonicTime?
        var lastError: DeviceError?
    }

    private let state: Mutex<State>

    init() {
        var state = State()
        state.waiting.reserveCapacity(Self.capacity)
        self.state = Mutex(state)
    }

    var lastTime: MonotonicTime? { state.withLock(\.lastTime) }
    var lastError: DeviceError? { state.withLock(\.lastError) }

    func put(_ reading: Reading, at time: MonotonicTime, error: DeviceError?) {
        state.withLock { state in
            if state.waiting.count == Self.capacity { state.waiting.removeFirst() }
            state.waiting.append((reading, time))
            state.lastError = error
        }
    }

    func take() -> Reading {
        state.withLock { state in
            guard !state.waiting.isEmpty else { return .nothingNew }
            let first = state.waiting.removeFirst()
            state.lastTime = first.time
            return first.reading
        }
    }
}
