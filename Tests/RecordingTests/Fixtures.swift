import Core
import Foundation
import Recording
import TestSupport

extension TemporaryDirectory {
    var database: String { "\(path)/taskwatt.sqlite" }
    func bytes() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: database)) }
}

enum Fixture {
    static let meter = MeterDescription(
        id: "powercap/intel-rapl:0", name: "package-0", scope: .package, kind: .counter, provenance: .measured,
        source: "test", periodSeconds: 0.001, resolution: 61, plausiblePower: Power(watts: 1500), silicon: "package-0")

    static func start(_ suite: String = "quick", machine: String = "host", inventory: String = "{}") -> SuiteStart {
        SuiteStart(
            suite: suite, suiteText: "runs: []", options: "{}", machineName: machine, inventory: inventory,
            machineState: "{}", meters: [meter], version: "1.0", startedAt: 1_764_000_000)
    }

    static func run(
        _ number: Int = 1, stage: RunStage = .query, task: MLTask = .fillMask, domains: [String] = ["a", "b"]
    ) -> RunRecord {
        let begin = MonotonicTime(seconds: Double(number) * 10)
        return RunRecord(
            stage: stage, repeatIndex: number, workload: WorkloadDescription(task: task, plugin: "p", model: "m"),
            startedAt: 1_764_000_000 + Double(number),
            energy: WindowEnergy(
                window: Window(start: begin, end: begin.advanced(bySeconds: 4)),
                total: TotalEnergy(
                    energy: Energy(joules: Double(number)), uncertainty: Energy(joules: 0.1),
                    accuracyUncertainty: .zero, scope: .components, provenance: .measured, coverage: 1, flags: [],
                    domainIDs: domains),
                otherScopes: [],
                domains: domains.map { id in
                    DomainEnergy(
                        id: id, name: id, scope: .package, kind: .counter, provenance: .measured,
                        energy: Energy(joules: 1), uncertainty: Energy(joules: 0.1), accuracyUncertainty: .zero,
                        coverage: 1, flags: [], inTotal: true)
                }, intervalSeconds: 0.1, jitter: nil),
            completedInferences: 100)
    }

    static func samples(_ count: Int, from number: Int = 0, wallTime: Double = 1_764_000_000) -> [Sample] {
        (number..<number + count).map { index in
            Sample(
                meterID: "powercap/intel-rapl:0", time: MonotonicTime(nanoseconds: Int64(index) * 100_000_001),
                wallTime: wallTime + Double(index) / 10, energy: Energy(microjoules: Int64(index) * 61),
                power: index == 0 ? nil : Power(microwatts: 610))
        }
    }
}
