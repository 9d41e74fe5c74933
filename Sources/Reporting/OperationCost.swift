import Core

/// What an operation of a row's runs costs, beside what its device could do and what physics asks for at least.
///
/// A multiplication and an addition are two operations; their number is counted from the model, not measured. Net is less the idle
/// baseline.
package struct OperationCost: Sendable, Hashable, Codable {
    /// 10⁹ operations a second.
    package var gops: Double
    /// J/GOP, which is nJ an operation.
    package var joulesPerGop: Double
    /// `nil` where a run has no idle baseline, or all drew no more than what its uncertainty (1.96 u) and the runs' own scatter hide.
    package var netJoulesPerGop: Double?
    /// Of one operand, by the runs' precision.
    package var bits: Int
    /// What the device can do at most; `nil` where nobody knows.
    package var peak: DevicePeak?

    /// GOP/s/W.
    package var netGopsPerWatt: Double? { netJoulesPerGop.map { 1 / $0 } }
    /// GOP/s/W of the peak; `nil` where no power goes with it.
    package var peakGopsPerWatt: Double? { peak?.efficiency }
    /// The part of the peak's speed that was reached; `nil` of one that the runs beat by more than its interval.
    package var peakShare: Double? { peak?.share(of: gops) }
    /// Whether the runs were faster than what is taken for the device's peak.
    var beatsPeak: Bool { peak?.isBeaten(by: gops) ?? false }
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
