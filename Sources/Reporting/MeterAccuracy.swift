import Core
import Recording

/// The accuracy of one meter of a row's total.
package struct MeterAccuracy: Sendable, Hashable, Codable {
    package var meter: String
    /// Relative, as it is in the interval: 0.05 is ± 5 %; `nil` where none is stated.
    package var relative: Double?
    /// Who states it; `nil` where none is stated, or the record does not say.
    package var source: String?

    /// A record without domains tells only of the whole.
    private static func accuracies(_ window: WindowFigures) -> [String: Double] {
        guard window.accuracies.isEmpty, window.total.energy > .zero else { return window.accuracies }
        let share = 3.0.squareRoot() * window.total.accuracyUncertainty.joules / window.total.energy.joules
        return Dictionary(window.total.domainIDs.map { ($0, share) }) { first, _ in first }
    }

    /// Each meter of the runs' totals once, or as often as it was stated differently, by name.
    ///
    /// - Parameter meters: what is known of the machine's.
    static func of(_ runs: [RunFigure], _ meters: [MeterDescription]) -> [MeterAccuracy] {
        var found: Set<MeterAccuracy> = []
        for accuracies in Set(runs.map { accuracies($0.window) }) {
            for (id, value) in accuracies {
                guard value > 0 else {
                    found.insert(MeterAccuracy(meter: id))
                    continue
                }
                // The record rounds energies to microjoules, so the share is the stated one but for as much.
                let stated = meters.last { meter in
                    meter.id == id && meter.relativeAccuracy.map { abs($0 - value) < 0.01 * $0 + 1e-4 } == true
                }
                found.insert(
                    MeterAccuracy(
                        meter: id, relative: stated?.relativeAccuracy ?? (value * 1e3).rounded() / 1e3,
                        source: stated?.accuracySource))
            }
        }
        return found.sorted { ($0.meter, $0.relative ?? 0) < ($1.meter, $1.relative ?? 0) }
    }
}

extension TableReport.Row {
    /// For people: the accuracy of the mean, or that it is not all stated.
    var accuracyText: String {
        guard isAccuracyStated, let relativeAccuracy else { return Self.unstated }
        return StatedAccuracy(relativeAccuracy, source: "").percent
    }

    static let unstated = "not stated"

    /// For CSV, which has no notes: each meter with its accuracy and who states it.
    var accuracySources: String {
        accuracies.map { accuracy in
            let text = accuracy.relative.map { StatedAccuracy($0, source: accuracy.source ?? "as recorded").text }
            return "\(accuracy.meter): \(text ?? Self.unstated)"
        }.joined(separator: "; ")
    }

    /// The title, marked where the interval lacks a meter's accuracy: a note has the mark's meaning.
    var markedTitle: String { isAccuracyStated ? title : "\(title) †" }
}

extension TableReport {
    /// How well the meters measure, with who says so, and of which none is in the intervals.
    func accuracyNotes(_ advises: Bool) -> [String] {
        var meters: [MeterAccuracy] = []
        for accuracy in rows.flatMap(\.accuracies) where !meters.contains(accuracy) { meters.append(accuracy) }
        var notes: [String] = []
        // Meters of one kind have one source: a package each, a GPU each.
        var kinds: [(text: String, meters: [String])] = []
        for meter in meters {
            guard let relative = meter.relative else { continue }
            let text = StatedAccuracy(relative, source: meter.source ?? "as recorded").text
            if let index = kinds.firstIndex(where: { $0.text == text }) {
                if !kinds[index].meters.contains(meter.meter) { kinds[index].meters.append(meter.meter) }
            } else {
                kinds.append((text, [meter.meter]))
            }
        }
        for kind in kinds { notes.append("Accuracy of \(Self.some(kind.meters)): \(kind.text).") }
        var unstated: [String] = []
        for row in rows where !row.isAccuracyStated {
            let names =
                row.source == .taskwatt ? row.accuracies.filter { $0.relative == nil }.map(\.meter) : ["imported logs"]
            unstated += names.filter { !unstated.contains($0) }
        }
        if rows.contains(where: { !$0.isAccuracyStated }) {
            let of = unstated.isEmpty ? "" : " of \(Self.some(unstated))"
            let hasOwn = rows.contains { !$0.isAccuracyStated && $0.source == .taskwatt }
            notes.append(
                "† accuracy not stated\(of): ± 95 % holds nothing for it."
                    + (hasOwn && advises ? " What you know of a meter goes into `overrides` of taskwatt.yaml." : ""))
        }
        return notes
    }

    /// The first few of many names.
    private static func some(_ names: [String]) -> String {
        names.count > 4
            ? "\(names.prefix(3).joined(separator: ", ")) and \(names.count - 3) more" : names.joined(separator: ", ")
    }
}
