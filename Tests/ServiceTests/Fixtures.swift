import Core
import Foundation
import Host
import Logging
import Metering
import Recording
import Running
import Synchronization
import TestSupport

@testable import API
@testable import Accounting
@testable import PluginHosting
@testable import Service
@testable import Suites

/// A counter of 10 W without end, which is always fresh. It says when it counted, so that its power is 10 W on a busy machine
/// too.
private final class TenWatts: MeterReader {
    private(set) var readTime: MonotonicTime?

    func read() -> Reading {
        let now = SystemClock().now()
        readTime = now
        return .counter(microjoules: now.nanoseconds / 100)
    }
}

enum FakeMeters {
    static let meter = MeterListing(
        description: MeterDescription(
            id: "fake/package-0", name: "package-0", scope: .package, kind: .counter, provenance: .simulated,
            source: "test", periodSeconds: 0.000_1, resolution: 1, plausiblePower: Power(watts: 1500),
            silicon: "package-0"),
        availability: .available
    ) { TenWatts() }

    static let locked = MeterListing(
        description: MeterDescription(
            id: "fake/dram", name: "dram", scope: .dram, kind: .counter, provenance: .simulated, source: "test",
            periodSeconds: 0.001, resolution: 1, plausiblePower: Power(watts: 300), silicon: "dram"),
        availability: .unavailable(reason: "permission denied", remedy: "run as root")
    ) { TenWatts() }

    static let all: @Sendable () -> [MeterListing] = { [meter, locked] }
}

/// A clock that stands still until it is set forward.
final class StandingClock: MeteringClock {
    private let time = Mutex(MonotonicTime(seconds: 1000))

    func forward(seconds: Double) { time.withLock { $0 = $0.advanced(bySeconds: seconds) } }
    func now() -> MonotonicTime { time.withLock { $0 } }
    func sleep(until deadline: MonotonicTime) {}
    func suspendedNanoseconds() -> Int64 { 0 }
    func wallTime() -> Double { 1_764_000_000 }
}

/// A daemon's parts without its socket: a record, a plugin in python3 that sleeps, and a meter of 10 W.
final class TestDaemon: Sendable {
    let directory: TemporaryDirectory
    let store: Store
    let context: RunnerContext
    let queue: JobQueue
    let sessions: ClientSessions
    let meters: CurrentMeters
    let figures: ResultMetrics
    let routes: Routes
    private let running: Task<Void, Never>

    /// - Parameters:
    ///   - shared: of a daemon that was there before.
    ///   - machine: whose load the queue looks at.
    init(
        in shared: TemporaryDirectory? = nil, machine: HostRoot = HostRoot(),
        queueClock: any MeteringClock = SystemClock(), sessionClock: any MeteringClock = SystemClock()
    ) throws {
        let directory = try shared ?? TemporaryDirectory()
        self.directory = directory
        try Self.writePlugin("\(directory.path)/plugins/sleeper")
        store = try Store(directory: directory.path)
        context = RunnerContext(
            host: HostRoot(),
            plugins: PluginCatalogue(directories: ["\(directory.path)/plugins"], programDirectory: directory.path),
            hosting: PluginContext(cacheDirectory: "\(directory.path)/cache", version: "1.0"))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var looked = context
        (looked.host, looked.clock) = (machine, queueClock)
        var pace = JobQueue.Pace()
        pace.lookSeconds = 0.01
        let queue = try JobQueue(
            execution: SuiteExecution(
                context: context, store: store,
                machine: MachineRecord(name: "host", inventory: "{}") { "{}" }, gateSeconds: 0.05),
            store: store, context: looked, pace: pace, logger: logger, listings: FakeMeters.all)
        self.queue = queue
        sessions = ClientSessions(
            clock: sessionClock, checkInterval: .milliseconds(50), listings: FakeMeters.all)
        meters = try CurrentMeters(FakeMeters.all(), intervalSeconds: 0.05, logger: logger)
        figures = try ResultMetrics(store, logger: logger)
        routes = Routes(
            queue: queue, sessions: sessions, store: store, record: OwnRecord(store, version: "1.0"),
            plugins: context.plugins,
            metrics: DaemonMetrics(
                meters: meters, queue: queue, figures: figures, version: "1.0", startedAt: 5),
            machine: MachineRecord(name: "host", inventory: #"{"cpu":{"model":"c"}}"#) { #"{"machine":{}}"# },
            listings: FakeMeters.all
        ) {
            let holds = await queue.holds
            return DaemonStatus(
                version: "1.0", processID: 1, stateDirectory: "/state", startedAt: 5, power: Power(watts: 10),
                scope: .components, jobs: await queue.statuses,
                holds: holds.isEmpty ? nil : holds)
        }
        running = Task { try? await queue.run() }
    }

    deinit { running.cancel() }

    /// Ends the queue as the daemon's stop does, and waits for it.
    func stop() async {
        running.cancel()
        await running.value
    }

    /// A suite of one entry. `sleep` is one inference's time in seconds, `chatter` the messages before it is ready.
    static func suite(
        _ name: String = "test", sleep: Double = 0.02, count: Int = 2, repeats: Int = 1, chatter: Int = 0
    ) -> String {
        """
        name: \(name)
        repeats: \(repeats)
        idle_s: 0
        idle_after_s: 0
        warm_up: {inferences: 1, seconds: 0}
        runs:
          - {task: fill-mask, plugin: sleeper, count: \(count), parameters: {sleep: \(sleep), chatter: \(chatter)}}
        """
    }

    static func request(_ name: String = "test", suiteText: String? = nil) -> JobRequest {
        JobRequest(
            suite: name, suiteText: suiteText ?? suite(name), overrides: SuiteOverrides(), scope: nil, meters: [])
    }

    static func writePlugin(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let manifest = """
            name: sleeper
            version: 1.0.0
            description: sleeps
            program: sleeper.py
            tasks:
              - {id: fill-mask, models: [nap]}
            parameters:
              - {name: sleep, description: seconds, default: 0.01}
              - {name: chatter, description: messages, default: 0}
            limits: {start_s: 300, prepare_s: 300, inference_s: 300}
            """
        let program = """
            #!/usr/bin/env -S python3 -IS
            import json, sys, time
            parameters = {}
            def send(message): print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
            for line in sys.stdin:
                call = json.loads(line)
                params, result = call["params"], {}
                if call["method"] == "initialize":
                    parameters = params["parameters"]
                    for number in range(parameters["chatter"]):
                        send({"method": "progress", "params": {"message": str(number)}})
                    result = {"protocol_version": 1, "workload": {
                        "task": params["task"], "plugin": "sleeper", "model": "nap", "size": "tiny", "batch": 1,
                        "parameters": {}}}
                elif call["method"] == "run":
                    start = time.monotonic()
                    for _ in range(params["count"]): time.sleep(parameters["sleep"])
                    result = {"completed": params["count"], "failed": 0, "start_monotonic_s": start,
                              "end_monotonic_s": time.monotonic()}
                send({"id": call["id"], "result": result})
                if call["method"] == "shutdown": break
            """
        try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(path)/plugin.yaml"))
        try Data(program.utf8).write(to: URL(fileURLWithPath: "\(path)/sleeper.py"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(path)/sleeper.py")
    }
}

/// Waits until something is so, three minutes at most: the machine may be busy.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return try await condition()
}
