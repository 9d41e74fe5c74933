package import Core

/// What was measured in one window, as far as a mean needs it: read by columns, since decoding the whole record takes ten times as long.
package struct MeasuredWindow: Sendable, Hashable {
    package var id: Int64
    package var suiteRun = ""
    package var suite = ""
    package var source = RecordSource.taskwatt
    package var version = ""
    package var machine = ""
    package var machineFingerprint = ""
    /// The processor's name, where the inventory has it.
    package var processor: String?
    package var stage = RunStage.query
    package var status: RunStatus
    /// `nil` for idle windows.
    package var task: MLTask?
    package var plugin = ""
    package var model: String?
    package var dataset: String?
    package var size: String?
    package var device: String?
    package var precision: String?
    package var batch = 1
    /// The plugin's parameters as text.
    package var parameters: [String: String] = [:]
    /// Operations of one inference.
    package var operations: Double?
    /// Seconds since 1970.
    package var startedAt: Double
    package var durationSeconds: Double
    package var completedInferences: Int
    package var failedInferences = 0
    package var total: TotalEnergy
    package var otherScopes: [TotalEnergy] = []
    package var idlePowerWatts: Double?
    /// The standard uncertainty of the idle power; the degrees of freedom of the scatter in it, and the part that rounding makes.
    package var idleUncertaintyWatts: Double?
    package var idleDegreesOfFreedom: Double?
    package var idleRoundingWatts: Double?
    /// Seconds.
    package var meanLatency: Double?
    package var flags: [String] = []
    package var engine: String?
    /// Of the model's files, as the plugin tells it.
    package var modelSHA256: String?
    /// Of the plugin's program.
    package var programSHA256: String?
    /// What the user calls the suite.
    package var label: String?
}

extension MeasuredWindow: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.count("workload.batch", batch, Bounds.batch)
        if operations != 0 { bounds.number("workload.operations_per_inference", operations, Bounds.operations) }
        bounds.number("started_at_unix_s", startedAt, Bounds.unixSeconds)
        bounds.number("duration_s", durationSeconds, Bounds.seconds)
        bounds.count("completed_inferences", completedInferences, Bounds.inferences)
        bounds.count("failed_inferences", failedInferences, Bounds.inferences)
        bounds.inside("energy.total", total.check)
        for scope in otherScopes { bounds.inside("energy.other_scopes", scope.check) }
        bounds.number("idle_power_w", idlePowerWatts, Bounds.watts)
        bounds.number("idle_power_standard_uncertainty_w", idleUncertaintyWatts, Bounds.positiveWatts)
        bounds.number("idle_power_degrees_of_freedom", idleDegreesOfFreedom, Bounds.degreesOfFreedom)
        bounds.number("idle_power_rounding_standard_uncertainty_w", idleRoundingWatts, Bounds.positiveWatts)
        bounds.number("latency.mean_s", meanLatency, Bounds.seconds)
    }
}

extension MeasuredWindow {
    /// A query window that is in no record, as a benchmark of the statistics measures it.
    ///
    /// - Parameter session: the run of a suite that it is taken for.
    package init(_ id: Int64, session: String, _ energy: WindowEnergy, idle: IdlePower?, inferences: Int) {
        self.init(
            id: id, suiteRun: session, status: .completed, task: .textClassification, model: "model",
            startedAt: energy.window.start.seconds, durationSeconds: energy.window.durationSeconds,
            completedInferences: inferences, total: energy.total, otherScopes: energy.otherScopes,
            idlePowerWatts: idle?.power.watts, idleUncertaintyWatts: idle?.uncertainty?.watts,
            idleDegreesOfFreedom: idle?.degreesOfFreedom, idleRoundingWatts: idle?.rounding.watts)
    }
}
