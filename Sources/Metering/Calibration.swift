package import Core

/// The model of the CPU's power, or a scope's total, set against a meter that knows better; kept for this machine.
package struct Calibration: Sendable, Hashable, Codable {
    /// Loads while which other processes took more than 5 % of the CPUs.
    package var disturbed: [Point] { points.filter { $0.others > 0.05 } }

    /// What was calibrated.
    package enum Subject: String, Sendable, Hashable, Codable, CaseIterable {
        /// The model: reference = idle + (full − idle) × busy share of the CPUs.
        case estimate
        /// A total: reference = idle + gain × its power.
        case components, system
    }

    /// One load of the series.
    package struct Point: Sendable, Hashable, Codable {
        /// Such as `integer 50 %`.
        package var load: String
        /// The busy share of the CPUs, 0 to 1, or the total's power in watts.
        package var x: Double
        /// The reference's power in watts.
        package var watts: Double
        /// The share of the CPUs that other processes took meanwhile, 0 to 1.
        package var others: Double

        package init(load: String, x: Double, watts: Double, others: Double = 0) {
            self.load = load
            self.x = x
            self.watts = watts
            self.others = others
        }
    }

    package var subject: Subject
    /// The id of the reference meter.
    package var reference: String
    package var referenceScope: MeterScope
    package var referenceProvenance: Provenance
    /// What the reference's maker states, relative; `nil` where nothing is stated.
    package var referenceAccuracy: Double?
    /// Such as `2026-11-24`.
    package var date: String
    /// The CPU that it was made on; another one's calibration is not used.
    package var processor: String
    /// What the reference reads when the subject is at its least: the idle power of the model, else the offset of the line.
    package var idle: Power
    package var idleUncertainty: Power
    /// The model's power with all CPUs busy; `nil` for a total.
    package var full: Power?
    package var fullUncertainty: Power?
    /// Watts of the reference for each watt of a total; `nil` for the model.
    package var gain: Double?
    package var gainUncertainty: Double?
    /// The scatter of the loads about the line, as a standard deviation: loads of one busy share differ in power.
    package var scatter: Power
    package var points: [Point]

    package init(
        subject: Subject, reference: MeterDescription, date: String, processor: String, idle: Power,
        idleUncertainty: Power, full: Power? = nil, fullUncertainty: Power? = nil, gain: Double? = nil,
        gainUncertainty: Double? = nil, scatter: Power, points: [Point]
    ) {
        self.subject = subject
        self.reference = reference.id
        referenceScope = reference.scope
        referenceProvenance = reference.provenance
        referenceAccuracy = reference.relativeAccuracy
        self.date = date
        self.processor = processor
        self.idle = idle
        self.idleUncertainty = idleUncertainty
        self.full = full
        self.fullUncertainty = fullUncertainty
        self.gain = gain
        self.gainUncertainty = gainUncertainty
        self.scatter = scatter
        self.points = points
    }

    enum CodingKeys: String, CodingKey {
        case subject, reference, date, processor, gain, points
        case referenceScope = "reference_scope"
        case referenceProvenance = "reference_provenance"
        case referenceAccuracy = "reference_accuracy"
        case idle = "idle_w"
        case idleUncertainty = "idle_standard_uncertainty_w"
        case full = "full_w"
        case fullUncertainty = "full_standard_uncertainty_w"
        case gainUncertainty = "gain_standard_uncertainty"
        case scatter = "scatter_w"
    }

    /// The half-width of what the model can honestly say, relative: twice the scatter of the calibration's own loads about
    /// the line, at the mean of their powers, and never under 10 %, for an inference is none of these loads.
    package var relativeUncertainty: Double {
        let mean = points.reduce(0) { $0 + $1.watts } / Double(max(1, points.count))
        let own = mean > 0 ? max(0.1, 2 * scatter.watts / mean) : 1
        let reference = referenceAccuracy ?? 0
        return (own * own + reference * reference).squareRoot()
    }

    /// For people: against what, when, and with which result.
    package var summary: String {
        func text(_ value: Double, _ uncertainty: Double) -> String {
            "\((value * 100).rounded() / 100) ± \((uncertainty * 200).rounded() / 100)"
        }
        let line =
            if let full, let fullUncertainty {
                "idle \(text(idle.watts, idleUncertainty.watts)) W, full \(text(full.watts, fullUncertainty.watts)) W"
            } else {
                "\(text(idle.watts, idleUncertainty.watts)) W + \(text(gain ?? 1, gainUncertainty ?? 0)) × its power"
            }
        return "calibrated against \(reference) on \(date): \(line)"
    }
}
