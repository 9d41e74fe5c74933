import Core
import Foundation

extension ReportPage {
    var energyAxis: EnergyAxis { EnergyAxis(table: table, spent: digest.spent, suites: digest.suites.count) }

    var axisSection: Section? {
        guard !isEmpty else { return nil }
        let axis = energyAxis
        return Section(
            id: "axis", title: "Energy on one axis",
            parts: [axis.markup]
                + axis.data.map {
                    .details("The \($0.rows.count) energies, with their sources", $0.markup(hidesCaption: true))
                })
    }

    /// Gross and net beside the device's peak and Landauer's bound, two lines for each row of the table.
    var operationsSection: Section? {
        let rows = table.rows.compactMap { row in row.operation.map { (row, $0) } }
        guard !rows.isEmpty else { return nil }
        let hasPeaks = rows.contains { $0.1.peak != nil }
        let hasSettings = rows.contains { !table.difference($0.0).isEmpty }
        var lines: [[FigureData.Cell]] = []
        for (row, cost) in rows {
            let energies =
                [("gross", cost.joulesPerGop, cost.landauerRatio)]
                + (cost.netJoulesPerGop.map { [("net", $0, cost.netLandauerRatio ?? 0)] } ?? [])
            for (name, joules, ratio) in energies {
                var line: [FigureData.Cell] = [.name(row.title), .name(row.models.joined(separator: ", "))]
                if hasSettings { line.append(.named(table.difference(row))) }
                line += [
                    .text(name), .number(joules), .number(1 / joules), .number(ratio), .number(cost.gops),
                ]
                if hasPeaks {
                    line += [
                        cost.peakShare.map { .number($0, shown: FigureText.percent($0, digits: 1)) } ?? .none,
                        cost.peakGopsPerWatt.map { .number($0) } ?? .none,
                        cost.peak.map { .name("\($0.device) (\($0.title))") } ?? .none,
                    ]
                }
                lines.append(line + [.text(row.scope.rawValue), .provenance(row.provenance)])
            }
        }
        let peaks: [FigureData.Column] = [
            .init(title: "share of the peak", key: "peak_share", isNumber: true),
            .init(title: "peak: GOP/s/W", key: "peak_gops_per_w", isNumber: true),
            .init(title: "peak", key: "peak", isNumber: false),
        ]
        let settings: [FigureData.Column] = hasSettings ? [.init(title: "with", key: "with", isNumber: false)] : []
        let names: [FigureData.Column] = [
            .init(title: "task", key: "task", isNumber: false), .init(title: "model", key: "model", isNumber: false),
        ]
        let data = FigureData(
            caption: "What an operation costs, gross and net, beside the device’s peak and Landauer’s bound",
            columns: names + settings + [
                .init(title: "energy", key: "energy", isNumber: false),
                .init(title: "J/GOP", key: "joules_per_gop", isNumber: true),
                .init(title: "GOP/s/W", key: "gops_per_w", isNumber: true),
                .init(title: "× Landauer", key: "landauer_ratio", isNumber: true),
                .init(title: "GOP/s", key: "gops", isNumber: true),
            ] + (hasPeaks ? peaks : []) + [
                .init(title: "scope", key: "scope", isNumber: false),
                .init(title: "provenance", key: "provenance", isNumber: false),
            ],
            rows: lines)
        let beaten = rows.count { $0.1.beatsPeak }
        let peak =
            hasPeaks
            ? "The peak of the device is its maker’s, the measured rate of a matrix product, or an upper estimate, as it says. It is "
                + "of the device alone, while our figures are of the scope. " : "The peak of the device is unknown. "
        return Section(
            id: "operations", title: "What an operation costs",
            parts: [
                Self.paragraph(
                    "J/GOP are nanojoules per operation, GOP/s/W the inverse; a multiplication and an addition count as two "
                        + "operations. Net is without the idle power, if more is left than its uncertainty. "
                        + peak
                        + "× Landauer: how many times the \(FigureNumber.scientific(Landauer.joulesPerBit)) J a bit that forgetting "
                        + "one operand costs at least at \(FigureNumber.tick(Landauer.kelvin)) K, by the bits of the precision."
                ),
                data.markup(hidesCaption: true),
            ]
                + (beaten == 0
                    ? [] : [Self.paragraph("\(TableReport.beatenPeak(beaten)); \(TableReport.peakAdvice).", "note")]))
    }
}
