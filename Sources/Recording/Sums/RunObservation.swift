package import Core

/// What one run adds to the mean of a row: its figure, and what of its uncertainty it shares with other runs, in kWh per 1,000
/// inferences throughout.
package struct RunObservation: Sendable {
    package var window: MeasuredWindow
    package var task: MLTask
    /// Gross or net, as asked for.
    package var kilowattHours: Double
    package var gross: Double
    /// `nil` without an idle baseline.
    package var net: Double?
    /// The standard uncertainty that is common to all runs of these meters.
    package var accuracy: Double
    /// The standard uncertainty that is common to all runs of these meters beside their accuracy: what their rounding, and edges
    /// that err alike, leave.
    package var common: Double
    /// The standard uncertainty that the scatter of the idle baseline makes, which is common to all runs with that baseline.
    package var idle: Double
    /// The one that its rounding makes, which is common to all runs.
    package var idleRounding: Double

    package enum Outcome: Sendable {
        case measured(RunObservation)
        case leftOut(String)
    }

    package var id: Int64 { window.id }
    /// The run of a suite that it was part of. How imported logs came about is not known: theirs are taken for one.
    package var session: String { window.source == .taskwatt ? window.suiteRun : "" }
    package var model: String { window.model ?? window.plugin }
    package var dataset: String { window.dataset ?? "" }

    /// kWh per 1,000 inferences are so many joules of one for each.
    package static let joulesOfInference = 3.6e6 / 1000

    /// Gross kWh per 1,000 inferences of the other scopes that were seen.
    package var otherScopes: [TotalScope: Double] {
        Dictionary(
            window.otherScopes.filter(\.isSeen).map { other in
                let per1000 = 1000 / Double(window.completedInferences) * other.scale
                return (other.scope, other.energy.kilowattHours * per1000)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Each scope that was measured with the next one inside it.
    package var reconciliations: [Reconciliation] {
        if window.otherScopes.isEmpty { return [] }
        return WindowEnergy(
            window: Window(start: .init(seconds: 0), end: .init(seconds: 0)), total: window.total,
            otherScopes: window.otherScopes, domains: [], intervalSeconds: 0, jitter: nil
        ).reconciliations
    }

    /// - Returns: `nil` of a window without a workload.
    package static func of(_ window: MeasuredWindow, net: Bool) -> Outcome? {
        guard let task = window.task else { return nil }
        let total = window.total
        guard window.status == .completed else { return .leftOut(window.status.rawValue) }
        guard window.completedInferences > 0 else { return .leftOut("no inference completed") }
        guard total.isSeen else {
            return .leftOut(
                window.flags.contains(RunFlag.incomplete.rawValue)
                    ? "\(EnergyFlag.incomplete.rawValue): an accelerator or a processor of the machine was not read; `taskwatt meters` "
                        + "says why, and `--meter` names those that are meant"
                    : "coverage under 99 %")
        }
        guard !window.flags.contains(RunFlag.suspended.rawValue) else { return .leftOut("the machine slept") }
        guard !window.flags.contains(RunFlag.deadMeter.rawValue) else { return .leftOut("a meter stood still") }
        // What was seen stands for the whole, of each meter by its own coverage: at most 1 % more, and the coverage is in the row.
        let per1000 = 1000 / Double(window.completedInferences) / 3.6e6 * total.scale
        let gross = total.energy.joules
        let seen = total.seconds(seenOf: window.durationSeconds)
        let difference = window.idlePowerWatts.map { gross - $0 * seen }
        var accuracy = total.accuracyUncertainty.joules
        var joules = gross
        var (idle, idleRounding) = (0.0, 0.0)
        if net {
            guard let difference else { return .leftOut("no idle baseline") }
            joules = difference
            let (whole, rounding) = (window.idleUncertaintyWatts ?? 0, window.idleRoundingWatts ?? 0)
            idle = max(0, whole * whole - rounding * rounding).squareRoot() * seen
            idleRounding = rounding * seen
            // Accuracy is common to the two readings, so it scales with their difference.
            accuracy = gross > 0 ? accuracy * abs(joules) / gross : 0
        }
        return .measured(
            RunObservation(
                window: window, task: task, kilowattHours: joules * per1000, gross: gross * per1000,
                net: difference.map { $0 * per1000 }, accuracy: accuracy * per1000,
                common: total.commonUncertainty.joules * per1000, idle: idle * per1000,
                idleRounding: idleRounding * per1000))
    }
}

extension MeasuredWindow {
    /// Those of the plugin's parameters that have to do with the task. The size is apart anyway.
    func settings(for task: MLTask) -> [String: String] {
        parameters.filter { name, _ in name != "size" && TaskParameters.matters(name, to: task) }
    }
}
