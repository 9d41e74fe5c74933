import Core
import TestSupport

@testable import Recording
@testable import Reporting

/// Runs of known figures without a record, for rules that are tried some thousand times.
enum DrawnRuns {
    static let key = RunGroups.Key(
        task: .fillMask, source: .taskwatt, scope: .components, provenance: .measured, plugin: "p", setup: [:],
        fingerprint: "f", apart: [])

    /// A run of one figure, in kWh per 1,000 inferences.
    static func run(
        _ figure: Double, session: String, model: String = "m", common: Double = 0, flags: [EnergyFlag] = []
    ) -> RunObservation {
        let window = MeasuredWindow(
            id: 0, suiteRun: session, suite: "s", source: .taskwatt, version: "1", machine: "host",
            machineFingerprint: "f", stage: .query, status: .completed, task: .fillMask, plugin: "p", model: model,
            batch: 1, parameters: [:], startedAt: 0, durationSeconds: 1, completedInferences: 1000,
            failedInferences: 0,
            total: TotalEnergy(
                energy: Energy(joules: figure * 3.6e6), uncertainty: .zero, accuracyUncertainty: .zero,
                scope: .components, provenance: .measured, coverage: 1, flags: flags, domainIDs: ["a"]),
            otherScopes: [], flags: [])
        return RunObservation(
            window: window, task: .fillMask, kilowattHours: figure, gross: figure, accuracy: 0, common: common, idle: 0,
            idleRounding: 0)
    }

    /// The mean of one side: sessions of so many repeats around a truth of 1.
    ///
    /// - Parameters:
    ///   - within: the relative deviation of repeats, and `between` of sessions.
    ///   - name: of the side's sessions.
    static func runs(
        sessions: Int = 1, repeats: Int, within: Double, between: Double = 0, name: String, model: String = "m",
        _ random: inout SeededRandom
    ) -> [RunObservation] {
        (0..<sessions).flatMap { session -> [RunObservation] in
            let middle = random.normal(1, between)
            return (0..<repeats).map { _ in
                run(middle * random.normal(1, within), session: "\(name)\(session)", model: model)
            }
        }
    }

    static func group(_ runs: [RunObservation]) -> ComparedGroup? {
        ComparedGroup(key, runs, [:], MeterAccuracies())
    }
}
