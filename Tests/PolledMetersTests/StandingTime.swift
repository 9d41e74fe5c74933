import Core
import Foundation
import Host
import Metering
import Synchronization

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

    var time: PollTime { PollTime(now: { self.now() }, sleep: { await self.wait(until: $0) }) }
    /// Whether the poller waits for its next time.
    var isWaitedFor: Bool { state.withLock { $0.sleeper != nil } }

    /// The time goes on while the poller works.
    func pass(seconds: Double) { state.withLock { $0.now = $0.now.advanced(bySeconds: seconds) } }

    /// Lets the poller do all that falls into the next seconds, and returns when it waits for what comes after them.
    func go(seconds: Double) async {
        let end = now().advanced(bySeconds: seconds)
        repeat { while !isWaitedFor { await Task.yield() } } while wakes(before: end)
    }

    /// Moves to the poller's next time, if that comes before a time, and to the latter if not.
    private func wakes(before end: MonotonicTime) -> Bool {
        let due = state.withLock { state -> Sleeper? in
            guard let sleeper = state.sleeper, sleeper.deadline <= end else {
                state.now = max(state.now, end)
                return nil
            }
            state.now = max(state.now, sleeper.deadline)
            state.sleeper = nil
            return sleeper
        }
        due?.wake.resume()
        return due != nil
    }

    private func wait(until deadline: MonotonicTime) async {
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

/// The clock of a session that measures with what is polled; its sleeps are `go`, of a thread that may wait.
extension StandingTime: MeteringClock {
    func now() -> MonotonicTime { state.withLock(\.now) }

    func sleep(until deadline: MonotonicTime) {
        repeat { while !isWaitedFor { Thread.sleep(forTimeInterval: 0.0002) } } while wakes(before: deadline)
    }

    func suspendedNanoseconds() -> Int64 { 0 }
    func wallTime() -> Double { 1.7e9 + now().seconds }
}
