import Core
import Foundation
import Glibc
import PluginHosting
import Running
import Suites
import TestSupport
import Testing

/// Plugins that are started behind a socket, as systemd does it: all that is recorded of them is as for children.
@Suite("Plugins in units", .serialized)
struct PluginUnitTests {
    /// A bench whose plugins are behind sockets for as long as the activation lives.
    private static func bench(
        _ behaviour: String, limits: String = "{start_s: 300, prepare_s: 300, inference_s: 300}", network: Bool = false
    ) throws -> (PluginBench, SocketActivation) {
        var activation: SocketActivation?
        let bench = try PluginBench(behaviour, limits: limits, network: network) { plugins in
            let new = try SocketActivation(plugins: plugins)
            activation = new
            return .units(new.units)
        }
        return (bench, try #require(activation))
    }

    @Test("A run is completed, and nothing that the plugin started is left")
    func completes() async {
        await eachBesideOthers(["none", "child", "orphan", "own-group", "daemon", "stay"], atOnce: 1) { behaviour in
            let (bench, activation) = try Self.bench(behaviour)
            let outcome = try await bench.runner(PluginBench.suite([PluginBench.hostile], repeats: 2)).run()
            #expect(outcome.failures == [], "\(behaviour): \(activation.log)")
            #expect(bench.runs.map(\.stage) == [.load, .warmUp, .query, .query], "\(behaviour)")
            #expect(bench.processes() == [], "\(behaviour)")
        }
    }

    @Test("What goes wrong is told as of a child")
    func failures() async {
        await eachBesideOthers(
            [
                HostilePluginTests.Case(
                    "crash-initialize", "ended during `initialize`, with exit status 3",
                    "(it said: the weights are gone)"),
                HostilePluginTests.Case("crash-prepare", "ended during `prepare`, killed by signal 11"),
                HostilePluginTests.Case("child-then-crash", "ended during `prepare`, with exit status 5"),
                HostilePluginTests.Case(
                    "hang-prepare", "gave no answer to `prepare` in 0.5 s",
                    limits: "{start_s: 300, prepare_s: 0.5, inference_s: 300}"),
                HostilePluginTests.Case("garbage", "not JSON-RPC: `Loading weights, please wait`"),
                HostilePluginTests.Case("huge-line", "a line of over 32 MiB"),
                HostilePluginTests.Case("close-output", "closed its pipes during `run` without ending"),
                HostilePluginTests.Case("close-input", "closed its pipes during `run` without ending"),
                HostilePluginTests.Case(
                    "ignore-termination", "gave no answer to `run` in 1 s", limits: "{start_s: 300, inference_s: 1}"),
                HostilePluginTests.Case("refuse", "hostile: there is no·engine here; apt install engine"),
                // Without a control group, as for a child.
                HostilePluginTests.Case(
                    "hoard-in-child", "over its limit of 200 MiB (limits.memory in its plugin.yaml)",
                    limits: "{start_s: 300, prepare_s: 300, memory: 200MiB}"),
            ], atOnce: 1
        ) { item in
            let (bench, activation) = try Self.bench(item.behaviour, limits: item.limits)
            let failure = try await bench.failure()
            for part in item.says { #expect(failure.contains(part), "\(item): \(failure) \(activation.log)") }
        }
    }

    @Test("A plugin that does not read its input runs into its limit")
    func ignoresInput() async throws {
        let (bench, activation) = try Self.bench("ignore-input", limits: "{start_s: 1}")
        var entry = PluginBench.hostile
        entry.parameters["padding"] = .string(String(repeating: "p", count: 1 << 20))
        #expect(try await bench.failure(entry: entry).contains("gave no answer to `initialize` in 1 s"))
        withExtendedLifetime(activation) {}
    }

    @Test("Limits of CPUs hold")
    func cpus() async throws {
        let (bench, activation) = try Self.bench("cpus", limits: "{start_s: 300, cpus: 1}")
        let outcome = try await bench.runner(PluginBench.suite([PluginBench.hostile], repeats: 1)).run()
        #expect(outcome.failures == [])
        #expect(bench.runs.last?.workload?.engine == "on 1 CPUs")
        withExtendedLifetime(activation) {}
    }

    @Test("A cancelled run ends its plugin at once: it would go on for minutes")
    func cancellation() async throws {
        let (bench, activation) = try Self.bench("slow")
        let task = try await bench.longRun()
        #expect(!bench.processes().isEmpty)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(bench.processes() == [])
        withExtendedLifetime(activation) {}
    }

    @Test("A killed host is told, and holds nobody up")
    func killedHost() async throws {
        let (bench, activation) = try Self.bench("slow")
        let task = try await bench.longRun()
        let plugin = try #require(bench.processes().first)
        let fields = try String(contentsOfFile: "/proc/\(plugin)/stat", encoding: .utf8).split(separator: " ")
        let host = try #require(Int32(fields[3]))
        kill(host, SIGKILL)
        // systemd would do it: the control group ends with its main process.
        kill(plugin, SIGKILL)
        let failures = try await task.value.failures
        let failure = try #require(failures.first)
        #expect(failure.contains("ended during `run`, as its unit was"), "\(failure)")
        withExtendedLifetime(activation) {}
    }

    @Test("A plugin that asks for a network goes where there is one, and no other may")
    func network() async throws {
        let (bench, activation) = try Self.bench("none", network: true)
        let runner = bench.runner(PluginBench.suite([PluginBench.hostile, PluginBench.sleeper], repeats: 1))
        #expect(try await runner.run().failures == [], "\(activation.log)")
        // The daemon's manifest says that it asks for one, the plugin's own does not.
        let manifest = "\(bench.directory)/plugins/hostile/plugin.yaml"
        let text = try String(contentsOfFile: manifest, encoding: .utf8)
        let asking = bench.runner(PluginBench.suite([PluginBench.hostile]))
        try PluginBench.write(text.replacing("network: true", with: "network: false"), to: manifest)
        let failure = try #require(try await asking.run().failures.first)
        #expect(failure.contains("the plugin hostile does not start: its manifest asks for no network"))
    }

    @Test("Plugins that are not where the system's are do not start, whatever the daemon says")
    func strangers() async throws {
        let other = try TemporaryDirectory()
        let activation = try SocketActivation(plugins: other.path)
        let bench = try PluginBench("none") { _ in .units(activation.units) }
        let failure = try await bench.failure()
        #expect(failure.contains("/plugins/hostile is no plugin of the system, and the service starts no others"))
        #expect(failure.contains("install it in one of \(other.path)"))
        #expect(activation.log.contains("hostile: "))
    }

    @Test("A program that cannot be started is told with a remedy")
    func programs() async throws {
        let (bench, activation) = try Self.bench("none")
        let path = "\(bench.directory)/plugins/hostile"
        let text = try String(contentsOfFile: "\(path)/plugin.yaml", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("program:") })
        try PluginBench.write(text.replacing(line, with: "program: lost"), to: "\(path)/plugin.yaml")
        #expect(try await bench.failure().contains("its program `lost` is neither in "))
        try PluginBench.write("#!/no/such/interpreter\n", to: "\(path)/lost")
        chmod("\(path)/lost", 0o755)
        #expect(try await bench.failure().contains("the interpreter in its first line is not there"))
        withExtendedLifetime(activation) {}
    }

    @Test("Where nobody listens, the failure names the unit")
    func noSocket() async throws {
        let directory = try TemporaryDirectory()
        let bench = try PluginBench("none") { _ in .units(PluginUnits(socketsIn: directory.path)) }
        let failure = try await bench.failure()
        #expect(failure.contains("\(directory.path)/plugin.sock does not answer: No such file or directory"))
        #expect(failure.contains("systemctl start taskwatt-plugin.socket"))
    }

    @Test("The cache is in use for as long as the plugin runs")
    func cache() async throws {
        let (bench, activation) = try Self.bench("slow")
        let task = try await bench.longRun()
        let cache = PluginCache(plugin: "hostile", directory: "\(activation.cacheDirectory)/hostile")
        #expect(cache.isThere)
        #expect(cache.empty() == .inUse)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(cache.empty() == .emptied)
    }
}
