import Core
import Recording

extension [MeterAccuracy] {
    /// Whether an accuracy of every meter is in the interval.
    var areStated: Bool { !isEmpty && allSatisfy { $0.relative != nil } }
}

/// How well the meters of some runs of a record measure, and who says so.
struct MeterAccuracies {
    /// Runs whose totals are of the same meters, as they were described for the suite.
    private struct Total: Hashable {
        var suiteRun: String
        var meters: [String]
    }

    private var known: [Total: [MeterAccuracy]] = [:]

    /// Of no record, where none is known.
    init() {}

    /// Reads one run of each suite and total: decoding all would take longer than the table.
    init(_ store: any RecordReader, _ runs: some Sequence<RunObservation>) async throws(StoreError) {
        let descriptions = try await store.meterDescriptions()
        for run in runs {
            let total = Self.total(run)
            if known[total] == nil {
                known[total] = MeterAccuracy.all(
                    run.window, try await store.domains(ofRun: run.window.id),
                    descriptions[run.window.machineFingerprint] ?? [])
            }
        }
    }

    private static func total(_ run: RunObservation) -> Total {
        Total(suiteRun: run.window.suiteRun, meters: run.window.total.domainIDs)
    }

    /// Each meter of the runs' totals once, or as often as it was stated differently, by name.
    func of(_ runs: [RunObservation]) -> [MeterAccuracy] {
        Set(Set(runs.map(Self.total)).flatMap { known[$0] ?? [] }).inOrder
    }
}

extension Set<MeterAccuracy> {
    var inOrder: [MeterAccuracy] { sorted { ($0.meter, $0.relative ?? 0) < ($1.meter, $1.relative ?? 0) } }
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
    var markedTitle: String { isAccuracyStated ? title : "\(title) \(unstatedMark)" }
}

/// After a title whose interval lacks a meter's accuracy.
let unstatedMark = "†"

extension TableReport {
    /// The accuracies that are in the intervals, with who states them and of which meters: those of one kind have one source.
    var statedAccuracies: [(text: String, meters: [String])] {
        var kinds: [(text: String, meters: [String])] = []
        for meter in rows.flatMap(\.accuracies) {
            guard let relative = meter.relative else { continue }
            let text = StatedAccuracy(relative, source: meter.source ?? "as recorded").text
            if let index = kinds.firstIndex(where: { $0.text == text }) {
                if !kinds[index].meters.contains(meter.meter) { kinds[index].meters.append(meter.meter) }
            } else {
                kinds.append((text, [meter.meter]))
            }
        }
        return kinds
    }

    /// How well the meters measure, with who says so, and of which none is in the intervals.
    func accuracyNotes(_ advises: Bool) -> [String] {
        var notes = statedAccuracies.map { "Accuracy of \(Self.some($0.meters)): \($0.text)." }
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
                "\(unstatedMark) accuracy not stated\(of): ± 95 % does not include it."
                    + (hasOwn && advises ? " `overrides` of taskwatt.yaml can state it." : ""))
        }
        return notes
    }

    /// The first few of many names.
    static func some(_ names: [String]) -> String {
        names.count > 4
            ? "\(names.prefix(3).joined(separator: ", ")) and \(names.count - 3) more" : names.joined(separator: ", ")
    }
}
