import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

/// Many machines in one record.
@Suite("A fleet")
struct FleetTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    /// An inventory as the record keeps it.
    private static func inventory(
        _ processor: String = "AMD EPYC 7763 64-Core Processor", slot: String = "0000:41:00.0", memory: Int = 512,
        device: String? = "NVIDIA Corporation GA100 [A100 SXM4 80GB]"
    ) -> String {
        let accelerators = device.map { name in
            #"{"address": "\#(slot)", "name": "\#(name)", "class": "gpu", "vendor_id": 4318, "device_id": 8370}"#
        }
        return """
            {"accelerators": [\(accelerators ?? "")], "cpu": {"model": "\(processor)", "sockets": 2, "cores": 128,
            "threads": 256, "features": ["\(slot)"]}, "installed_memory_bytes": \(memory << 30)}
            """
    }

    // MARK: Classes

    @Test("Names, slots and flags of the processor are a machine's own; what it is equipped with is its class")
    func classes() throws {
        let one = try #require(MachineClass(inventory: Self.inventory()))
        #expect(one.name == "2 × EPYC 7763, 512 GiB, A100 SXM4 80GB")
        #expect(one.text.hasPrefix(one.name + " #") && one.text.count == one.name.count + 8)
        #expect(MachineClass(inventory: Self.inventory(slot: "0000:c1:00.0")) == one)
        let others = [
            Self.inventory("AMD EPYC 7713 64-Core Processor"), Self.inventory(memory: 256),
            Self.inventory(device: nil),
        ].map { MachineClass(inventory: $0)?.hash }
        #expect(Set(others + [one.hash]).count == 4)
        // Another list of names calls the same card otherwise.
        #expect(MachineClass(inventory: Self.inventory(device: "NVIDIA 20b2"))?.hash == one.hash)
    }

    @Test("What the record does not describe has no class", arguments: ["{}", "", "[1]", #"{"cpu": {}}"#])
    func nothingKnown(inventory: String) { #expect(MachineClass(inventory: inventory) == nil) }

    @Test(
        "Processors without their makers' words",
        arguments: [
            ("Intel(R) Xeon(R) Platinum 8480+", "Xeon Platinum 8480+"),
            ("Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz", "Core i7-8650U"),
            ("AMD EPYC 7763 64-Core Processor", "EPYC 7763"), ("Neoverse-N1", "Neoverse-N1"), ("CPU", "CPU"),
        ])
    func processors(name: String, short: String) { #expect(MachineClass.short(processor: name) == short) }

    private func table(_ by: String) async throws -> TableReport {
        var options = TableReport.Options()
        options.by = TableDimension.parse(by)
        return try await TableReport(record.store, options)
    }

    /// Runs of a machine each, of so many joules.
    private func measure(_ joules: [Double], inventory: (Int) -> String) throws {
        for (index, joules) in joules.enumerated() {
            let suite = try record.suite(machine: "node\(index)", inventory: inventory(index))
            try record.add([run(joules), run(joules * 1.01)], suite: suite)
        }
    }

    @Test("Machines of a class share a row, and one that is far off the others is named")
    func byClass() async throws {
        try measure([3600, 3620, 3590, 3610, 3605, 7200]) { Self.inventory(slot: "0000:0\($0):00.0") }
        let apart = try await table("machine")
        #expect(apart.rows.count == 6 && apart.rows.allSatisfy { $0.outlyingMachines.isEmpty })
        #expect(Set(apart.rows.compactMap(\.equipment)).count == 1)
        let report = try await table("class")
        let row = try #require(report.rows.first)
        #expect(report.rows.count == 1 && row.n == 12 && row.machine == "6 machines")
        #expect(row.machines == (0..<6).map { "node\($0)" })
        #expect(row.outlyingMachines.map(\.machine) == ["node5"] && row.outlyingMachines.first?.of == 6)
        #expect(report.notes.contains { $0.contains("node5") && $0.hasPrefix("Outlying machines") })
        #expect(try await table("class,machine").rows.count == 6, "`machine` keeps them apart")
        // The same comes back from a daemon.
        let again = try JSONDecoder().decode(TableReport.self, from: try JSONEncoder().encode(report))
        #expect(again == report)
    }

    @Test("Four machines say too little of a fifth, and machines of which nothing is known are never one class")
    func fewOrUnknown() async throws {
        try measure([3600, 3620, 3590, 7200]) { _ in Self.inventory() }
        #expect(try await table("class").rows.first?.outlyingMachines.isEmpty == true)
        for index in 0..<2 {
            try record.add([run()], suite: try record.suite(machine: "unknown\(index)", inventory: "{}"))
        }
        let rows = try await table("class").rows
        #expect(rows.map(\.n).sorted() == [1, 1, 8])
    }

    @Test("Two classes are two rows, whatever else is the same")
    func twoClasses() async throws {
        try measure([3600, 3600, 1800, 1800]) { Self.inventory(memory: $0 < 2 ? 512 : 256) }
        let rows = try await table("class").rows
        #expect(rows.map(\.machine) == ["2 machines", "2 machines"])
        #expect(Set(rows.map(\.machineFingerprint)).count == 2 && Set(rows.map(\.mean)).count == 2)
        // Those of one count are told apart by their class.
        let report = try await table("class")
        #expect(Set(report.rows.map(report.machine)).count == 2)
    }

    @Test("Where the cards are is not what they are measured with; one that nothing measures is another total")
    func meters() {
        let pooling = MachineClasses([], isPooling: true)
        let one = pooling.meters(["nvml/0000:41:00.0", "powercap/intel-rapl:0", "plug"])
        #expect(pooling.meters(["plug of node7", "powercap/intel-rapl:0", "nvml/0000:c1:00.0"]) == one)
        #expect(pooling.meters(["powercap/intel-rapl:0", "plug"]) != one)
        #expect(MachineClasses([], isPooling: false).meters(["plug"]) == ["plug"])
    }

    @Test("By machine and day")
    func byMachineAndDay() async throws {
        for machine in ["a", "b"] {
            var late = run()
            late.startedAt += 3 * 86_400
            try record.add([run(), late], suite: try record.suite(machine: machine))
        }
        let rows = try await table("machine,date").rows
        #expect(rows.map(\.machine) == ["a", "a", "b", "b"] && Set(rows.map(\.firstDay)).count == 2)
    }

    // MARK: Control

    /// A run of the suite `control`, which has ended.
    private func control(
        _ joules: Double, day: Double, machine: String = "a", version: String = "1.0", model: String = "m",
        label: String? = nil, status: RunStatus = .completed
    ) throws {
        let start = 1_764_000_000 + day * 86_400
        let uuid = try record.store.beginSuiteRun(
            SuiteStart(
                suite: "control", suiteText: "", options: "{}", machineName: machine, inventory: "{}",
                machineState: "{}", meters: [], version: version, startedAt: start, label: label))
        for factor in [0.999, 1.001] {
            var made = run(joules * factor, model: model)
            made.startedAt = start
            try record.store.record(made, samples: [], suiteRun: uuid)
        }
        try record.store.endSuiteRun(uuid, status: status, error: nil, at: start + 100)
    }

    private func checks() async throws -> [ControlCheck] { try await ControlHistory.checks(record.store) }

    @Test("A machine is compared with its own earlier runs, once there are eight")
    func history() async throws {
        #expect(try await checks().isEmpty)
        for day in 0..<8 { try control(3600 + Double(day % 2) * 10, day: Double(day)) }
        let first = try #require(try await checks().first)
        #expect(first.earlier == 7 && first.expected == nil && !first.isDrifting)
        try control(3605, day: 8, label: "by hand")
        let second = try #require(try await checks().first)
        #expect(second.earlier == 8 && !second.isDrifting && isClose(second.latest, 3605 / 3.6e5, relative: 1e-6))
        try control(4000, day: 9)
        let third = try #require(try await checks().first)
        #expect(third.isDrifting && third.earlier == 9 && third.machine == "a")
        #expect((third.deviation ?? 0) > 0.1)
        // A run that was cut off says nothing.
        try control(3605, day: 10, status: .interrupted)
        #expect(try await checks() == [third])
    }

    @Test("Another machine, version or model has a history of its own")
    func ownHistories() async throws {
        for day in 0..<10 { try control(3600 + Double(day % 2) * 10, day: Double(day)) }
        try control(7200, day: 11, machine: "b")
        try control(7200, day: 12, model: "other")
        #expect(try await checks().map(\.isDrifting) == [false, false, false])
        try control(7200, day: 13, version: "2.0")
        let latest = try #require(try await checks().first { $0.machine == "a" && $0.model == "m" })
        #expect(latest.version == "2.0" && latest.earlier == 0 && !latest.isDrifting)
        let of = try await ControlHistory.checks(record.store, machine: "b")
        #expect(of.map(\.machine) == ["b"])
    }

    @Test("The table says which of its machines drift, and no other table does")
    func note() async throws {
        for day in 0..<10 { try control(3600 + Double(day % 2) * 10, day: Double(day)) }
        try record.add([run()], suite: try record.suite(machine: "a"))
        #expect(try await table("task").drifting.isEmpty)
        try control(4000, day: 10)
        let report = try await table("task")
        #expect(report.drifting.map(\.machine) == ["a"])
        #expect(report.notes.contains { $0.hasPrefix("Drifting") && $0.contains("a: ") })
        var options = TableReport.Options()
        options.filter.machine = "b"
        try record.add([run()], suite: try record.suite(machine: "b"))
        #expect(try await TableReport(record.store, options).drifting.isEmpty)
    }
}
