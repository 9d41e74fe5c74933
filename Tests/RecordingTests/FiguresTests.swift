import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Recording

@Suite("Windows read by columns")
struct FiguresTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func windows(_ filter: RunFilter = RunFilter()) throws -> [MeasuredWindow] {
        var all: [MeasuredWindow] = []
        try record.store.eachWindow(filter) { all.append($0) }
        return all
    }

    @Test("They say what the whole record says")
    func same() throws {
        var full = run(
            3600.25, model: "m", dataset: "d", uncertainty: 12.5, accuracy: 3.5, idle: 4.5, idleUncertainty: 0.25,
            flags: [.contended, .samplerLate], wall: (4500, 45))
        full.workload?.device = "cuda"
        full.workload?.precision = "int8"
        full.workload?.batch = 4
        full.workload?.operationsPerInference = 2.5e9
        full.workload?.parameters = ["threads": .integer(2), "scale": .number(7.5), "name": .string("a \"b\"")]
        full.latency = LatencySummary(mean: 0.5, median: 0.5, p95: 0.6, minimum: 0.4, maximum: 0.7)
        let suite = try record.suite(machine: "lab", inventory: "{\"cpu\":{\"model\":\"Zen\"}}")
        try record.add([run(stage: .idle), full, run(status: .failed)], suite: suite)
        let windows = try windows()
        let stored = try record.store.runs()
        #expect(windows.count == 3)
        for (window, stored) in zip(windows, stored) {
            let run = stored.record
            #expect(window.id == stored.id && window.suiteRun == stored.suiteRun && window.machine == stored.machine)
            #expect(window.machineFingerprint == stored.machineFingerprint && window.version == stored.version)
            #expect(window.processor == "Zen")
            #expect(window.stage == run.stage && window.status == run.status && window.task == run.workload?.task)
            #expect(window.model == run.workload?.model && window.dataset == run.workload?.dataset)
            #expect(window.size == run.workload?.size && window.device == run.workload?.device)
            #expect(window.precision == run.workload?.precision && window.batch == run.workload?.batch ?? 1)
            #expect(window.parameters == run.workload?.parameters.mapValues(\.text) ?? [:])
            #expect(window.operations == run.workload?.operationsPerInference)
            #expect(window.startedAt == run.startedAt)
            #expect(window.durationSeconds == run.energy.window.durationSeconds)
            #expect(window.completedInferences == run.completedInferences)
            #expect(window.total == run.energy.total && window.otherScopes == run.energy.otherScopes)
            #expect(window.idlePowerWatts == run.idlePower?.watts)
            #expect(window.idleUncertaintyWatts == run.idlePowerUncertainty?.watts)
            #expect(window.meanLatency == run.latency?.mean && window.flags == run.flags.map(\.rawValue))
        }
    }

    @Test(
        "A window whose columns were edited by hand is left out, and said by its number",
        arguments: [
            #"flags = '{"a":1}'"#, "flags = 'x'", "parameters = '[]'", "domain_ids = '{'", "energy_uj = NULL",
            "energy_uj = -1", "duration_ns = 9223372036854775807", "coverage = 1e300", "batch = 0", "other_scopes = 1",
        ])
    func edited(change: String) throws {
        try record.add([run(), run()])
        let path = record.store.path
        try DatabaseQueue(path: path).write { db in try db.execute(sql: "UPDATE run SET \(change) WHERE id = 1") }
        var (read, damaged): ([Int64], [Int64?]) = ([], [])
        try record.store.eachWindow(RunFilter()) {
            read.append($0.id)
        } damaged: {
            damaged.append($0.run)
        }
        #expect(read == [2] && damaged == [1])
    }

    @Test("A column takes no other type")
    func types() throws {
        try record.add([run()])
        for change in ["energy_uj = 'much'", "energy_uj = 0.5", "coverage = 'x'", "model = x'FF'", "batch = 'two'"] {
            #expect(throws: DatabaseError.self, "\(change)") {
                try DatabaseQueue(path: record.store.path).write { db in try db.execute(sql: "UPDATE run SET \(change)")
                }
            }
        }
    }

    @Test("Suites by UUID, by the begin of one, and from the last one back")
    func names() async throws {
        let uuids = try (0..<3).map { _ in try record.suite() }
        let store = record.store
        #expect(try await store.suiteRun(named: "last") == uuids[2])
        #expect(try await store.suiteRun(named: "last-1") == uuids[1])
        #expect(try await store.suiteRun(named: "last-2") == uuids[0])
        #expect(try await store.suiteRun(named: uuids[0].uppercased()) == uuids[0])
        #expect(try await store.suiteRun(named: String(uuids[1].prefix(20))) == uuids[1])
        #expect(try await store.suiteRun(named: "last,\(uuids[0])") == "\(uuids[2]),\(uuids[0])")
        #expect(try store.runs(RunFilter(suiteRun: "last-1,last")).allSatisfy { uuids[1...].contains($0.suiteRun) })
        for none in ["last,last-3", "last,", ",", "last-3", "last--1", "last-x", "", "%", "g"] {
            #expect(try await store.suiteRun(named: none) == nil)
        }
        // One that was ended before anything was measured is in nobody's way; one that failed is what its user asks for.
        func end(_ uuid: String, _ status: String) throws {
            try DatabaseQueue(path: store.path).write { db in
                try db.execute(sql: "UPDATE suite_run SET status = ? WHERE uuid = ?", arguments: [status, uuid])
            }
        }
        try end(uuids[2], "interrupted")
        #expect(try await store.suiteRun(named: "last") == uuids[1])
        #expect(try await store.suiteRun(named: uuids[2]) == uuids[2])
        try end(uuids[2], "failed")
        #expect(try await store.suiteRun(named: "last") == uuids[2])
        // A begin that several have names none of them.
        try await DatabaseQueue(path: store.path).write { db in
            try db.execute(sql: "UPDATE suite_run SET uuid = 'ab' || id")
        }
        #expect(try await store.suiteRun(named: "ab") == nil)
    }
}
