/// How a meter reports.
package enum MeterKind: String, Sendable, Hashable, Codable {
    /// Energy that only grows, until it wraps.
    case counter
    /// Power now, or averaged over a time.
    case gauge
}

/// Where a figure comes from. Figures of different provenance never mix in one mean.
package enum Provenance: String, Sendable, Hashable, Codable, CaseIterable {
    case measured
    /// Computed from measured quantities, such as voltage × current.
    case derived
    /// From a documented model of the hardware.
    case estimated
    /// From a simulated meter; for tests and demonstrations.
    case simulated

    /// How far from a measurement: a total is as good as its worst part.
    package var rank: Int {
        switch self {
        case .measured: 0
        case .derived: 1
        case .estimated: 2
        case .simulated: 3
        }
    }
}

/// How well a meter measures, and who says so.
package struct StatedAccuracy: Sendable, Hashable, Codable {
    /// Relative: 0.05 is ± 5 %, the half-width of a rectangular distribution (GUM, JCGM 100:2008, 4.3.7).
    package var relative: Double
    /// A line for people.
    package var source: String

    package init(_ relative: Double, source: String) {
        self.relative = relative
        self.source = source
    }

    /// `± 5 %: who states it`.
    package var text: String { source.contains("±") ? source : "\(percent): \(source)" }

    /// `± 5 %`, with two decimals at the most.
    package var percent: String {
        "± \(FigureText.shortPercent((relative * 1e4).rounded() / 1e4, digits: 6))"
    }
}

/// What a meter is and how well it measures.
package struct MeterDescription: Sendable, Hashable, Codable {
    /// Unique on this machine and stable over reboots, such as `powercap/intel-rapl:0`.
    package var id: String
    /// The domain's own name, such as `package-0`.
    package var name: String
    package var scope: MeterScope
    package var kind: MeterKind
    package var provenance: Provenance
    /// The file, library or model that the reading comes from.
    package var source: String
    /// The nominal update period τ in seconds.
    package var periodSeconds: Double
    /// For a gauge, the time w in seconds over which it averages; 0 for an instantaneous one. 0 for a counter.
    package var averagingSeconds: Double
    /// The resolution q: microjoules for a counter, microwatts for a gauge.
    package var resolution: Double
    /// The value that a counter wraps at, in microjoules; `nil` if it does not wrap or the range is not known.
    package var rangeMicrojoules: Int64?
    /// The relative accuracy a (0.05 is ± 5 %), where anybody states one; 0 where the configuration switches it off.
    package var relativeAccuracy: Double?
    /// Who states the accuracy, a line; `nil` where none is stated, and in records from before sources were kept.
    package var accuracySource: String?
    /// More power than this cannot be: a step that would mean it is a reset, not a wrap.
    package var plausiblePower: Power
    /// The id of the meter that contains this one, for nested domains such as core in package.
    package var parentID: String?
    /// Names the piece of silicon, such as `package-0` or a PCI address, so that two meters of it are counted once.
    package var silicon: String
    /// What a user should know of this meter, such as why it is in no total.
    package var remarks: [String]

    package init(
        id: String, name: String, scope: MeterScope, kind: MeterKind, provenance: Provenance, source: String,
        periodSeconds: Double, averagingSeconds: Double = 0, resolution: Double, rangeMicrojoules: Int64? = nil,
        relativeAccuracy: Double? = nil, accuracySource: String? = nil, plausiblePower: Power,
        parentID: String? = nil, silicon: String, remarks: [String] = []
    ) {
        self.id = id
        self.name = name
        self.scope = scope
        self.kind = kind
        self.provenance = provenance
        self.source = source
        self.periodSeconds = periodSeconds
        self.averagingSeconds = averagingSeconds
        self.resolution = resolution
        self.rangeMicrojoules = rangeMicrojoules
        self.relativeAccuracy = relativeAccuracy
        self.accuracySource = accuracySource
        self.plausiblePower = plausiblePower
        self.parentID = parentID
        self.silicon = silicon
        self.remarks = remarks
    }

    enum CodingKeys: String, CodingKey {
        case id, name, scope, kind, provenance, source, resolution, remarks, silicon
        case periodSeconds = "period_s"
        case averagingSeconds = "averaging_s"
        case rangeMicrojoules = "range_uj"
        case relativeAccuracy = "relative_accuracy"
        case accuracySource = "accuracy_source"
        case plausiblePower = "plausible_power_w"
        case parentID = "parent_id"
    }
}

extension MeterDescription {
    /// `nil` where none is stated, or it is switched off.
    package var accuracy: StatedAccuracy? {
        get {
            relativeAccuracy.flatMap { $0 > 0 ? StatedAccuracy($0, source: accuracySource ?? "as recorded") : nil }
        }
        set {
            relativeAccuracy = newValue?.relative
            accuracySource = newValue?.source
        }
    }
}
