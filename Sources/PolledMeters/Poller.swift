import Accounting
import Core
import Host
import Metering
import Synchronization

/// Where a poller has its time from; a test's stands still until it is moved.
struct PollTime: Sendable {
    var now: @Sendable () -> MonotonicTime
    /// Returns early in a task that is cancelled.
    var sleep: @Sendable (_ deadline: MonotonicTime) async -> Void

    static let machine = PollTime(
        now: { Clocks.monotonic() },
        sleep: { deadline in
            let pause = max(Int64(0), deadline - Clocks.monotonic())
            try? await Task.sleep(for: .nanoseconds(pause), clock: .suspending)
        })
}

/// Asks a device for all its readers, for as long as there is one.
final class Poller: Sendable {
    struct Key: Hashable {
        var name: String
        var kind: MeterKind
        var schedule: PollSchedule
    }

    private struct Weak {
        weak var poller: Poller?
    }

    private struct State {
        var mailboxes: [Mailbox] = []
        var latest: PolledReading?
    }

    private static let all = Mutex<[Key: Weak]>([:])

    private let state = Mutex(State())
    // Set once, right after the rest; a task cannot be made before there is what it works on.
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter seed: what the device told when it was found; then it is asked again when there can be something new.
    init(
        kind: MeterKind, schedule: PollSchedule, seed: TimedReading? = nil, time: PollTime = .machine,
        poll: @escaping Poll
    ) {
        if let seed { state.withLock { $0.latest = PolledReading(reading: seed.reading, time: seed.time) } }
        // The task must not hold the poller, whose end is what ends the task.
        let loop = PollLoop(kind: kind, schedule: schedule, after: seed?.time, clock: time, poll: poll) { [weak self] in
            self?.put($0)
        }
        task.withLock { $0 = Task { await loop.run() } }
    }

    deinit { task.withLock { $0?.cancel() } }

    /// The poller of this key that lives, else a new one.
    static func shared(_ key: Key, _ make: () -> Poller) -> Poller {
        all.withLock { all in
            all = all.filter { $0.value.poller != nil }
            if let living = all[key]?.poller { return living }
            let new = make()
            all[key] = Weak(poller: new)
            return new
        }
    }

    /// A reader that comes later begins with what came last, and so knows the power before its first window.
    func subscribe(_ mailbox: Mailbox) {
        state.withLock { state in
            state.mailboxes.append(mailbox)
            if let latest = state.latest { mailbox.put(latest) }
        }
    }

    func unsubscribe(_ mailbox: Mailbox) {
        state.withLock { state in state.mailboxes.removeAll { $0 === mailbox } }
    }

    private func put(_ new: PolledReading) {
        state.withLock { state in
            state.latest = new
            for mailbox in state.mailboxes { mailbox.put(new) }
        }
    }
}

/// The loop that asks a device.
private struct PollLoop: Sendable {
    let kind: MeterKind
    let schedule: PollSchedule
    /// When the device was asked before; `nil` to ask at once.
    let after: MonotonicTime?
    let clock: PollTime
    let poll: Poll
    let put: @Sendable (PolledReading) -> Void

    func run() async {
        if let after {
            await clock.sleep(after.advanced(bySeconds: schedule.periodSeconds))
        }
        let start = clock.now()
        var failures = 0
        while !Task.isCancelled {
            let before = clock.now()
            let outcome = await attempt()
            let after = clock.now()
            if Task.isCancelled { return }
            // The device made its figure somewhere between the question and the answer.
            let took = after - before
            let time = before.advanced(byNanoseconds: took / 2)
            var next: MonotonicTime
            switch outcome {
            case .success(let reading):
                failures = 0
                put(PolledReading(reading: reading, time: time, tookNanoseconds: took))
                next = schedule.next(after: after, from: start)
            case .failure(let error):
                failures += 1
                put(PolledReading(reading: error.reading, time: time, tookNanoseconds: took, error: error))
                next = after.advanced(bySeconds: schedule.retryDelay(failures: failures))
            }
            next = max(next, before.advanced(bySeconds: schedule.shortestSpacing))
            await clock.sleep(next)
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
