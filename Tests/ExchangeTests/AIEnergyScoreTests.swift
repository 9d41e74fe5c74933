import Core
import Exchange
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

@Suite("Export in the columns of AI Energy Score")
struct AIEnergyScoreTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func domain(
        _ id: String, _ scope: MeterScope, _ joules: Double, coverage: Double = 1, provenance: Provenance = .measured
    ) -> DomainEnergy {
        DomainEnergy(
            id: id, name: id, scope: scope, kind: .counter, provenance: provenance, energy: Energy(joules: joules),
            uncertainty: .zero, accuracyUncertainty: .zero, coverage: coverage, flags: [], inTotal: false)
    }

    private func run(_ task: MLTask = .textGeneration, of domains: [DomainEnergy], sum ids: [String]) -> RunRecord {
        var run = TestSupport.run(5000, task: task, model: "org/model", seconds: 50, inferences: 200)
        run.energy.domains = domains
        run.energy.total.domainIDs = ids
        run.failedInferences = 4
        run.metrics = ["input_tokens": 1000, "output_tokens": 2600]
        run.latency = LatencySummary(mean: 0.2, median: 0.2, p95: 0.3, minimum: 0.1, maximum: 0.4)
        return run
    }

    private func export(_ runs: [RunRecord]) async throws -> (AIEnergyScoreExport, rows: [[String: String]]) {
        try record.add(runs)
        var score = AIEnergyScoreExport()
        var csv = CSVWriter()
        csv.row(AIEnergyScoreExport.columns)
        for run in try await exportedRuns(of: record.store) {
            if let fields = score.fields(run) { csv.row(fields) }
        }
        let rows = try pythonReads(String(decoding: csv.bytes, as: UTF8.self))
        return (score, rows.dropFirst().map { Dictionary(zip(rows[0], $0)) { $1 } })
    }

    @Test("The accelerators' energy alone, as consumed and of 1,000 inferences")
    func energy() async throws {
        let two = run(
            of: [domain("g0", .accelerator, 2160), domain("g1", .accelerator, 1440), domain("cpu", .package, 9999)],
            sum: ["g0", "g1", "cpu"])
        let (score, rows) = try await export([two])
        #expect(score.runs == 1)
        #expect(!score.hasEstimates)
        let row = try #require(rows.first)
        #expect(row["model_name"] == "org/model")
        #expect(row["task"] == "text_gen")
        #expect([row["total_prompts"], row["successful_prompts"], row["failed_prompts"]] == ["204", "200", "4"])
        #expect(row["gpu_energy_wh"] == "1")
        #expect(row["avg_energy_per_prompt_wh"] == "0.005")
        #expect(isClose(row["total_gpu_energy"].flatMap(Double.init), 0.005), "kWh of 1,000 are Wh of one")
        #expect(row["tokens_per_joule"] == "1")
        #expect(
            [row["total_tokens"], row["total_prompt_tokens"], row["total_completion_tokens"]] == [
                "3600", "1000", "2600",
            ])
        #expect(row["throughput_tokens_per_second"] == "72")
        #expect([row["total_duration_seconds"], row["avg_latency_seconds"]] == ["50", "0.2"])
        #expect([row["co2_emissions_g"], row["error_message"], row["model_class"]] == ["", "", ""])
        #expect(row["timestamp"]?.hasPrefix("2025-11-24T16:00:50") == true)
    }

    @Test("Each accelerator once, also where the total is the wall's and two meters are on one board")
    func onceEach() async throws {
        var run = run(of: [domain("nvml", .accelerator, 3600), domain("hwmon", .accelerator, 3500)], sum: ["plug"])
        run.energy.total.scope = .wall
        run.energy.otherScopes = [
            TotalEnergy(
                energy: Energy(joules: 3600), uncertainty: .zero, accuracyUncertainty: .zero, scope: .components,
                provenance: .measured, coverage: 1, flags: [], domainIDs: ["nvml"])
        ]
        let (_, rows) = try await export([run])
        #expect(rows.map { $0["gpu_energy_wh"] } == ["1"])
    }

    @Test("What is no result of that project's is left out and counted")
    func leftOut() async throws {
        let gpu = domain("g", .accelerator, 100)
        var failed = run(of: [gpu], sum: ["g"])
        failed.status = .failed
        var suspended = run(of: [gpu], sum: ["g"])
        suspended.flags = [.suspended]
        var empty = run(of: [gpu], sum: ["g"])
        empty.completedInferences = 0
        var load = run(of: [gpu], sum: ["g"])
        load.stage = .load
        let (score, rows) = try await export([
            failed, suspended, empty, load,
            run(.fillMask, of: [gpu], sum: ["g"]), run(.tokenClassification, of: [gpu], sum: ["g"]),
            run(of: [domain("cpu", .package, 100)], sum: ["cpu"]),
            run(of: [domain("g", .accelerator, 100, coverage: 0.98)], sum: ["g"]),
            run(.imageToText, of: [domain("g", .accelerator, 99, coverage: 0.99, provenance: .estimated)], sum: ["g"]),
        ])
        #expect(score.failed == 3)
        #expect(score.withoutAccelerator == 2)
        #expect(score.otherTasks == [.fillMask, .tokenClassification])
        #expect(score.runs == 1)
        #expect(score.hasEstimates)
        #expect(rows.map { $0["task"] } == ["image_captioning"])
        #expect(isClose(rows[0]["gpu_energy_wh"].flatMap(Double.init), 100 / 3600))
    }
}
