import Core
import Exchange
import Foundation
import Recording
import TestSupport
import Testing

@testable import Collecting

/// What an administrator sees of the machines.
@Suite("The machines with what has come of them")
struct FleetOverviewTests {
    private let bench: CollectorBench

    init() throws { bench = try CollectorBench() }

    private func control(_ machine: String, _ joules: [Double]) throws {
        for (index, joules) in joules.enumerated() {
            let start = 1_764_100_000 + Double(index) * 3600
            let uuid = try bench.store.beginSuiteRun(
                SuiteStart(
                    suite: ControlCheck.suite, suiteText: "", options: "{}", machineName: machine,
                    inventory: #"{"cpu":{"model":"CPU of \#(machine)"}}"#, machineState: "{}", meters: [],
                    version: "9.9", startedAt: start))
            try bench.store.record(run(joules), samples: [], suiteRun: uuid)
            try bench.store.endSuiteRun(uuid, status: .completed, error: nil, at: start + 200)
        }
    }

    @Test("Class, latest suite and drift of each machine, whatever it is called in its bundles")
    func entries() async throws {
        let usual = (0..<12).map { 3600 + Double($0 % 3) }
        try control("machine-00000007", usual + [5000])
        try control("node8", usual + [3601])
        try control("node9", [3600, 3601])
        for (name, machines) in [
            ("lab7", ["node7", "machine-00000007"]), ("lab8", ["node8"]), ("lab9", ["node9"]), ("new", ["new"]),
        ] {
            _ = try bench.enrol(name, machines: machines)
        }
        let machines = try bench.ledger.machines()
        let entries = try await FleetEntry.all(machines, in: bench.store)
        #expect(entries.map(\.machine.name) == ["lab7", "lab8", "lab9", "new"])
        #expect(entries.map(\.drift) == [.drifts, .steady, .unknown, .unknown])
        #expect(entries[0].equipment?.hasPrefix("of machine-00000007 #") == true && entries[3].equipment == nil)
        #expect(entries.map { $0.latest?.startedAt } == [1_764_143_200, 1_764_143_200, 1_764_103_600, nil])
        #expect(entries[1].latest?.suite == "control" && entries[1].latest?.status == "completed")
        // Before anything has come there is no record.
        #expect(try await FleetEntry.all(machines, in: nil).allSatisfy { $0.latest == nil && $0.drift == .unknown })
    }

    @Test("JSON has it beside what the collector knows of the machine")
    func json() async throws {
        struct Read: Decodable {
            struct Suite: Decodable {
                var uuid: String
                var suite: String
                var status: String
            }
            var name: String
            var waiting: Int?
            var `class`: String?
            var drift: String
            var drifting: [ControlCheck]?
            var latest: Suite?

            enum CodingKeys: String, CodingKey {
                case name, waiting, `class`, drift, drifting
                case latest = "latest_suite"
            }
        }
        try control("node7", (0..<12).map { 3600 + Double($0 % 3) } + [5000])
        _ = try bench.enrol()
        _ = try bench.enrol("node8", machines: ["node8"])
        try bench.ledger.heard("node8", MachineSign(waiting: 3), at: 5)
        let entries = try await FleetEntry.all(try bench.ledger.machines(), in: bench.store)
        let read = try JSONDecoder().decode([Read].self, from: try JSONEncoder().encode(entries))
        #expect(read.map(\.name) == ["node7", "node8"] && read.map(\.drift) == ["drifts", "unknown"])
        #expect(read[0].drifting?.count == 1 && read[0].drifting?.first?.latest != nil && read[1].drifting == nil)
        #expect(read[0].latest?.status == "completed" && read[0].latest?.suite == "control")
        #expect(read[0].`class` == entries[0].equipment && read[1].`class` == nil && read[1].waiting == 3)
        #expect(read[1].latest == nil)
    }
}
