import Core
import Foundation
import Host
import Metering
import Synchronization
import TestSupport
import Testing

@testable import Running
@testable import Suites

/// What is looked at between repeats: temperature, power, clocks, throttling.
@Suite("The machine between repeats", .serialized)
struct MachineWatchTests {
    private static let zone = "/sys/class/thermal/thermal_zone0"
    private static let files = ["\(zone)/type": "x86_pkg_temp\n", "\(zone)/temp": "50000\n"]

    private static func suite(_ most: Double?, seconds: Double = 2, repeats: Int = 2) -> Suite {
        var suite = PluginBench.suite([PluginBench.claimer(.count(1), latencies: [0.1])], repeats: repeats)
        suite.coolDownSeconds = seconds
        suite.coolDownMost = most
        return suite
    }

    /// Runs with a temperature that is set to each of `millidegrees` in turn, whenever the machine sleeps.
    private static func run(
        _ suite: Suite, _ millidegrees: [Int], powers: [Double] = [], files: [String: String] = files
    ) async throws -> (queries: [RunRecord], messages: [String]) {
        let bench = try PluginBench("none")
        let tree = try TemporaryDirectory(files)
        let left = Mutex(millidegrees)
        let clock = EventfulClock {
            guard let next = left.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
            do {
                try tree.write("\(zone)/temp", "\(next)\n")
            } catch {
                Issue.record(error)
            }
        }
        let outcome = try await bench.runner(
            suite, ScriptedMeter(powers: powers), host: tree.host, clock: clock
        ).run()
        #expect(outcome.failures == [])
        return (bench.runs.filter { $0.stage == .query }, bench.events.compactMap(\.message))
    }

    @Test("A repeat waits until the temperature is within two kelvins of the first one's")
    func cools() async throws {
        // 50 °C before the first repeat; then 70, 60 and 52 °C.
        let (queries, messages) = try await Self.run(Self.suite(60), [50_000, 70_000, 60_000, 52_000])
        #expect(
            queries.map { $0.procedure?.coolDown } == [
                CoolDown(seconds: 2, temperature: 50, power: Power(watts: 7)),
                CoolDown(seconds: 4, isReached: true, temperature: 52, power: Power(watts: 7)),
            ])
        // Windows of 1 s are short whatever else they are.
        #expect(queries.map(\.flags) == [[.shortWindow], [.shortWindow]])
        #expect(messages.filter { $0 == "cooling down" }.count == 2)
    }

    @Test("It waits for no longer than the limit, and then says so")
    func limit() async throws {
        let (queries, _) = try await Self.run(Self.suite(10), [50_000, 53_000])
        #expect(
            queries[1].procedure?.coolDown
                == CoolDown(
                    seconds: 10, isReached: false, temperature: 53, power: Power(watts: 7)))
        #expect(queries.map(\.flags) == [[.shortWindow], [.shortWindow, .notCooled]])
        // A limit below the rest is no limit of the rest.
        let (short, _) = try await Self.run(Self.suite(0), [50_000, 53_000])
        #expect(short[1].procedure?.coolDown?.seconds == 2)
        #expect(short[1].flags == [.shortWindow, .notCooled])
    }

    @Test("Without a sensor the power tells: a tenth above the first one's is back")
    func power() async throws {
        let (queries, _) = try await Self.run(Self.suite(60), [], powers: [20, 30, 22.5, 22], files: [:])
        #expect(queries[1].procedure?.coolDown == CoolDown(seconds: 4, isReached: true, power: Power(watts: 22)))
        // Both have to be back.
        let (both, _) = try await Self.run(Self.suite(60), [50_000, 50_000], powers: [20, 30, 20])
        #expect(both[1].procedure?.coolDown?.seconds == 3)
    }

    @Test("A plain rest is between repeats alone, and is recorded")
    func plain() async throws {
        let (queries, messages) = try await Self.run(Self.suite(nil, seconds: 5, repeats: 3), [90_000, 90_000])
        #expect(queries.map { $0.procedure?.coolDown?.seconds } == [nil, 5, 5])
        #expect(queries.allSatisfy { $0.procedure?.coolDown?.isReached == nil && $0.flags == [.shortWindow] })
        #expect(messages.filter { $0 == "cooling down" }.count == 2)
        let (none, _) = try await Self.run(Self.suite(nil, seconds: 0), [])
        #expect(none.allSatisfy { $0.procedure?.coolDown == nil })
    }

    // MARK: Before and after

    private static let cpu = "/sys/devices/system/cpu"
    private static let machine: [String: String] = [
        "\(cpu)/cpu0/cpufreq/scaling_cur_freq": "2400000\n", "\(cpu)/cpu1/cpufreq/scaling_cur_freq": "800000\n",
        "\(cpu)/cpu0/thermal_throttle/core_throttle_count": "3\n",
        "\(cpu)/cpu0/thermal_throttle/package_throttle_count": "4\n",
        "\(zone)/type": "x86_pkg_temp\n", "\(zone)/temp": "61500\n",
        "/sys/class/hwmon/hwmon0/name": "coretemp\n", "/sys/class/hwmon/hwmon0/temp1_input": "60000\n",
        "/sys/class/hwmon/hwmon0/temp2_input": "64000\n",
    ]

    @Test("A snapshot has the hottest sensor of each part, the clocks, and how often heat slowed it down")
    func snapshot() throws {
        var gpu = AcceleratorState(address: "0000:65:00.0")
        gpu.smClock = 1410
        gpu.temperature = 71
        gpu.throttleReasons = ["software power cap"]
        let tree = try TemporaryDirectory(Self.machine)
        let snapshot = MachineSnapshot(tree.host, accelerators: [gpu])
        #expect(snapshot.temperatures == ["x86_pkg_temp": 61.5, "coretemp": 64])
        #expect([snapshot.meanClock, snapshot.minimumClock, snapshot.maximumClock] == [1600, 800, 2400])
        #expect(snapshot.throttles == 7)
        #expect(snapshot.hottest == 71)
        #expect(snapshot.accelerators.first?.smClock == 1410)
        // The processor's own word, where no driver sets the frequency; and a machine that tells nothing.
        let info = try TemporaryDirectory([
            "/proc/cpuinfo": "processor\t: 0\ncpu MHz\t\t: 2596.130\n\nprocessor\t: 1\ncpu MHz\t\t: 1000\n"
        ])
        #expect(MachineSnapshot(info.host, accelerators: []).maximumClock == 2596.13)
        #expect(MachineSnapshot(info.host, accelerators: []).minimumClock == 1000)
        let bare = try TemporaryDirectory()
        let empty = MachineSnapshot(bare.host, accelerators: [])
        #expect(empty == MachineSnapshot())
        #expect(empty.hottest == nil && empty.throttles == nil)
    }

    @Test("Throttling by heat flags the run; a power limit does not")
    func throttled() {
        func gpu(_ reasons: [String]) -> MachineSnapshot {
            MachineSnapshot(accelerators: [.init(address: "a", throttleReasons: reasons)])
        }
        #expect(MachineSnapshot(throttles: 8).wasThrottled(since: MachineSnapshot(throttles: 7)))
        #expect(!MachineSnapshot(throttles: 7).wasThrottled(since: MachineSnapshot(throttles: 7)))
        #expect(!MachineSnapshot(throttles: 7).wasThrottled(since: MachineSnapshot()))
        #expect(gpu(["hardware thermal slowdown"]).wasThrottled(since: gpu([])))
        #expect(gpu([]).wasThrottled(since: gpu(["software thermal slowdown"])))
        #expect(!gpu(["software power cap"]).wasThrottled(since: gpu(["applications clocks setting"])))
    }

    @Test("Each query run has the machine before and after it")
    func record() async throws {
        let bench = try PluginBench("none")
        let tree = try TemporaryDirectory(Self.machine)
        let hot: @Sendable () -> Void = {
            try? tree.write("\(Self.cpu)/cpu0/thermal_throttle/core_throttle_count", "5\n")
            try? tree.write("\(Self.zone)/temp", "95000\n")
        }
        // Load, warm-up, and a query in which heat comes.
        let meter = ScriptedMeter([.init(), .init(), .init(onClose: hot), .init()])
        _ = try await bench.runner(Self.suite(nil, seconds: 0), meter, host: tree.host, clock: EventfulClock()).run()
        let queries = bench.runs.filter { $0.stage == .query }
        #expect(queries.map(\.flags) == [[.throttled, .shortWindow], [.shortWindow]])
        #expect(queries.map { $0.machineBefore?.throttles } == [7, 9])
        #expect(queries.map { $0.machineAfter?.hottest } == [95, 95])
        #expect(queries[0].machineBefore?.hottest == 64)
        #expect(bench.runs.filter { $0.stage != .query }.allSatisfy { $0.machineAfter == nil })
    }
}
