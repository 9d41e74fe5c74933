import Core
import Foundation
import Glibc
import Host
import Running
import Suites
import Testing

/// Plugins that crash, hang, print nonsense or will not end: a clear error of one line, and no process is left.
@Suite("Hostile plugins", .serialized)
struct HostilePluginTests {
    struct Case: Sendable, CustomStringConvertible {
        var behaviour: String
        var says: [String]
        var limits = "{start_s: 300, prepare_s: 300, inference_s: 300}"
        var description: String { behaviour }

        init(_ behaviour: String, _ says: String..., limits: String? = nil) {
            self.behaviour = behaviour
            self.says = says
            if let limits { self.limits = limits }
        }
    }

    private static func check(_ item: Case, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let bench = try PluginBench(item.behaviour, limits: item.limits)
        let failure = try await bench.failure(sourceLocation: sourceLocation)
        for part in item.says {
            #expect(failure.contains(part), "\(item): \(failure)", sourceLocation: sourceLocation)
        }
    }

    private static func check(_ cases: [Case], sourceLocation: SourceLocation = #_sourceLocation) async {
        await eachBesideOthers(cases, sourceLocation: sourceLocation) {
            try await check($0, sourceLocation: sourceLocation)
        }
    }

    @Test("A crash is told with its call, its status and its last words")
    func crash() async {
        await Self.check([
            Case(
                "crash-initialize", "ended during `initialize`, with exit status 3", "(it said: the weights are gone)"),
            Case("exit-zero", "ended during `initialize`, with exit status 0"),
            Case("crash-prepare", "ended during `prepare`, killed by signal 11 (Segmentation fault)"),
            Case("crash-run", "ended during `run`, with exit status 4", "(it said: the weights are gone)"),
            Case("child-then-crash", "ended during `prepare`, with exit status 5"),
        ])
    }

    @Test("A hang ends at the manifest's limit")
    func hang() async {
        let begin = ContinuousClock.now
        await Self.check([
            Case(
                "hang-initialize", "gave no answer to `initialize` in 2 s", "plugin.yaml",
                limits: "{start_s: 2, prepare_s: 9999, inference_s: 9999}"),
            Case(
                "hang-prepare", "gave no answer to `prepare` in 0.5 s",
                limits: "{start_s: 9999, prepare_s: 0.5, inference_s: 9999}"),
            Case(
                "hang-run", "gave no answer to `run` in 0.5 s",
                limits: "{start_s: 9999, prepare_s: 9999, inference_s: 0.5}"
            ),
            // It tells the same number again and again, which is no progress.
            Case("stall", "gave no answer to `run` in 1 s", limits: "{start_s: 9999, prepare_s: 9999, inference_s: 1}"),
        ])
        // The other limits are hours.
        #expect(ContinuousClock.now - begin < .seconds(1800))
    }

    @Test("What is not the protocol is refused with an excerpt")
    func nonsense() async {
        await Self.check([
            Case("garbage", "not JSON-RPC: `Loading weights, please wait`"),
            Case("binary", "does not speak the protocol", "not JSON-RPC"),
            Case("wrong-id", "answered a call that was not made"),
            Case("other-method", "it sent `log`, which is no message of a plugin"),
            Case("no-version", "without `\"jsonrpc\": \"2.0\"`"),
            Case("wrong-shape", "answer to `run` is not what the call asks for", "completed"),
            Case("missing-key", "answer to `run` is not what the call asks for", "`failed` is missing"),
            Case("null-result", "answer to `prepare` has neither result nor error"),
            Case("wrong-version", "speaks version 99 of the protocol"),
            Case("bad-batch", "`batch` is 0"),
            Case("refuse", "hostile: there is no·engine here; apt install engine"),
            Case("refuse-and-exit", "hostile: no engine"),
        ])
    }

    @Test("Counts and latencies that cannot be are no result")
    func counts() async {
        await Self.check([
            Case("negative-count", "-5 inferences completed"),
            Case("negative-failed", "-1 failed"),
            Case("zero-count", "0 inferences completed and 0 failed"),
            Case("overflow-count", "9223372036854775807 inferences completed"),
            Case("too-many", "2 inferences completed and 0 failed, where 1 were asked for"),
            Case("nan-latency", "not JSON-RPC", "(JSON has no NaN and no Infinity)"),
            Case("negative-latency", "a latency is -1.0 s"),
            Case("missing-latencies", "gives 0 latencies"),
            Case("long-latency", "a latency is 1000.000 s in a run of"),
            Case("error-in-result", "an error in its result: no memory for it"),
            Case("fail-always", "hostile: no memory for it"),
            Case("backwards", "from 2.0 s to 1.0 s"), Case("elsewhen", "of CLOCK_MONOTONIC"),
            Case("all-fail", "0 inferences completed and 1 failed"),
        ])
    }

    @Test(
        "A failed inference of the warm-up is counted, and a field for an error that is empty says none"
    )
    func failsOnce() async throws {
        for (behaviour, failed) in [("fail-first", 1), ("count-first", 1), ("empty-error", 0)] {
            let bench = try PluginBench(behaviour)
            var suite = PluginBench.suite([PluginBench.hostile], repeats: 1)
            (suite.warmUpInferences, suite.warmUpSeconds) = (4, 1000)
            #expect(try await bench.runner(suite).run().failures == [], "\(behaviour)")
            let warmUp = try #require(bench.runs.first { $0.stage == .warmUp })
            #expect(
                warmUp.failedInferences == failed && warmUp.completedInferences == 4 - failed,
                "\(behaviour)")
            #expect(bench.runs.last?.completedInferences == 3)
            let isTold = bench.events.contains {
                $0.message?.hasPrefix("1 of 4 inferences failed, the first with") == true
            }
            #expect(isTold == (failed > 0))
        }
    }

    @Test("A plugin that ignores SIGTERM is killed, and its child with it")
    func ignoresTermination() async throws {
        let begin = ContinuousClock.now
        try await Self.check(
            Case("ignore-termination", "gave no answer to `run` in 1 s", limits: "{start_s: 300, inference_s: 1}"))
        #expect(ContinuousClock.now - begin > .seconds(3), "it was given no time to end by itself")
    }

    @Test("Nothing that a plugin started is left, wherever it went")
    func leavesNothing() async {
        await eachBesideOthers(["child", "orphan", "own-group", "daemon", "stay"]) { behaviour in
            let bench = try PluginBench(behaviour)
            let outcome = try await bench.runner(PluginBench.suite([PluginBench.hostile], repeats: 1)).run()
            #expect(outcome.failures == [], "\(behaviour)")
            #expect(bench.runs.map(\.stage) == [.load, .warmUp, .query], "\(behaviour)")
            #expect(bench.processes() == [], "\(behaviour)")
        }
    }

    @Test("A child that leaves the session and drops its environment gets away, and holds nobody up")
    func escapes() async throws {
        let bench = try PluginBench("escape")
        let outcome = try await bench.runner(PluginBench.suite([PluginBench.hostile], repeats: 1)).run()
        #expect(outcome.failures == [])
        // As README.md says: it lives for an hour, and the run did not wait for it. PluginBench ends it.
        #expect(bench.processes().count == 1)
    }

    @Test("A line without an end fails before it fills the memory")
    func hugeLine() async throws {
        let before = try residentMegabytes()
        try await Self.check(Case("huge-line", "a line of over 32 MiB"))
        let after = try residentMegabytes()
        // 200 MiB were sent.
        #expect(after - before < 150, "grew from \(before) to \(after) MB")
    }

    private func residentMegabytes() throws -> Int {
        let status = try HostRoot().read("/proc/self/status")
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }) / 1024
    }

    @Test("Over 100 MB of log block nothing")
    func stderrFlood() async throws {
        let bench = try PluginBench("stderr-flood")
        let outcome = try await bench.runner(PluginBench.suite([PluginBench.hostile], repeats: 1)).run()
        #expect(outcome.failures == [])
        #expect(bench.runs.count == 3)
    }

    @Test("Closed pipes are told from an end")
    func closesPipes() async throws {
        try await Self.check(Case("close-output", "closed its pipes during `run` without ending"))
        try await Self.check(Case("close-input", "closed its pipes during `run` without ending"))
    }

    @Test("A plugin that does not read its input runs into its limit")
    func ignoresInput() async throws {
        let bench = try PluginBench("ignore-input", limits: "{start_s: 1}")
        var entry = PluginBench.hostile
        // More than fits into a pipe, so that the write cannot end before the plugin does.
        entry.parameters["padding"] = .string(String(repeating: "p", count: 1 << 20))
        #expect(try await bench.failure(entry: entry).contains("gave no answer to `initialize` in 1 s"))
    }

    @Test("A program that is missing, or may not be executed, or has no interpreter, is told with a remedy")
    func programs() async throws {
        func failure(_ program: String, prepare: (String) throws -> Void = { _ in }) async throws -> String {
            let bench = try PluginBench("none")
            let path = "\(bench.directory)/plugins/hostile"
            let text = try String(contentsOfFile: "\(path)/plugin.yaml", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("program:") })
            try PluginBench.write(
                text.replacing(line, with: "program: \(program)"), to: "\(path)/plugin.yaml")
            try prepare(path)
            return try await bench.failure()
        }
        let missing = try await failure("no-such-program")
        #expect(missing.contains("its program `no-such-program` is neither in "))
        #expect(missing.contains("build or install it"))
        let plain = try await failure("plain") { try PluginBench.write("#!/bin/sh\n", to: "\($0)/plain") }
        #expect(plain.contains("plain may not be executed; chmod +x it"))
        let lost = try await failure("lost") { path in
            try PluginBench.write("#!/no/such/interpreter\n", to: "\(path)/lost")
            chmod("\(path)/lost", 0o755)
        }
        #expect(lost.contains("lost or the interpreter in its first line is not there"), "\(lost)")
        let text = try await failure("text") { path in
            try PluginBench.write("hello\n", to: "\(path)/text")
            chmod("\(path)/text", 0o755)
        }
        #expect(text.contains("is not a program"), "\(text)")
    }

    @Test("A cancelled run ends its plugin at once: it would go on for minutes")
    func cancellation() async throws {
        let bench = try PluginBench("slow")
        let meter = ScriptedMeter()
        let task = try await bench.longRun(meter)
        #expect(!bench.processes().isEmpty)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(bench.processes() == [])
        #expect(meter.openWindows == 0)
        #expect(bench.runs.map(\.stage) == [.load, .warmUp])
    }

    @Test("What was recorded before a failure stays, and later entries go on")
    func laterEntries() async throws {
        let bench = try PluginBench("crash-late")
        let meter = ScriptedMeter()
        let suite = PluginBench.suite([PluginBench.hostile, PluginBench.sleeper])
        let outcome = try await bench.runner(suite, meter).run()
        #expect(outcome.failures.count == 1)
        #expect(
            bench.runs.map(\.stage) == [
                .load, .warmUp, .query, .query, .query, .load, .warmUp, .query, .query, .query,
            ])
        #expect(bench.runs.map(\.repeatIndex) == [nil, nil, 1, 2, nil, nil, nil, 1, 2, 3])
        #expect(bench.runs.map(\.status.rawValue).map { $0 == "failed" }.firstIndex(of: true) == 4)
        #expect(bench.runs.filter { $0.status == .failed }.count == 1)
        #expect(bench.runs[4].workload?.pluginVersion == "1.2.3")
        #expect(bench.runs[4].energy.total.energy == .zero)
        #expect(bench.runs[4].energy.total.coverage == 0)
        #expect(meter.openWindows == 0)
        #expect(meter.discardedWindows == 1)
        #expect(bench.samples.map(\.count) == [1, 1, 1, 1, 0, 1, 1, 1, 1, 1])
        #expect(!bench.samples.joined().contains { $0.meterID == "discarded" })
    }
}
