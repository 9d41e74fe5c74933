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

    /// Gross and net beside the device's peak and Landauer's bound, a row of the table each.
    var operationsSection: Section? {
        let rows = table.rows.compactMap { row in row.operation.map { (row, $0) } }
        guard !rows.isEmpty else { return nil }
        func number(_ value: Double?) -> FigureData.Cell { value.map { .number($0) } ?? .none }
        let data = FigureData(
            caption: "What an operation costs, gross and net, beside the device’s peak and Landauer’s bound",
            columns: [
                .init(title: "task", key: "task", isNumber: false),
                .init(title: "model", key: "model", isNumber: false),
                .init(title: "J/GOP", key: "joules_per_gop", isNumber: true),
                .init(title: "net", key: "net_joules_per_gop", isNumber: true),
                .init(title: "GOP/s/W", key: "gops_per_w", isNumber: true),
                .init(title: "net", key: "net_gops_per_w", isNumber: true),
                .init(title: "peak GOP/s/W", key: "peak_gops_per_w", isNumber: true),
                .init(title: "of its GOP/s", key: "peak_share", isNumber: true),
                .init(title: "peak", key: "peak", isNumber: false),
                .init(title: "× Landauer", key: "landauer_ratio", isNumber: true),
                .init(title: "net", key: "net_landauer_ratio", isNumber: true),
                .init(title: "bits", key: "operand_bits", isNumber: true),
                .init(title: "scope", key: "scope", isNumber: false),
                .init(title: "provenance", key: "provenance", isNumber: false),
            ],
            rows: rows.map { row, cost in
                [
                    .name(row.title), .name(row.models.joined(separator: ", ")), .number(cost.joulesPerGop),
                    number(cost.netJoulesPerGop), .number(1 / cost.joulesPerGop), number(cost.netGopsPerWatt),
                    number(cost.peakGopsPerWatt),
                    cost.peakShare.map { .number($0, shown: FigureText.percent($0, digits: 1)) } ?? .none,
                    cost.peak.map { .name("\($0.device): \($0.title)") } ?? .none, .number(cost.landauerRatio),
                    number(cost.netLandauerRatio), .number(Double(cost.bits), shown: String(cost.bits)),
                    .text(row.scope.rawValue), .provenance(row.provenance),
                ]
            })
        return Section(
            id: "operations", title: "What an operation costs",
            parts: [
                Self.paragraph(
                    "J/GOP are nanojoules an operation, GOP/s/W the other way round; operations are counted, a multiplication and "
                        + "an addition as two. Net is less the idle baseline. The device’s peak is its maker’s, or what "
                        + "`taskwatt calibrate` measured, or an upper estimate, as it says, and of the device alone, while ours is "
                        + "of the scope. × Landauer: how many times the "
                        + "\(FigureNumber.scientific(Landauer.joulesPerBit)) J a bit that forgetting one operand costs at least at "
                        + "\(FigureNumber.tick(Landauer.kelvin)) K, by the bits of the precision."),
                data.markup(hidesCaption: true),
            ])
    }
}
