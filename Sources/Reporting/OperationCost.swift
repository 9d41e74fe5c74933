package import Core

/// What an operation of a row's runs costs, beside what its device could do and what physics asks for at least.
///
/// A multiplication and an addition are two operations; their number is counted from the model, not measured. Net is less the idle
/// baseline.
package struct OperationCost: Sendable, Hashable, Codable {
    /// 10⁹ operations a second.
    package var gops: Double
    /// J/GOP, which is nJ an operation.
    package var joulesPerGop: Double
    /// `nil` where a run has no idle baseline, or drew no more than it.
    package var netJoulesPerGop: Double?
    /// Of one operand, by the runs' precision.
    package var bits: Int
    /// What the device can do at most; `nil` where nobody knows.
    package var peak: DevicePeak?

    /// GOP/s/W.
    package var netGopsPerWatt: Double? { netJoulesPerGop.map { 1 / $0 } }
    /// GOP/s/W of the peak; `nil` where no power goes with it.
    package var peakGopsPerWatt: Double? { peak?.efficiency }
    /// The part of the peak's speed that was reached.
    package var peakShare: Double? { peak?.share(of: gops) }
    /// How many times as much as forgetting one operand's bits costs at least.
    package var landauerRatio: Double { joulesPerGop * Landauer.gopsPerWatt(bits: bits) }
    package var netLandauerRatio: Double? { netJoulesPerGop.map { $0 * Landauer.gopsPerWatt(bits: bits) } }

    /// - Parameters:
    ///   - operations: of all runs, as their seconds and joules are.
    ///   - netJoules: `nil` where a run has none.
    /// - Returns: `nil` of what has no operations, time or energy.
    init?(
        operations: Double, seconds: Double, joules: Double, netJoules: Double?, precision: String?, peak: DevicePeak?
    ) {
        let gop = operations / 1e9
        guard gop > 0, seconds > 0, joules > 0, (joules / gop).isFinite, (gop / seconds).isFinite else { return nil }
        gops = gop / seconds
        joulesPerGop = joules / gop
        netJoulesPerGop = netJoules.flatMap { $0 > 0 ? $0 / gop : nil }
        bits = precision.flatMap(OperandBits.of) ?? OperandBits.unsaid
        self.peak = peak
    }

    enum CodingKeys: String, CodingKey {
        case gops, peak
        case joulesPerGop = "joules_per_gop"
        case netJoulesPerGop = "net_joules_per_gop"
        case netGopsPerWatt = "net_gops_per_w"
        case bits = "operand_bits"
        case landauerRatio = "landauer_ratio"
        case netLandauerRatio = "net_landauer_ratio"
        case peakGopsPerWatt = "peak_gops_per_w"
        case peakShare = "peak_share"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        gops = try container.decode(Double.self, forKey: .gops)
        joulesPerGop = try container.decode(Double.self, forKey: .joulesPerGop)
        netJoulesPerGop = try container.decodeIfPresent(Double.self, forKey: .netJoulesPerGop)
        bits = try container.decode(Int.self, forKey: .bits)
        peak = try container.decodeIfPresent(DevicePeak.self, forKey: .peak)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(gops, forKey: .gops)
        try container.encode(joulesPerGop, forKey: .joulesPerGop)
        try container.encode(bits, forKey: .bits)
        try container.encode(landauerRatio, forKey: .landauerRatio)
        // `null`, not left out: a reader sees that there is none.
        try container.encode(netJoulesPerGop, forKey: .netJoulesPerGop)
        try container.encode(netGopsPerWatt, forKey: .netGopsPerWatt)
        try container.encode(netLandauerRatio, forKey: .netLandauerRatio)
        try container.encode(peak, forKey: .peak)
        try container.encode(peakGopsPerWatt, forKey: .peakGopsPerWatt)
        try container.encode(peakShare, forKey: .peakShare)
    }
}

extension ReportPage {
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
