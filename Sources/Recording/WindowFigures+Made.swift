package import Core

extension WindowFigures {
    /// A query window that is in no record, as a benchmark of the statistics measures it.
    ///
    /// - Parameter session: the run of a suite that it is taken for.
    package init(_ id: Int64, session: String, _ energy: WindowEnergy, idle: IdlePower?, inferences: Int) {
        self.init(
            id: id, suiteRun: session, suite: "", source: .taskwatt, version: "", machine: "", machineFingerprint: "",
            processor: nil, stage: .query, status: .completed, task: .textClassification, plugin: "", model: "model",
            dataset: nil, size: nil, device: nil, precision: nil, batch: 1, parameters: [:], operations: nil,
            startedAt: energy.window.start.seconds, durationSeconds: energy.window.durationSeconds,
            completedInferences: inferences, failedInferences: 0, total: energy.total, otherScopes: energy.otherScopes,
            idlePowerWatts: idle?.power.watts, idleUncertaintyWatts: idle?.uncertainty?.watts,
            idleDegreesOfFreedom: idle?.degreesOfFreedom, idleRoundingWatts: idle?.rounding.watts,
            meanLatency: nil, flags: [], engine: nil, modelSHA256: nil, programSHA256: nil, label: nil)
    }
}
