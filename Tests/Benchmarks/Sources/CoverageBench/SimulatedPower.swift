import Accounting
import Core
import Host
import Metering
import Synchronization

/// The power over a session, as steps, and its integral.
final class SimulatedPower: Sendable {
    private struct State {
        /// From when on, in seconds; the joules until then; watts from then on.
        var steps: [(time: Double, joules: Double, watts: Double)] = [(0, 0, 0)]
    }

    private let state = Mutex(State())

    /// From a time on it draws so much, whatever was to come later.
    func change(at time: Double, to watts: Double) {
        state.withLock { state in
            while state.steps.count > 1, state.steps[state.steps.count - 1].time > time { state.steps.removeLast() }
            let last = state.steps[state.steps.count - 1]
            state.steps.append((time, last.joules + last.watts * (time - last.time), watts))
        }
    }

    /// Joules until a time.
    func energy(to time: Double) -> Double {
        state.withLock { state in
            // What is asked for is near the end.
            var index = state.steps.count - 1
            while index > 0, state.steps[index].time > time { index -= 1 }
            let step = state.steps[index]
            return step.joules + step.watts * (time - step.time)
        }
    }
}

/// Time that moves when somebody reads it or sleeps.
final class BenchClock: MeteringClock {
    private let nanoseconds: Mutex<Int64>

    init(start: Double) { nanoseconds = Mutex(Int64(start * 1e9)) }

    var seconds: Double { Double(nanoseconds.withLock { $0 }) / 1e9 }

    func now() -> MonotonicTime {
        nanoseconds.withLock { now in
            now += 1000
            return MonotonicTime(nanoseconds: now)
        }
    }

    func sleep(until deadline: MonotonicTime) {
        nanoseconds.withLock { $0 = max($0, deadline.nanoseconds) }
    }

    func suspendedNanoseconds() -> Int64 { 0 }
    func wallTime() -> Double { 1.7e9 + seconds }
}

/// Reads the simulated power as a device of its kind would tell it.
final class SimulatedReader: MeterReader {
    private let cell: CoverageCell
    private let power: SimulatedPower
    private let clock: BenchClock
    private let (phase, polls): (Double, Double)
    private var lastPoll: Double?
    private(set) var readTime: MonotonicTime?

    init(_ cell: CoverageCell, _ power: SimulatedPower, _ clock: BenchClock, phase: Double, polls: Double) {
        (self.cell, self.power, self.clock) = (cell, power, clock)
        (self.phase, self.polls) = (phase, polls)
    }

    func read() -> Reading {
        var time = clock.seconds
        if cell.device.isPolled {
            // An answer takes 20 ms.
            time = ((time - polls - 0.02) / cell.period).rounded(.down) * cell.period + polls
            guard time != lastPoll else { return .nothingNew }
            lastPoll = time
            readTime = MonotonicTime(seconds: time)
        }
        let period = cell.period
        let refreshed = ((time - phase) / period).rounded(.down) * period + phase
        func mean(_ to: Double, over span: Double) -> Reading {
            let watts = (power.energy(to: to) - power.energy(to: to - span)) / span
            let rounded = cell.rounding > 0 ? (watts / cell.rounding).rounded() * cell.rounding : watts
            return .gauge(microwatts: Int64(max(0, rounded) * 1e6))
        }
        switch cell.device {
        case .counter, .polledCounter: return .counter(microjoules: Int64(power.energy(to: refreshed) * 1e6))
        case .latched: return mean(refreshed, over: 1e-6)
        case .onRequest: return mean(time, over: 1e-6)
        case .tumbling: return mean(refreshed, over: period)
        case .sliding: return mean(time, over: period / 2)
        case .average: return mean(refreshed, over: period)
        }
    }
}
