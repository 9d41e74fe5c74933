import Core
import Recording

/// The accuracy of one meter of a row's total.
package struct MeterAccuracy: Sendable, Hashable, Codable {
    package var meter: String
    /// Relative, as it is in the interval: 0.05 is ± 5 %; `nil` where none is stated.
    package var relative: Double?
    /// Who states it; `nil` where none is stated, or the record does not say.
    package var source: String?
}

extension [MeterAccuracy] {
    /// Whether an accuracy of every meter is in the interval.
    var areStated: Bool { !isEmpty && allSatisfy { $0.relative != nil } }
}

/// How well the meters of a record's runs measure, and who says so.
struct MeterAccuracies {
    /// Runs whose totals are of the same meters, as they were described for the suite.
    private struct Total: Hashable {
        var suiteRun: String
        var meters: [String]
    }

    /// What the record knows of its meters, by the fingerprints of their machines.
    private let descriptions: [String: [MeterDescription]]
    /// The share a of a · E / √3 of each meter, 0 where none is stated.
    private var shares: [Total: [String: Double]] = [:]

    /// Of no record, where none is known.
    init() { descriptions = [:] }

    /// Reads one run of each suite and total: decoding all would take longer than the table.
    init(_ store: any RecordReader, _ runs: some Sequence<RunFigure>) async throws(StoreError) {
        descriptions = try await store.meterDescriptions()
        for run in runs {
            let total = Self.total(run)
            if shares[total] == nil {
                shares[total] = Self.shares(run.window, try await store.domains(ofRun: run.window.id))
            }
        }
    }

    private static func total(_ run: RunFigure) -> Total {
        Total(suiteRun: run.window.suiteRun, meters: run.window.total.domainIDs)
    }

    private static func shares(_ window: WindowFigures, _ domains: [DomainEnergy]) -> [String: Double] {
        func share(_ accuracy: Energy, of energy: Energy) -> Double {
            3.0.squareRoot() * accuracy.joules / energy.joules
        }
        let parts = domains.filter { window.total.domainIDs.contains($0.id) && $0.energy > .zero }
        if !parts.isEmpty {
            return Dictionary(parts.map { ($0.id, share($0.accuracyUncertainty, of: $0.energy)) }) { first, _ in first }
        }
        // A record without domains tells only of the whole.
        guard window.total.energy > .zero else { return [:] }
        let whole = share(window.total.accuracyUncertainty, of: window.total.energy)
        return Dictionary(window.total.domainIDs.map { ($0, whole) }) { first, _ in first }
    }

    /// Each meter of the runs' totals once, or as often as it was stated differently, by name.
    func of(_ runs: [RunFigure]) -> [MeterAccuracy] {
        var found: Set<MeterAccuracy> = []
        for (total, run) in Dictionary(runs.map { (Self.total($0), $0) }, uniquingKeysWith: { first, _ in first }) {
            for (id, share) in shares[total] ?? [:] {
                guard share > 0 else {
                    found.insert(MeterAccuracy(meter: id))
                    continue
                }
                // The record has microjoules, so the share is the stated one but for as much.
                let stated = descriptions[run.window.machineFingerprint]?.last { meter in
                    meter.id == id && meter.relativeAccuracy.map { abs($0 - share) < 0.01 * $0 + 1e-4 } == true
                }
                found.insert(
                    MeterAccuracy(
                        meter: id, relative: stated?.relativeAccuracy ?? (share * 1e3).rounded() / 1e3,
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
