package import Core
import Foundation
package import Recording

/// A record in a directory that goes with it, filled by hand.
package final class TestRecord: Sendable {
    package let store: Store
    private let directory: TemporaryDirectory

    package init() throws {
        directory = try TemporaryDirectory()
        store = try Store(directory: directory.path)
    }

    package func suite(
        _ name: String = "test", machine: String = "host", inventory: String = "{}", state: String = "{}"
    ) throws -> String {
        try store.beginSuiteRun(
            SuiteStart(
                suite: name, suiteText: "runs: []", options: "{}", machineName: machine, inventory: inventory,
                machineState: state, meters: [], version: "1.0", startedAt: 1_764_000_000))
    }

    /// Keeps runs of one suite.
    @discardableResult
    package func add(_ runs: [RunRecord], suite: String? = nil) throws -> String {
        let uuid = try suite ?? self.suite()
        for run in runs { try store.record(run, samples: [], suiteRun: uuid) }
        return uuid
    }
}

/// A run of 100 inferences in 100 s: 3,600 J of it are 0.01 kWh per 1,000 inferences.
package func run(
    _ joules: Double = 3600, task: MLTask = .fillMask, stage: RunStage = .query, model: String = "m",
    dataset: String? = nil, size: String? = "full", seconds: Double = 100, inferences: Int = 100,
    uncertainty: Double = 0,
    accuracy: Double = 0, scope: TotalScope = .components, provenance: Provenance = .measured, coverage: Double = 1,
    idle: Double? = nil, idleUncertainty: Double? = nil, flags: [RunFlag] = [], status: RunStatus = .completed,
    error: String? = nil, wall: (joules: Double, uncertainty: Double)? = nil
) -> RunRecord {
    let others = wall.map { wall in
        TotalEnergy(
            energy: Energy(joules: wall.joules), uncertainty: Energy(joules: wall.uncertainty),
            accuracyUncertainty: .zero,
            scope: .wall, provenance: .measured, coverage: 1, flags: [], domainIDs: ["plug"])
    }
    return RunRecord(
        stage: stage, repeatIndex: 1,
        workload: stage == .idle
            ? nil : WorkloadDescription(task: task, plugin: "p", model: model, dataset: dataset, size: size),
        startedAt: 1_764_000_000,
        energy: WindowEnergy(
            window: Window(start: MonotonicTime(seconds: 10), end: MonotonicTime(seconds: 10 + seconds)),
            total: TotalEnergy(
                energy: Energy(joules: joules), uncertainty: Energy(joules: uncertainty),
                accuracyUncertainty: Energy(joules: accuracy), scope: scope, provenance: provenance, coverage: coverage,
                flags: [], domainIDs: ["a"]),
            otherScopes: others.map { [$0] } ?? [], domains: [], intervalSeconds: 0.1, jitter: nil),
        completedInferences: inferences, idlePower: idle.map(Power.init(watts:)),
        idlePowerUncertainty: idleUncertainty.map(Power.init(watts:)), flags: flags, status: status, error: error)
}

/// Equal in nine digits.
package func isClose(_ a: Double?, _ b: Double, relative: Double = 1e-9) -> Bool {
    guard let a else { return false }
    return abs(a - b) <= relative * abs(b)
}

/// What python3's csv module reads: a reader that is not ours.
package func pythonReads(_ csv: String) throws -> [[String]] {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString).csv")
    try Data(csv.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
        "python3", "-c",
        """
        import csv, json, sys
        with open(sys.argv[1], newline='', encoding='utf-8') as file:
            json.dump(list(csv.reader(file, strict=True)), sys.stdout)
        """, file.path,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode([[String]].self, from: data)
}
