import Core
import Exchange
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

@Suite("Export")
struct ExportTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func pieces(_ kind: Export.Kind, suite: String? = nil) async throws -> [String] {
        var export = Export(kind, of: record.store, filter: RunFilter(suiteRun: suite))
        var pieces: [String] = []
        while let piece = try await export.next() { pieces.append(String(decoding: piece, as: UTF8.self)) }
        return pieces
    }

    private func samples(_ count: Int, from first: Int = 0) -> [Sample] {
        (first..<first + count).map { index in
            Sample(
                meterID: "hwmon/a, \"b\"", time: MonotonicTime(nanoseconds: 5_000_000_000 + Int64(index) * 100_000_000),
                wallTime: 1_764_000_000 + Double(index) / 8, energy: Energy(microjoules: Int64(index) * 61),
                power: index.isMultiple(of: 2) ? Power(microwatts: 610) : nil)
        }
    }

    @Test("20,000 samples go in pages of bounded size and equal the record")
    func manySamples() async throws {
        let uuid = try record.suite()
        try record.store.record(run(), samples: samples(12_000), suiteRun: uuid)
        try record.store.record(samples(8_000, from: 12_000))
        let pieces = try await pieces(.samples)
        #expect(pieces.count == 4)
        #expect(pieces.allSatisfy { $0.utf8.count < 1 << 20 })
        let rows = try pythonReads(pieces.joined())
        #expect(rows.count == 20_001)
        #expect(
            rows.first == [
                "run_id", "meter", "time", "monotonic_s", "energy_j", "power_w", "stage", "task", "scope", "provenance",
                "edge",
            ])
        for (row, sample) in zip(rows.dropFirst(), samples(20_000)) {
            guard
                row[1] == sample.meterID, row[2] == CSVWriter.time(sample.wallTime),
                Double(row[3]) == sample.time.seconds, Double(row[4]).map(Energy.init(joules:)) == sample.energy,
                Double(row[5]).map(Power.init(watts:)) == sample.power
            else {
                Issue.record("\(row) is not \(sample)")
                return
            }
        }
        #expect(rows[1][0] == "1")
        #expect(rows[20_000][0] == "", "outside any run")
    }

    @Test("Only one suite's")
    func filter() async throws {
        let first = try record.suite("first")
        try record.store.record(run(), samples: samples(3), suiteRun: first)
        let second = try record.suite("second")
        try record.store.record(run(7200), samples: samples(4), suiteRun: second)
        try record.store.record(samples(5))
        let ofSecond = try await pieces(.samples, suite: second).joined()
        #expect(try pythonReads(ofSecond).count == 5)
        let all = try await pieces(.samples).joined()
        #expect(try pythonReads(all).count == 13)
        let runs = try pythonReads(try await pieces(.runs, suite: second).joined())
        #expect(runs.count == 2)
        #expect(runs[1][1...2] == [second, "second"])
        let none = try await pieces(.runs, suite: "none").joined()
        #expect(try pythonReads(none).count == 1, "the header alone")
    }

    @Test("Every run is a line, its columns named with their units")
    func runs() async throws {
        let nasty = "a, \"b\"\nc"
        let uuid = try record.suite("my \"suite\", 1", machine: "höst")
        var failed = run(0, coverage: 0, status: .failed, error: nasty)
        failed.workload = nil
        let measured = run(
            3564, model: nasty, uncertainty: 99, coverage: 0.99, idle: 2, idleUncertainty: 0.5, flags: [.contended])
        try record.add([measured, failed], suite: uuid)
        let rows = try pythonReads(try await pieces(.runs).joined())
        #expect(rows.count == 3)
        #expect(rows.allSatisfy { $0.count == rows[0].count })
        let first = Dictionary(zip(rows[0], rows[1])) { $1 }
        let second = Dictionary(zip(rows[0], rows[2])) { $1 }
        #expect(first.count == rows[0].count, "no column's name is there twice")
        #expect(first["suite"] == "my \"suite\", 1")
        #expect(first["suite_run"] == uuid)
        #expect(first["machine"] == "höst")
        #expect(first["machine_fingerprint"]?.isEmpty == false)
        #expect(first["model"] == nasty)
        #expect(first["task"] == "fill-mask")
        #expect(first["stage"] == "query")
        #expect(first["status"] == "completed")
        #expect(first["started_at"] == CSVWriter.time(1_764_000_000))
        #expect(first["duration_s"] == "100")
        #expect(first["energy_j"] == "3564")
        #expect(first["energy_uncertainty_95_j"] == "99")
        #expect(first["energy_kwh"] == "0.00099")
        #expect(isClose(first["kwh_per_1000_inferences"].flatMap(Double.init), 0.01))
        #expect(isClose(first["net_energy_j"].flatMap(Double.init), 3366))
        #expect(isClose(first["net_kwh_per_1000_inferences"].flatMap(Double.init), 3400 * 10 / 3.6e6))
        #expect(first["mean_power_w"] == "36")
        #expect(first["idle_power_w"] == "2")
        #expect(first["idle_power_standard_uncertainty_w"] == "0.5")
        #expect(first["scope"] == "components")
        #expect(first["provenance"] == "measured")
        #expect(first["coverage"] == "0.99")
        #expect(first["run_flags"] == "contended")
        #expect(second["status"] == "failed")
        #expect(second["error"] == nasty)
        #expect(second["kwh_per_1000_inferences"] == "")
        #expect(second["task"] == "")
    }

    @Test("What stands for a failure has no figures, and not figures of 0")
    func noWindow() async throws {
        var failed = run(0, seconds: 0, inferences: 0, coverage: 0, status: .failed, error: "it broke")
        failed.flags = []
        try record.add([failed])
        let rows = try pythonReads(try await pieces(.runs).joined())
        let cells = Dictionary(zip(rows[0], rows[1])) { $1 }
        let figures = [
            "duration_s", "completed_inferences", "failed_inferences", "energy_j", "energy_kwh", "mean_power_w",
            "coverage",
            "kwh_per_1000_inferences",
        ]
        for name in figures { #expect(cells[name] == "", "\(name)") }
        #expect(cells["error"] == "it broke")
    }

    @Test("Metrics are a column, JSON with its names in order")
    func metrics() async throws {
        var measured = run()
        measured.metrics = ["output_tokens": 120, "input_tokens": 7, "time_to_first_token_s": 0.1]
        try record.add([measured, run()])
        let rows = try pythonReads(try await pieces(.runs).joined())
        let column = try #require(rows[0].firstIndex(of: "metrics"))
        #expect(rows[1][column] == #"{"input_tokens":7,"output_tokens":120,"time_to_first_token_s":0.1}"#)
        #expect(rows[2][column] == "")
    }

    @Test("Whatever is in a name or a parameter, the field says it")
    func texts() async throws {
        var measured = run(model: "a\\b\"\u{1}\t\u{1F600}é/", idle: 1.5)
        measured.workload?.parameters = [
            "zeta": .number(7.5), "a b": .string("x, \"y\"\n"), "list": .array([.integer(1), .string("two")]),
            "object": .object(["k": .bool(true)]), "none": .null, "big": .integer(.max),
        ]
        measured.flags = [.contended, .idleDrift]
        measured.energy.total.domainIDs = ["hwmon/a \"1\"", "b"]
        measured.energy.domains = [
            DomainEnergy(
                id: "hwmon/a \"1\"", name: "a", scope: .rail, kind: .gauge, provenance: .derived,
                energy: Energy(microjoules: 1), uncertainty: Energy(microjoules: 2), accuracyUncertainty: .zero,
                coverage: 0.5, flags: [], inTotal: false)
        ]
        try record.add([measured])
        let rows = try pythonReads(try await pieces(.runs).joined())
        let row = Dictionary(zip(rows[0], rows[1])) { $1 }
        #expect(row["model"] == "a\\b\"\u{1}\t\u{1F600}é/")
        #expect(
            row["parameters"]
                == "a b=x, \"y\"\n big=9223372036854775807 list=[1, two] none=null object={k: true} zeta=7.5")
        #expect(row["run_flags"] == "contended idle-drift")
        #expect(row["domains"] == "hwmon/a \"1\" b")
        #expect(row["domain_energies_j"] == "hwmon/a \"1\"=1e-06")
        #expect(row["domain_uncertainties_95_j"] == "hwmon/a \"1\"=2e-06")
        #expect(row["domain_coverages"] == "hwmon/a \"1\"=0.5")
    }

    @Test("More runs than a page, each once and in order")
    func manyRuns() async throws {
        let uuid = try record.suite()
        try record.add((1...501).map { run(Double($0)) }, suite: uuid)
        let pieces = try await pieces(.runs)
        #expect(pieces.count == 2)
        let rows = try pythonReads(pieces.joined())
        let column = try #require(rows[0].firstIndex(of: "energy_j"))
        #expect(rows.dropFirst().map { $0[column] } == (1...501).map(String.init))
    }

    @Test("An empty record is a header")
    func empty() async throws {
        let samples = try await pieces(.samples)
        #expect(samples == ["run_id,meter,time,monotonic_s,energy_j,power_w,stage,task,scope,provenance,edge\r\n"])
        let runs = try await pieces(.runs)
        #expect(runs.count == 1)
    }
}
