import Core
import Host
import Metering
import Synchronization
import TestSupport

/// Time that moves when somebody reads it (a microsecond) or sleeps (with a lateness such as a real machine's), so that
/// minutes are measured in milliseconds and every test sees the same time.
final class SimulatedClock: MeteringClock {
    private struct State {
        var now: Int64
        var suspended: Int64 = 0
        var wallStep = 0.0
        var random: SeededRandom
    }

    private let state: Mutex<State>
    private let latenessNanoseconds: Int64
    private let tell: @Sendable (Int64) -> Void

    /// - Parameters:
    ///   - latenessNanoseconds: the longest that a sleep overruns its deadline.
    ///   - tell: is told each new time, for hardware that has a clock of its own.
    init(
        start: Double = 1000, latenessNanoseconds: Int64 = 120_000, seed: UInt64 = 1,
        tell: @escaping @Sendable (Int64) -> Void = { _ in }
    ) {
        state = Mutex(State(now: Int64(start * 1e9), random: SeededRandom(seed: seed)))
        self.latenessNanoseconds = latenessNanoseconds
        self.tell = tell
        tell(peek())
    }

    func now() -> MonotonicTime {
        state.withLock { state in
            state.now += 1000
            tell(state.now)
            return MonotonicTime(nanoseconds: state.now)
        }
    }

    /// The time, without moving it: for the hardware, which takes none.
    func peek() -> Int64 { state.withLock(\.now) }

    func sleep(until deadline: MonotonicTime) {
        state.withLock { state in
            let late = latenessNanoseconds > 0 ? Int64.random(in: 0...latenessNanoseconds, using: &state.random) : 0
            state.now = max(state.now, deadline.nanoseconds + late)
            tell(state.now)
        }
    }

    /// The machine sleeps: CLOCK_MONOTONIC stands still and CLOCK_BOOTTIME goes on.
    func suspend(seconds: Double) { state.withLock { $0.suspended += Int64(seconds * 1e9) } }

    func suspendedNanoseconds() -> Int64 { state.withLock(\.suspended) }
    /// Somebody sets CLOCK_REALTIME.
    func setWallClock(by seconds: Double) { state.withLock { $0.wallStep += seconds } }
    func wallTime() -> Double { state.withLock { 1.7e9 + Double($0.now) / 1e9 + $0.wallStep } }
}
