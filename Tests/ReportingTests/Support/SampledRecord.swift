import Core
import Recording
import TestSupport

/// A record of one suite on a machine with a package, a memory and a plug: 1 s each of idle, loading, warm-up, and two
/// repeats of 2 s, sampled every 0.1 s.
struct SampledRecord {
    let record: TestRecord
    let suite: String

    struct Names {
        var suite = "nightly"
        var machine = "host"
        var model = "bert"
        var dataset = "imdb"
        var plugin = "p"
        var parameter = "value"
    }

    init(
        _ names: Names = Names(), provenance: Provenance = .measured, wall: Double = 300,
        power: (Double) -> Double = { _ in 100 }
    ) throws {
        record = try TestRecord()
        suite = try record.store.beginSuiteRun(
            SuiteStart(
                suite: names.suite, suiteText: "name: \(names.suite)\n# \(names.parameter)", options: "{\"repeats\":2}",
                machineName: names.machine,
                inventory:
                    "{\"cpu\":{\"model\":\"CPU of \(names.machine.count) letters\"},\"installed_memory_bytes\":1073741824}",
                machineState: "{\"kernel\":\"6.1\"}", meters: Self.meters(provenance), version: "1.0",
                startedAt: 1_764_000_000))
        let stages: [(stage: RunStage, start: Double, seconds: Double, index: Int?)] = [
            (.idle, 10, 1, nil), (.load, 12, 1, nil), (.warmUp, 14, 1, nil), (.query, 16, 2, 1), (.query, 19, 2, 2),
        ]
        for (stage, start, seconds, index) in stages {
            let workload: WorkloadDescription? =
                stage == .idle
                ? nil
                : WorkloadDescription(
                    task: .fillMask, plugin: names.plugin, model: names.model, dataset: names.dataset, size: "full",
                    device: "cpu", operationsPerInference: 2e9, parameters: ["text": .string(names.parameter)])
            let run = Self.window(
                stage, start, seconds, index, workload, provenance, watts: 106, wall: wall)
            try record.store.record(run, samples: Self.samples(start, seconds, power), suiteRun: suite)
        }
        try record.store.endSuiteRun(suite, status: .completed, error: nil, at: 1_764_000_020)
    }

    static func meters(_ provenance: Provenance) -> [MeterDescription] {
        [("cpu", MeterScope.package), ("ram", .dram)].map { id, scope in
            MeterDescription(
                id: id, name: id, scope: scope, kind: .counter, provenance: provenance, source: "/sys/\(id)",
                periodSeconds: 0.001, resolution: 61, relativeAccuracy: 0.05, plausiblePower: Power(watts: 500),
                silicon: id)
        }
    }

    /// A sample a tenth of a second and meter, from the start to the end: memory takes 6 W.
    private static func samples(_ start: Double, _ seconds: Double, _ power: (Double) -> Double) -> [Sample] {
        (0...Int((seconds * 10).rounded())).flatMap { step -> [Sample] in
            let time = start + Double(step) / 10
            return [("cpu", power(time), 0.0), ("ram", 6, 0.0001)].map { id, watts, delay in
                Sample(
                    meterID: id, time: MonotonicTime(seconds: time + delay), wallTime: 1_764_000_000 + time,
                    energy: nil,
                    power: Power(watts: watts))
            }
        }
    }

    private static func window(
        _ stage: RunStage, _ start: Double, _ seconds: Double, _ index: Int?, _ workload: WorkloadDescription?,
        _ provenance: Provenance, watts: Double, wall: Double
    ) -> RunRecord {
        func total(_ watts: Double, _ scope: TotalScope, _ ids: [String]) -> TotalEnergy {
            TotalEnergy(
                energy: Energy(joules: watts * seconds), uncertainty: Energy(joules: 1), accuracyUncertainty: .zero,
                scope: scope, provenance: provenance, coverage: 1, flags: [], domainIDs: ids)
        }
        return RunRecord(
            stage: stage, repeatIndex: index, workload: workload, startedAt: 1_764_000_000 + start,
            energy: WindowEnergy(
                window: Window(start: MonotonicTime(seconds: start), end: MonotonicTime(seconds: start + seconds)),
                total: total(watts, .components, ["cpu", "ram"]), otherScopes: [total(wall, .wall, ["plug"])],
                domains: [
                    DomainEnergy(
                        id: "cpu", name: "cpu", scope: .package, kind: .counter, provenance: provenance,
                        energy: Energy(joules: (watts - 6) * seconds), uncertainty: Energy(joules: 1),
                        accuracyUncertainty: .zero, coverage: 1, flags: [.staleEdges], inTotal: true)
                ], intervalSeconds: 0.1, jitter: 0.01),
            completedInferences: stage == .query ? 100 : 0, idlePower: Power(watts: 30),
            idlePowerUncertainty: Power(watts: 0.5), flags: stage == .query && index == 2 ? [.contended] : [])
    }
}
