import Core
import Foundation
import Host
import Testing

@testable import Running
@testable import Suites

/// The measurement method, with a meter that returns known energies.
@Suite("Runner", .serialized)
struct RunnerTests {
    private static func suite(_ amount: Suite.Amount = .count(4), repeats: Int = 2) -> Suite {
        var suite = PluginBench.suite([PluginBench.sleeper], repeats: repeats)
        suite.entries[0].amount = amount
        return suite
    }

    @Test("Idle, load, warm-up, query × repeats, idle after; idle power to the joule; drift is told")
    func stages() async throws {
        let bench = try PluginBench("none")
        // Two blocks of 10 W and 12 W: 11 ± 1 W. After it two of 60 W and 60.2 W: t of 2 % at ν = 1.02 is 31.
        let meter = ScriptedMeter([
            .init(joules: 10), .init(joules: 12), .init(joules: 22, seconds: 2),
            .init(joules: 100, seconds: 4), .init(joules: 6), .init(joules: 40), .init(joules: 44),
            .init(joules: 60), .init(joules: 60.2), .init(joules: 120.2, seconds: 2),
        ])
        var suite = Self.suite()
        suite.idleSeconds = 1.5
        suite.idleAfterSeconds = 1.5
        suite.warmUpInferences = 3
        suite.seed = 9
        let outcome = try await bench.runner(suite, meter).run()
        #expect(outcome.failures == [])
        let runs = bench.runs
        #expect(runs.map(\.stage) == [.idle, .load, .warmUp, .query, .query, .idleAfter])
        #expect(runs.map(\.repeatIndex) == [nil, nil, nil, 1, 2, nil])
        #expect(runs.map { $0.energy.total.energy.joules } == [22, 100, 6, 40, 44, 120.2])
        #expect(runs.map(\.completedInferences) == [0, 0, 3, 4, 4, 0])
        for run in runs.dropLast() {
            #expect(run.idlePower == Power(watts: 11))
            #expect(run.idlePowerUncertainty == Power(watts: 1))
        }
        let after = try #require(runs.last)
        #expect(after.idlePower == Power(watts: 60.1))
        #expect(after.flags.contains(.idleDrift))
        #expect(runs.dropLast().allSatisfy { !$0.flags.contains(.idleDrift) })
        #expect(meter.openWindows == 0)

        let workload = try #require(runs[3].workload)
        #expect(workload.task == .fillMask)
        #expect(workload.plugin == "sleeper")
        #expect(workload.pluginVersion == "1.0.0")
        #expect(workload.model == "nap")
        #expect(workload.engine == "time.sleep")
        #expect(workload.device == "cpu")
        #expect(workload.seed == 9)
        #expect(workload.parameters == ["milliseconds": .integer(5)])
        let latency = try #require(runs[3].latency)
        #expect(latency.minimum >= 0.005)
        #expect(latency.maximum < 1)
        // Each window is recorded with its own samples alone; the idle ones have their blocks' too.
        #expect(
            bench.samples.map { $0.map(\.meterID) } == [
                ["window-2", "window-3", "window-1"], ["window-4"], ["window-5"], ["window-6"], ["window-7"],
                ["window-9", "window-10", "window-8"],
            ])
    }

    @Test("A run by time goes on for that time; progress and a guess at the rest are told")
    func duration() async throws {
        let bench = try PluginBench("none")
        _ = try await bench.runner(Self.suite(.seconds(1), repeats: 1)).run()
        let query = try #require(bench.runs.last)
        #expect((20...250).contains(query.completedInferences))
        let progress = bench.events.filter { $0.event == .progress && $0.stage == .query }
        #expect(progress.contains { $0.power == Power(watts: 7) && ($0.completed ?? 0) > 0 })
        #expect(progress.contains { ($0.remainingSeconds ?? 9) < 1 })
        #expect(bench.events.first?.event == .started)
        #expect(bench.events.filter { $0.event == .result }.compactMap(\.run) == bench.runs)
    }

    @Test("A window that is not resolved is made longer, three times at most, and its samples are dropped")
    func unresolved() async throws {
        let bench = try PluginBench("none")
        let short = ScriptedMeter.Reading(flags: [.unresolved])
        let meter = ScriptedMeter([.init(), .init(), short, short, .init(joules: 9), .init(joules: 9)])
        _ = try await bench.runner(Self.suite(.count(2)), meter).run()
        let queries = bench.runs.filter { $0.stage == .query }
        // The second repeat begins at the length that was resolved.
        #expect(queries.map(\.completedInferences) == [32, 32])
        #expect(queries.allSatisfy { Set($0.flags).subtracting([.contended, .shortWindow]).isEmpty })
        #expect(bench.samples.suffix(2).map { $0.map(\.meterID) } == [["window-5"], ["window-6"]])
        #expect(bench.events.filter { ($0.message ?? "").contains("too short") }.count == 2)

        let hopeless = try PluginBench("none")
        let never = ScriptedMeter([.init(), .init(), short, short, short, short])
        _ = try await hopeless.runner(Self.suite(.count(1), repeats: 1), never).run()
        let last = try #require(hopeless.runs.last)
        #expect(last.completedInferences == 64)
        #expect(last.flags.contains(.unresolved))
        #expect(never.closedWindows == 6)
    }

    @Test("Low coverage and contention are told")
    func flags() async throws {
        let bench = try PluginBench("none")
        let root = "\(bench.directory)/root"
        let stat = "\(root)/proc/stat"
        try PluginBench.write("cpu 0 0 0 100 0 0 0 0\n", to: stat)
        let calm = ScriptedMeter.Reading(onClose: { try? PluginBench.write("cpu 4 0 0 196 0 0 0 0\n", to: stat) })
        let busy = ScriptedMeter.Reading(
            coverage: 0.98, onClose: { try? PluginBench.write("cpu 100 0 0 1000 0 0 0 0\n", to: stat) })
        let stolen = ScriptedMeter.Reading(onClose: { try? PluginBench.write("cpu 100 0 0 1098 0 0 0 2\n", to: stat) })
        let meter = ScriptedMeter([.init(), calm, busy, stolen])
        _ = try await bench.runner(Self.suite(), meter, host: HostRoot(root: root)).run()
        #expect(
            bench.runs.map(\.flags) == [[], [], [.contended, .lowCoverage, .shortWindow], [.contended, .shortWindow]])
        #expect(bench.runs[3].stealShare == 0.02)
    }

    @Test("Failed inferences are counted, and are no completed ones")
    func failed() async throws {
        let bench = try PluginBench("some-fail")
        var entry = PluginBench.hostile
        entry.amount = .count(7)
        let outcome = try await bench.runner(PluginBench.suite([entry], repeats: 1)).run()
        #expect(outcome.failures == [])
        let query = try #require(bench.runs.last)
        #expect(query.completedInferences == 4)
        #expect(query.failedInferences == 3)
        #expect(query.status == .completed)
    }

    @Test("A cancelled suite keeps the repeats that were finished")
    func cancelled() async throws {
        let bench = try PluginBench("none")
        let runner = bench.runner(Self.suite(.seconds(0.3), repeats: 1000))
        let task = Task { try await runner.run() }
        while bench.runs.filter({ $0.stage == .query }).count < 2 { try await Task.sleep(for: .milliseconds(20)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(bench.runs.filter { $0.stage == .query }.count >= 2)
        #expect(bench.runs.allSatisfy { $0.status == .completed })
    }

    @Test("A task that no plugin has is a failed entry")
    func noPlugin() async throws {
        let bench = try PluginBench("none")
        let suite = PluginBench.suite(
            [Suite.Entry(task: .textToImage, amount: .count(1)), PluginBench.sleeper], repeats: 1)
        let outcome = try await bench.runner(suite).run()
        #expect(outcome.failures.count == 1)
        #expect(outcome.failures.first?.hasPrefix("text-to-image: no plugin here has the task `text-to-image`") == true)
        #expect(bench.runs.map(\.status) == [.failed, .completed, .completed, .completed])
    }

    @Test("CPU time of the plugin's session is not others'")
    func accounting() throws {
        let bench = try PluginBench("none")
        let root = "\(bench.directory)/root"
        func write(busy: Int, idle: Int, workload: Int, child: Int) throws {
            try PluginBench.write("cpu \(busy) 0 0 \(idle) 0 0 0 0\n", to: "\(root)/proc/stat")
            // state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime
            try PluginBench.write(
                "42 (a (b) c) S 1 42 42 0 -1 0 0 0 0 0 \(workload) 0 0 0 20 0\n", to: "\(root)/proc/42/stat")
            try PluginBench.write("43 (x) R 42 43 42 0 -1 0 0 0 0 0 0 \(child) 0 0 20 0\n", to: "\(root)/proc/43/stat")
            try PluginBench.write("44 (y) R 1 44 44 0 -1 0 0 0 0 0 999 0 0 0 20 0\n", to: "\(root)/proc/44/stat")
        }
        try write(busy: 100, idle: 100, workload: 10, child: 0)
        let accounting = CPUAccounting(host: HostRoot(root: root), sessionID: 42)
        try write(busy: 180, idle: 120, workload: 50, child: 20)
        let shares = try #require(accounting.shares())
        #expect(abs(shares.other - 0.2) < 1e-12)
        #expect(shares.steal == 0)
    }

    @Test("A baseline that its meters cannot resolve is none, and which would do is said")
    func shortBaseline() async throws {
        let bench = try PluginBench("none")
        let bmc = MeterDescription(
            id: "scripted", name: "bmc", scope: .system, kind: .gauge, provenance: .measured, source: "test",
            periodSeconds: 5, resolution: 1e6, plausiblePower: Power(watts: 3000), silicon: "board")
        let block = ScriptedMeter.Reading(joules: 200, flags: [.unresolved])
        let meter = ScriptedMeter(
            [block, block, block, .init(joules: 600, seconds: 3, flags: [.unresolved])], meters: [bmc])
        var suite = Self.suite()
        suite.idleSeconds = 3
        #expect(try await bench.runner(suite, meter).run().failures == [])
        #expect(bench.runs.count > 2 && bench.runs.allSatisfy { $0.idlePower == nil && $0.idlePowerUncertainty == nil })
        #expect(
            bench.events.contains {
                $0.message?.contains("scripted") == true && $0.message?.hasSuffix("--idle 53") == true
            })
    }

    @Test("An idle baseline of a window that was hardly seen is none; drift needs two uncertainties")
    func baselines() async throws {
        func window(_ joules: Double, coverage: Double = 1) async throws -> WindowEnergy {
            let meter = ScriptedMeter([.init(joules: joules, coverage: coverage)])
            return try await meter.closeWindow(try await meter.openWindow())
        }
        func idle(_ joules: Double, _ blocks: Double..., coverage: Double = 1) async throws -> IdlePower? {
            var windows: [WindowEnergy] = []
            for block in blocks { windows.append(try await window(block)) }
            return IdleBaseline(whole: try await window(joules, coverage: coverage), blocks: windows, meters: [])?.idle
        }
        #expect(try await idle(5, coverage: 0.4) == nil)
        let partly = try #require(try await idle(6, coverage: 0.75))
        #expect(partly.power == Power(watts: 8))
        #expect(partly.uncertainty == nil)
        let one = try #require(try await idle(10, 9, 11))
        #expect(one.uncertainty == Power(watts: 1) && one.degreesOfFreedom == 1)
        let near = try #require(try await idle(19.8, 18.8, 20.8))
        let far = try #require(try await idle(19.9, 18.9, 20.9))
        // `scipy.stats.t.ppf(0.99, 2)` · √2 = 6.96456 · 1.41421 = 9.8494.
        #expect(!near.differs(from: one))
        #expect(far.differs(from: one))
        #expect(!far.differs(from: partly))
    }
}
