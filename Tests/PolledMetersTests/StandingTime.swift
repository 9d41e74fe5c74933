import Core
import Synchronization
import TestSupport

@testable import PolledMeters

/// Time that stands still until a test moves it, for one poller.
final class StandingTime: Sendable {
    private struct Sleeper {
        var number: Int
        var deadline: MonotonicTime
        var wake: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = MonotonicTime(seconds: 1000)
        var made = 0
        var cancelled: Set<Int> = []
        var sleeper: Sleeper?
    }

    private let state = Mutex(State())

    var time: PollTime { PollTime(now: { self.now }, sleep: { await self.sleep(until: $0) }) }
    var now: MonotonicTime { state.withLock(\.now) }
    /// Whether the poller waits for its next time.
    var isWaitedFor: Bool { state.withLock { $0.sleeper != nil } }

    /// The time goes on while the poller works.
    func pass(seconds: Double) { state.withLock { $0.now = $0.now.advanced(bySeconds: seconds) } }

    /// Lets the poller do all that falls into the next seconds, and returns when it waits for what comes after them.
    func go(seconds: Double) async {
        let end = now.advanced(bySeconds: seconds)
        while true {
            while !isWaitedFor { await Task.yield() }
            let due = state.withLock { state -> Sleeper? in
                guard let sleeper = state.sleeper, sleeper.deadline <= end else {
                    state.now = max(state.now, end)
                    return nil
                }
                state.now = max(state.now, sleeper.deadline)
                state.sleeper = nil
                return sleeper
            }
            guard let due else { return }
            due.wake.resume()
        }
    }

    private func sleep(until deadline: MonotonicTime) async {
        let number = state.withLock { state in
            state.made += 1
            return state.made
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if deadline <= state.now || state.cancelled.contains(number) { return true }
                    state.sleeper = Sleeper(number: number, deadline: deadline, wake: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let cancelled = state.withLock { state -> Sleeper? in
                state.cancelled.insert(number)
                guard let sleeper = state.sleeper, sleeper.number == number else { return nil }
                state.sleeper = nil
                return sleeper
            }
            cancelled?.wake.resume()
        }
    }
}
