package import Core

/// Where the uncertainty of one window's energy comes from (GUM, JCGM 100:2008), in joules.
package struct UncertaintyBudget: Sendable, Hashable {
    package struct Column: Sendable, Hashable {
        package var energy: Double
        /// Standard uncertainties.
        package var accuracy: Double
        package var reading: Double
        package var idle: Double
        /// Student's t at the effective degrees of freedom.
        package var factor: Double

        package var combined: Double { (accuracy * accuracy + reading * reading + idle * idle).squareRoot() }
        package var halfWidth: Double { factor * combined }
    }

    package var gross: Column
    /// `nil` where there is no idle baseline.
    package var net: Column?

    /// - Parameter idleSeconds: the length of the baseline, for records that do not say how many degrees of freedom it has.
    package init(_ run: RunRecord, idleSeconds: Double?) {
        let total = run.energy.total
        let accuracy = total.accuracyUncertainty.joules
        let standard = total.uncertainty.joules / normalCoverageFactor
        let reading = max(0, standard * standard - accuracy * accuracy).squareRoot()
        gross = Column(
            energy: total.energy.joules, accuracy: accuracy, reading: reading, idle: 0, factor: normalCoverageFactor)
        guard let idlePower = run.idlePower else { return }
        let seen = total.seconds(seenOf: run.energy.window.durationSeconds)
        let energy = total.energy.joules - idlePower.watts * seen
        let idle = (run.idlePowerUncertainty?.watts ?? 0) * seen
        let scatter = (run.idle?.scatter ?? 0) * seen
        var column = Column(
            energy: energy,
            // Accuracy is common to the two readings, so it scales with their difference.
            accuracy: gross.energy > 0 ? accuracy * abs(energy) / gross.energy : 0, reading: reading, idle: idle,
            factor: normalCoverageFactor)
        let blocks = run.idlePowerDegreesOfFreedom ?? idleSeconds.map(IdlePower.degreesOfOldRecord)
        if scatter > 0, let blocks {
            // Welch and Satterthwaite; only the baseline's scatter has few degrees of freedom.
            let ratio = column.combined / scatter
            column.factor = Statistics.coverageFactor(ratio * ratio * ratio * ratio * blocks)
        }
        net = column
    }
}
