import Core
import Foundation
import Testing
import WorkloadProtocol

@testable import PluginHosting
@testable import Running
@testable import Suites

/// The conformance suite finds what a plugin breaks, and nothing else.
@Suite("Conformance", .serialized)
struct ConformanceTests {
    private typealias Rule = ConformanceReport.Rule

    fileprivate static func report(_ bench: PluginBench, _ entry: Suite.Entry) async throws -> ConformanceReport {
        let context = bench.runner(PluginBench.suite([entry])).context
        let plugin = try context.plugins.plugin(named: entry.plugin, for: entry.task)
        return try await Conformance(plugin, entry: entry, context: context.hosting, clock: context.clock).run()
    }

    struct Case: Sendable, CustomStringConvertible {
        var behaviour: String
        /// The rules that are broken, and what is said of each.
        var rules: [ConformanceReport.Rule: String]
        /// In seconds; long, unless the limit is what it runs into. That of the start is also the one of a `run` that comes too
        /// early.
        var start = 300
        var inference = 300
        var description: String { behaviour }

        init(
            _ behaviour: String, _ rules: [ConformanceReport.Rule: String], start: Int = 300, inference: Int = 300
        ) {
            (self.behaviour, self.rules, self.start, self.inference) = (behaviour, rules, start, inference)
        }

        init(
            _ behaviour: String, _ rule: ConformanceReport.Rule, _ says: String, start: Int = 300, inference: Int = 300
        ) {
            self.init(behaviour, [rule: says], start: start, inference: inference)
        }
    }

    private static let faults = [
        Case(
            "none",
            [
                .unknownMethod: "it ended", .garbage: "it ended", .order: "it answered as if there were a model",
                .duration: "where 0.5 s were asked for",
            ]),
        Case("wrong-version", .initialize, "version 99"), Case("bad-batch", .initialize, "batch 0"),
        Case("crash-initialize", .initialize, "it ended"),
        Case("hang-initialize", .initialize, "no answer came in 1 s", start: 1),
        Case("crash-prepare", .prepare, "it ended"), Case("null-result", .prepare, "required form"),
        Case("crash-run", .runOne, "it ended"),
        Case("hang-run", .runOne, "no answer came in 1 s", start: 5, inference: 1),
        Case("wrong-shape", .runOne, "lacks a key"), Case("too-many", .runOne, "2 inferences completed"),
        Case("all-fail", .runOne, "0 inferences completed and 1 failed"),
        Case("batch-short", .runOne, "4 in whole batches of 4"),
        Case("batch-latencies", .latencies, "4 latencies for 4 inferences in batches of 4"),
        Case("negative-latency", .latencies, "a latency is -1.0 s"),
        Case("missing-latencies", .latencies, "0 latencies for 1"),
        Case("backwards", .times, "ended before it started"),
        Case("some-fail", .runOne, ""), Case("garbage", .output, "Loading weights, please wait"),
        Case("other-method", .output, "no message that a plugin may send", start: 5, inference: 1),
        Case("no-version", .output, "no message of JSON-RPC 2.0", start: 5, inference: 1),
        Case("stay", .shutdown, "had not ended 1 s after"), Case("child", .processes, "went on without it"),
        Case("daemon", .processes, "went on without it"), Case("odd-progress", .progress, "`completed`: many"),
        Case("deaf-to-end", .endOfInput, "had not ended after 5 s"),
        Case("once", .again, "`initialize`: it answered"),
        Case("elsewhen", .times, "of CLOCK_MONOTONIC"), Case("parrot", .wrongVersion, "version 999"),
        Case("strict", .unknownParameter, "it ended"),
    ]

    @Test("Each fault is found under its rule")
    func eachFault() async {
        await eachBesideOthers(Self.faults) { item in
            let bench = try PluginBench(
                item.behaviour, limits: "{start_s: \(item.start), prepare_s: 300, inference_s: \(item.inference)}")
            let report = try await Self.report(bench, PluginBench.hostile)
            for (rule, says) in item.rules {
                let finding = try #require(report.findings.first { $0.rule == rule })
                // One that says how many failed is right.
                #expect(finding.outcome == (item.behaviour == "some-fail" ? .kept : .broken), "\(item): \(report)")
                #expect(finding.reason ?? "" == "" || finding.reason?.contains(says) == true, "\(item): \(finding)")
                #expect((finding.reason == nil) == says.isEmpty, "\(item): \(finding)")
            }
            #expect(report.findings.count == Rule.allCases.count, "\(item)")
            #expect(bench.processes() == [], "\(item)")
        }
    }

    @Test("A plugin that is not there breaks one rule, and the others are not tried")
    func missing() async throws {
        let bench = try PluginBench("none")
        try PluginBench.write(
            "name: hostile\nversion: 1\ndescription: d\nprogram: no-such\ntasks: [{id: text-generation}]\n",
            to: "\(bench.directory)/plugins/hostile/plugin.yaml")
        let report = try await Self.report(bench, PluginBench.hostile)
        #expect(
            report.findings.map(\.outcome) == [.broken] + Array(repeating: .untried, count: Rule.allCases.count - 1))
        #expect(report.findings[0].reason?.contains("build or install it") == true)
        #expect(!report.isConforming)
    }

    @Test("A directory that is called otherwise is a fault of the manifest")
    func name() async throws {
        let bench = try PluginBench("none")
        try FileManager.default.moveItem(
            atPath: "\(bench.directory)/plugins/sleeper", toPath: "\(bench.directory)/plugins/dreamer")
        let report = try await Self.report(bench, PluginBench.sleeper)
        #expect(report.findings[0].outcome == .broken)
        #expect(report.findings[0].reason?.contains("its directory is `dreamer`") == true)
    }
}

extension RealTime {
    /// A second is what a plugin has to end, and half a second is how long it shall run.
    @Suite("Conformance")
    struct ConformingPluginTests {
        @Test("The plugin of the README keeps every rule")
        func sleeper() async throws {
            let report = try await ConformanceTests.report(try PluginBench("none"), PluginBench.sleeper)
            for finding in report.findings { #expect(finding.outcome == .kept, "\(finding)") }
            #expect(report.findings.map(\.rule) == ConformanceReport.Rule.allCases)
            #expect(report.isConforming)
        }
    }
}
