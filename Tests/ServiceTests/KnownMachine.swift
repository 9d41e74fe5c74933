import Core
import Foundation
import Host
import Metering
import Recording
import Reporting
import Running
import Synchronization
import TestSupport
import Testing

@testable import PluginHosting
@testable import Service

/// A machine whose time moves only when the test says so, and whose energy is known for every moment.
final class KnownMachine: MeteringClock {
    private struct Segment {
        var start: Int64
        var joules: Double
        var watts: Double

        func joules(at time: Int64) -> Double { joules + watts * Double(time - start) / 1e9 }
    }

    private struct State {
        var now: Int64 = 1_000_000_000_000
        /// The latest stretches of one power; nobody looks further back than a counter's last update.
        var segments: [Segment]
    }

    private let state: Mutex<State>

    init(watts: Double) {
        state = Mutex(State(segments: [Segment(start: 1_000_000_000_000, joules: 0, watts: watts)]))
    }

    /// Lets time go by at a power.
    func run(seconds: Double, watts: Double) {
        state.withLock { state in
            guard let last = state.segments.last else { return }
            state.segments.append(Segment(start: state.now, joules: last.joules(at: state.now), watts: watts))
            if state.segments.count > 100 { state.segments.removeFirst(50) }
            state.now += Int64((seconds * 1e9).rounded())
        }
    }

    func joules(at time: Int64) -> Double {
        state.withLock { state in
            (state.segments.last { $0.start <= time } ?? state.segments.first)?.joules(at: time) ?? 0
        }
    }

    func now() -> MonotonicTime { MonotonicTime(nanoseconds: state.withLock(\.now)) }
    func sleep(until deadline: MonotonicTime) { state.withLock { $0.now = max($0.now, deadline.nanoseconds) } }
    func suspendedNanoseconds() -> Int64 { 0 }
    func wallTime() -> Double { 1_764_000_000 + now().seconds }
}

/// A meter that says exactly what the machine used, with an accuracy of 1 % that it states.
final class ExactMeter: EnergyMeasuring {
    static let accuracy = 0.01
    let machine: KnownMachine
    let meters = [
        MeterDescription(
            id: "exact", name: "package-0", scope: .package, kind: .counter, provenance: .simulated, source: "test",
            periodSeconds: 0.001, resolution: 1, relativeAccuracy: accuracy, plausiblePower: Power(watts: 1500),
            silicon: "package-0")
    ]
    private let open = Mutex<[Int: (start: MonotonicTime, joules: Double)]>([:])

    init(_ machine: KnownMachine) { self.machine = machine }

    func openWindow() async throws -> WindowID {
        let start = machine.now()
        return open.withLock { open in
            let id = (open.keys.max() ?? 0) + 1
            open[id] = (start, machine.joules(at: start.nanoseconds))
            return WindowID(rawValue: id)
        }
    }

    func closeWindow(_ window: WindowID) async throws -> WindowEnergy {
        guard let begin = open.withLock({ $0.removeValue(forKey: window.rawValue) }) else { throw WindowGone() }
        let end = machine.now()
        let joules = machine.joules(at: end.nanoseconds) - begin.joules
        let accuracy = Self.accuracy * joules / 3.0.squareRoot()
        return WindowEnergy(
            window: Window(start: begin.start, end: end),
            total: TotalEnergy(
                energy: Energy(joules: joules), uncertainty: Energy(joules: normalCoverageFactor * accuracy),
                accuracyUncertainty: Energy(joules: accuracy), scope: .components, provenance: .simulated, coverage: 1,
                flags: [], domainIDs: ["exact"]),
            otherScopes: [], domains: [], intervalSeconds: 0.1, jitter: nil)
    }

    func discardWindow(_ window: WindowID) async { open.withLock { $0[window.rawValue] = nil } }
    func latestPower() async -> Power? { nil }
    func takeSamples() async -> [Sample] { [] }
}

/// Suites on a known machine, from the YAML to the table. What goes on in each stage is the test's to say.
final class MethodBench: Sendable {
    let directory: TemporaryDirectory
    let store: Store
    let machine: KnownMachine
    private let told = Mutex<[String]>([])

    /// - Parameter watts: what the machine draws where nothing else is said.
    init(watts: Double) throws {
        directory = try TemporaryDirectory()
        try TestDaemon.writePlugin("\(directory.path)/plugins/sleeper")
        store = try Store(directory: directory.path)
        machine = KnownMachine(watts: watts)
    }

    /// The messages to the user.
    var messages: [String] { told.withLock(\.self) }

    /// Runs a suite.
    ///
    /// - Parameters:
    ///   - sleep: lets time go by in an idle baseline or a rest.
    ///   - work: lets time go by in a stage that begins; of the warm-up and of queries, in the window.
    func run(
        _ suite: String, _ metering: any EnergyMeasuring, sleep: @escaping @Sendable (Double) -> Void,
        work: @escaping @Sendable (_ stage: RunStage, _ repeatIndex: Int) -> Void
    ) async throws -> SuiteResult {
        let context = RunnerContext(
            host: directory.host,
            plugins: PluginCatalogue(directories: ["\(directory.path)/plugins"], programDirectory: directory.path),
            hosting: PluginContext(cacheDirectory: "\(directory.path)/cache", version: "1.0"), clock: machine,
            sleep: { sleep($0) })
        let execution = SuiteExecution(
            context: context, store: store, machine: MachineRecord(name: "host", inventory: "{}") { "{}" })
        return try await execution.run(TestDaemon.request(suiteText: suite), metering: metering, listings: []) {
            event in
            if event.event == .stage, let stage = event.stage { work(stage, event.repeatIndex ?? 0) }
            if event.event == .message, let message = event.message { self.told.withLock { $0.append(message) } }
        }
    }

    /// The windows of a suite, in order.
    func records(_ result: SuiteResult) throws -> [RunRecord] {
        try store.runs(RunFilter(suiteRun: result.suiteRun), limit: 1000).map(\.record)
    }

    /// The only row of a suite's table.
    func row(_ result: SuiteResult, net: Bool = false) async throws -> TableReport.Row {
        var options = TableReport.Options()
        options.suiteRun = result.suiteRun
        options.isNet = net
        let rows = try await TableReport(store, options).rows
        #expect(rows.count == 1)
        return try #require(rows.first)
    }
}
