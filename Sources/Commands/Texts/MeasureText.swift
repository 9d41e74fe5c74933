package import Core
package import Metering
import Reporting

/// The result of `measure` for people.
package struct MeasureText {
    private let energy: WindowEnergy
    private let meters: [MeterDescription]
    private let unreadable: Int
    private let calibrations: [Calibration]

    /// - Parameter unreadable: how many meters of a total's scopes are here and cannot be read.
    package init(energy: WindowEnergy, meters: [MeterDescription], unreadable: Int, calibrations: [Calibration]) {
        self.energy = energy
        self.meters = meters
        self.unreadable = unreadable
        self.calibrations = calibrations
    }

    package var text: String {
        let notes = reconciliations + disagreements + missing + flags + uncertainties + [calibrated, outside, end]
        return table.text() + notes.compactMap { $0 }.map { PrintableText.of($0) + "\n" }.joined()
    }

    private var seconds: Double { energy.window.durationSeconds }

    private var table: TextTable {
        var table = TextTable([
            ("", .left), ("energy", .right), ("± 95 %", .right), ("kWh", .right), ("mean power", .right),
            ("seen", .right), ("", .left),
        ])
        // The power is that of the time that was seen.
        func add(
            _ name: String, _ joules: Energy, _ uncertainty: Energy, _ coverage: Double, over time: Double,
            _ remarks: [String]
        ) {
            let power = joules.over(time)
            let texts = FigureText.texts(joules.joules, uncertainty: uncertainty.joules)
            table.add([
                name, coverage > 0 ? "\(texts.figure) J" : FigureText.none,
                coverage > 0 ? "\(texts.uncertainty) J" : FigureText.none,
                FigureText.figure(coverage > 0 ? joules.kilowattHours : nil),
                power.map { "\(FigureText.figure($0.watts)) W" } ?? FigureText.none,
                FigureText.shortPercent(coverage), remarks.joined(separator: ", "),
            ])
        }
        // Two meters of one piece of silicon have one name.
        let names = Dictionary(grouping: energy.domains, by: \.name)
        for domain in energy.domains {
            let isOnly = names[domain.name]?.count == 1
            let inTotal = domain.inTotal ? [] : ["not in the total"]
            add(
                isOnly ? domain.name : "\(domain.name) (\(domain.id))", domain.energy, domain.uncertainty,
                domain.coverage, over: seconds * domain.coverage,
                [domain.scope.rawValue, domain.provenance.rawValue] + inTotal + domain.flags.map(\.rawValue))
        }
        for total in totals {
            add(
                "total \(total.scope.rawValue)", total.energy, total.uncertainty, total.coverage,
                over: total.seconds(seenOf: seconds),
                [total.provenance.rawValue] + total.flags.map(\.rawValue))
        }
        return table
    }

    private var totals: [TotalEnergy] { [energy.total] + energy.otherScopes }

    // MARK: Notes

    private var reconciliations: [String] {
        energy.reconciliations.map { pair in
            let share = pair.share.map { " (\(FigureText.percent($0, digits: 1)) of \(pair.outer.rawValue))" } ?? ""
            let residual = FigureText.prefixed(pair.residual.joules, uncertainty: pair.uncertainty.joules, "J")
            return "\(pair.outer.rawValue) less \(pair.inner.rawValue): \(residual)\(share), \(pair.verdict.text)"
        }
    }

    private var disagreements: [String] {
        let disagreeing = energy.domains.filter { $0.flags.contains(.disagrees) }
        let readings = disagreeing.map { "\($0.id) \(FigureText.joules($0.energy.joules))" }
        return readings.isEmpty ? [] : ["meters of the same chip disagree: \(readings.joined(separator: ", "))"]
    }

    /// What was not seen is said in words: a figure of half the time looks like one of all of it.
    private var missing: [String] {
        totals.filter { !$0.isSeen }.map { total in
            "\(total.scope.rawValue): only \(FigureText.shortPercent(total.coverage)) of the "
                + "\(total.flags.contains(.incomplete) ? "machine" : "time") was seen, and nothing is made up for the rest: "
                + "not to be compared"
        }
    }

    private var flags: [String] {
        let flags = Set(energy.domains.flatMap(\.flags) + totals.flatMap(\.flags)).sorted { $0.rawValue < $1.rawValue }
        return flags.compactMap { flag in flag.text.map { "\(flag.rawValue): \($0)" } }
    }

    /// What of the meters' accuracy is in the intervals, and of whom nothing is.
    private var uncertainties: [String] {
        let counted = energy.domains.filter { $0.inTotal && $0.coverage > 0 }
        let stated = Dictionary(meters.map { ($0.id, $0) }) { $1 }
        var notes: [String] = []
        for domain in counted where domain.provenance != .estimated {
            guard let accuracy = stated[domain.id]?.accuracy else { continue }
            let text = "accuracy \(accuracy.text)"
            // Meters of one kind have one.
            if !notes.contains(text) { notes.append(text) }
        }
        let unstated = counted.filter { $0.provenance != .estimated && stated[$0.id]?.accuracy == nil }
        guard !unstated.isEmpty else { return notes }
        return notes + [
            "± includes only reading errors; accuracy not stated for \(unstated.map(\.id).joined(separator: ", "))"
                + " (`overrides` of taskwatt.yaml can state it)"
        ]
    }

    /// What a calibrated total would read on its reference.
    private var calibrated: String? {
        let pairs = totals.lazy.compactMap { total in
            calibrations.first { $0.subject.rawValue == total.scope.rawValue }.map { (total, $0) }
        }
        guard let (total, calibration) = pairs.first,
            let gain = calibration.gain, total.isSeen, let power = total.energy.over(total.seconds(seenOf: seconds))
        else { return nil }
        let watts = calibration.idle.watts + gain * power.watts
        let spread = calibration.relativeUncertainty * watts
        return
            "\(calibration.reference) would read \(FigureText.prefixed(watts, uncertainty: spread, "W")), estimated: "
            + "\(total.scope.rawValue) \(calibration.summary)"
    }

    /// What the total leaves out.
    private var outside: String? {
        let counted = energy.domains.filter(\.inTotal)
        var parts: [String] = []
        if energy.total.scope == .components, !counted.isEmpty, !counted.contains(where: { $0.scope == .package }) {
            let names = counted.map(\.name).joined(separator: ", ")
            parts.append("no CPU package is measured here: the total has only \(names)")
        }
        if unreadable > 0 {
            parts.append(
                "\(unreadable) meter\(unreadable == 1 ? "" : "s") here cannot be read: `taskwatt meters` says why and what would help"
            )
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    private var end: String {
        DurationText.figure(seconds)
            + (energy.total.provenance == .estimated
                ? "; estimated by a model, not measured: `taskwatt meters` says what would help" : "")
    }
}

/// The result of `measure --json`.
package struct MeasureDocument: Encodable {
    private let energy: WindowEnergy
    private let command: [String]
    private let exitStatus: Int32
    private let calibrations: [Calibration]
    /// The job that it ran in.
    private let batchJob: JobContext?
    private let version: String

    /// - Parameter version: of this program.
    package init(
        energy: WindowEnergy, command: [String], exitStatus: Int32, calibrations: [Calibration],
        batchJob: JobContext? = nil, version: String
    ) {
        self.energy = energy
        self.command = command
        self.exitStatus = exitStatus
        self.calibrations = calibrations
        self.batchJob = batchJob
        self.version = version
    }

    private enum CodingKeys: String, CodingKey {
        case command, calibrations
        case batchJob = "batch_job"
        case exitStatus = "exit_status"
        case taskwatt = "taskwatt_version"
    }

    package func encode(to encoder: any Encoder) throws {
        try energy.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(command, forKey: .command)
        try container.encode(exitStatus, forKey: .exitStatus)
        try container.encode(calibrations, forKey: .calibrations)
        try container.encodeIfPresent(batchJob, forKey: .batchJob)
        try container.encode(version, forKey: .taskwatt)
    }
}
