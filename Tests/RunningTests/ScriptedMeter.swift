import Accounting
import Core
import Metering
import Running
import Synchronization

/// A meter that returns known energies, in the order in which windows are closed.
final class ScriptedMeter: EnergyMeasuring {
    struct Reading {
        var joules = 5.0
        var seconds = 1.0
        var coverage = 1.0
        var flags: [EnergyFlag] = []
        /// Called as the window is closed, before it returns.
        var onClose: @Sendable () -> Void = {}
    }

    private struct State {
        var readings: [Reading]
        var opened = 0
        var closed = 0
        var open: Set<Int> = []
        var discarded: [Int] = []
        var samples: [Sample] = []
    }

    let meters: [MeterDescription]
    private let state: Mutex<State>
    private let power = Mutex<[Double]>([])

    /// - Parameters:
    ///   - readings: of the windows in the order of their closing; then 5 J in 1 s for each.
    ///   - powers: in watts, one each time that it is asked for; then 7.
    init(_ readings: [Reading] = [], meters: [MeterDescription] = [], powers: [Double] = []) {
        state = Mutex(State(readings: readings))
        self.meters = meters
        power.withLock { $0 = powers }
    }

    var openWindows: Int { state.withLock { $0.open.count } }
    var closedWindows: Int { state.withLock(\.closed) }
    var discardedWindows: Int { state.withLock { $0.discarded.count } }

    func openWindow() async throws -> WindowID {
        state.withLock { state in
            state.opened += 1
            state.open.insert(state.opened)
            return WindowID(rawValue: state.opened)
        }
    }

    func closeWindow(_ window: WindowID) async throws -> WindowEnergy {
        let reading = try state.withLock { state in
            guard state.open.remove(window.rawValue) != nil else { throw WindowGone() }
            state.closed += 1
            // A sample of each window, named after it.
            state.samples.append(Self.sample("window-\(window.rawValue)", at: state.closed))
            return state.readings.isEmpty ? Reading() : state.readings.removeFirst()
        }
        reading.onClose()
        return WindowEnergy(
            window: Window(start: MonotonicTime(seconds: 100), end: MonotonicTime(seconds: 100 + reading.seconds)),
            total: TotalEnergy(
                energy: Energy(joules: reading.joules), uncertainty: .zero, accuracyUncertainty: .zero,
                scope: .components, provenance: .simulated, coverage: reading.coverage, flags: reading.flags,
                domainIDs: ["scripted"]),
            otherScopes: [], domains: [], intervalSeconds: 0.1, jitter: nil)
    }

    func discardWindow(_ window: WindowID) async {
        state.withLock { state in
            state.open.remove(window.rawValue)
            state.discarded.append(window.rawValue)
            state.samples.append(Self.sample("discarded", at: state.closed))
        }
    }

    private static func sample(_ id: String, at time: Int) -> Sample {
        Sample(
            meterID: id, time: MonotonicTime(seconds: Double(time)), wallTime: 0, energy: nil, power: Power(watts: 1))
    }

    func latestPower() async -> Power? { Power(watts: power.withLock { $0.isEmpty ? 7 : $0.removeFirst() }) }

    func takeSamples() async -> [Sample] {
        state.withLock { state in
            defer { state.samples = [] }
            return state.samples
        }
    }
}
