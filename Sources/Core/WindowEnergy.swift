/// A stretch of time on CLOCK_MONOTONIC.
package struct Window: Sendable, Hashable, Codable {
    package var start: MonotonicTime
    package var end: MonotonicTime

    package init(start: MonotonicTime, end: MonotonicTime) {
        self.start = start
        self.end = end
    }

    package var durationSeconds: Double { end.seconds(since: start) }

    enum CodingKeys: String, CodingKey {
        case start = "start_monotonic_s"
        case end = "end_monotonic_s"
        case duration = "duration_s"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        start = try container.decode(MonotonicTime.self, forKey: .start)
        end = try container.decode(MonotonicTime.self, forKey: .end)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(start, forKey: .start)
        try container.encode(end, forKey: .end)
        try container.encode(durationSeconds, forKey: .duration)
    }
}

/// What a reader of a figure must know of how it came about.
package enum EnergyFlag: String, Sendable, Hashable, Codable, CaseIterable {
    /// The counter wrapped inside the window; the energy is exact.
    case wrapped
    /// One or more reads failed and the next good one made up for them; nothing is lost.
    case bridged
    /// Some time was not seen; the coverage says how much.
    case gap
    /// The window is too short, or the energy too small, for the meter to resolve.
    case unresolved
    /// The counter's range is not known, so any step back is a gap.
    case rangeUnknown = "range-unknown"
    /// The meter was gone at the window's end.
    case vanished
    /// The edges could not be set on an update of the meter, so the uncertainty holds its staleness.
    case staleEdges = "stale-edges"
    /// Another meter of the same silicon says something else, beyond both uncertainties.
    case disagrees
    /// The machine slept inside the window; the figure is void.
    case suspended
    /// A reading was none that can be, such as more than the meter's bound, and counts as not read.
    case implausible
    /// The meter's value has never been seen to change: nothing shows yet that it measures.
    case unproven
    /// The meter's value stood still while the machine's load moved; the figure is void.
    case dead
    /// An accelerator or a processor's package of this machine has no meter that can be read, or none that was read in the window:
    /// the total lacks it.
    case incomplete
}

/// The energy that one meter saw in a window.
package struct DomainEnergy: Sendable, Hashable, Codable {
    package var id: String
    package var name: String
    package var scope: MeterScope
    package var kind: MeterKind
    package var provenance: Provenance
    /// What was seen, never extrapolated to the part that was not.
    package var energy: Energy
    /// The half-width of the 95 % interval.
    package var uncertainty: Energy
    /// The standard uncertainty of the part that is common to every reading of this meter (its accuracy).
    package var accuracyUncertainty: Energy
    /// The standard uncertainty of what is the same in all repeats of a window beside it: the rounding of a coarse gauge under a
    /// steady power, the edges of a meter too slow for a random phase. It is a part of `uncertainty`.
    package var commonUncertainty: Energy
    /// The share of the window that the meter really saw, 0 to 1.
    package var coverage: Double
    package var flags: [EnergyFlag]
    /// Whether this domain is a part of the total.
    package var inTotal: Bool

    package init(
        id: String, name: String, scope: MeterScope, kind: MeterKind, provenance: Provenance, energy: Energy,
        uncertainty: Energy, accuracyUncertainty: Energy, commonUncertainty: Energy = .zero, coverage: Double,
        flags: [EnergyFlag], inTotal: Bool
    ) {
        self.id = id
        self.name = name
        self.scope = scope
        self.kind = kind
        self.provenance = provenance
        self.energy = energy
        self.uncertainty = uncertainty
        self.accuracyUncertainty = accuracyUncertainty
        self.commonUncertainty = commonUncertainty
        self.coverage = coverage
        self.flags = flags
        self.inTotal = inTotal
    }

    enum CodingKeys: String, CodingKey {
        case id, name, scope, kind, provenance, coverage, flags
        case energy = "energy_j"
        case uncertainty = "uncertainty_j"
        case accuracyUncertainty = "accuracy_standard_uncertainty_j"
        case commonUncertainty = "common_standard_uncertainty_j"
        case inTotal = "in_total"
    }
}

extension DomainEnergy {
    /// A record from before knows nothing of what is common to repeats.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try values.decode(String.self, forKey: .id), name: try values.decode(String.self, forKey: .name),
            scope: try values.decode(MeterScope.self, forKey: .scope),
            kind: try values.decode(MeterKind.self, forKey: .kind),
            provenance: try values.decode(Provenance.self, forKey: .provenance),
            energy: try values.decode(Energy.self, forKey: .energy),
            uncertainty: try values.decode(Energy.self, forKey: .uncertainty),
            accuracyUncertainty: try values.decode(Energy.self, forKey: .accuracyUncertainty),
            commonUncertainty: try values.decodeIfPresent(Energy.self, forKey: .commonUncertainty) ?? .zero,
            coverage: try values.decode(Double.self, forKey: .coverage),
            flags: try values.decode([EnergyFlag].self, forKey: .flags),
            inTotal: try values.decode(Bool.self, forKey: .inTotal))
    }
}

/// Which disjoint cover of the machine a total adds up.
package enum TotalScope: String, Sendable, Hashable, Codable, CaseIterable {
    case wall
    case system
    /// All CPU packages, all DRAM and all accelerators, each piece of silicon once.
    case components
}

/// The energy of a scope over a window: a sum over disjoint domains.
package struct TotalEnergy: Sendable, Hashable, Codable {
    package var energy: Energy
    /// The half-width of the 95 % interval.
    package var uncertainty: Energy
    package var accuracyUncertainty: Energy
    /// The standard uncertainty of what is the same in all repeats beside it; see `DomainEnergy.commonUncertainty`.
    package var commonUncertainty: Energy
    package var scope: TotalScope
    package var provenance: Provenance
    /// The smallest coverage of its domains; of an incomplete total, times the share of the machine's parts that were read.
    package var coverage: Double
    /// The energy of the whole window where each domain was seen for nearly all of it: the sum of each one's energy by its own
    /// coverage. `nil` where it is energy / coverage, of one domain or of several that were seen alike.
    package var scaledEnergy: Energy?
    package var flags: [EnergyFlag]
    /// The ids of the domains that it adds up.
    package var domainIDs: [String]

    package init(
        energy: Energy, uncertainty: Energy, accuracyUncertainty: Energy, commonUncertainty: Energy = .zero,
        scope: TotalScope, provenance: Provenance, coverage: Double, scaledEnergy: Energy? = nil, flags: [EnergyFlag],
        domainIDs: [String]
    ) {
        self.energy = energy
        self.uncertainty = uncertainty
        self.accuracyUncertainty = accuracyUncertainty
        self.commonUncertainty = commonUncertainty
        self.scope = scope
        self.provenance = provenance
        self.coverage = coverage
        self.scaledEnergy = scaledEnergy
        self.flags = flags
        self.domainIDs = domainIDs
    }

    enum CodingKeys: String, CodingKey {
        case scope, provenance, coverage, flags
        case energy = "energy_j"
        case uncertainty = "uncertainty_j"
        case accuracyUncertainty = "accuracy_standard_uncertainty_j"
        case commonUncertainty = "common_standard_uncertainty_j"
        case scaledEnergy = "scaled_energy_j"
        case domainIDs = "domain_ids"
    }
}

extension TotalEnergy {
    /// A record from before knows nothing of what is common to repeats, and scales by the least coverage.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            energy: try values.decode(Energy.self, forKey: .energy),
            uncertainty: try values.decode(Energy.self, forKey: .uncertainty),
            accuracyUncertainty: try values.decode(Energy.self, forKey: .accuracyUncertainty),
            commonUncertainty: try values.decodeIfPresent(Energy.self, forKey: .commonUncertainty) ?? .zero,
            scope: try values.decode(TotalScope.self, forKey: .scope),
            provenance: try values.decode(Provenance.self, forKey: .provenance),
            coverage: try values.decode(Double.self, forKey: .coverage),
            scaledEnergy: try values.decodeIfPresent(Energy.self, forKey: .scaledEnergy),
            flags: try values.decode([EnergyFlag].self, forKey: .flags),
            domainIDs: try values.decode([String].self, forKey: .domainIDs))
    }

    /// By what the energy is multiplied to stand for the whole window; 1 where all of it was seen.
    package var scale: Double {
        if let scaledEnergy, energy > .zero { return scaledEnergy.joules / energy.joules }
        return coverage > 0 ? 1 / coverage : 1
    }
}

/// What all meters saw of one window: the total asked for, the other scopes beside it, and every domain.
package struct WindowEnergy: Sendable, Hashable, Codable {
    package var window: Window
    package var total: TotalEnergy
    /// Totals of the other scopes, where there are meters for them.
    package var otherScopes: [TotalEnergy]
    package var domains: [DomainEnergy]
    /// The sampler's interval in seconds, as asked for.
    package var intervalSeconds: Double
    /// The 95th percentile of the relative error of the sampler's intervals; `nil` if there were too few.
    package var jitter: Double?

    package init(
        window: Window, total: TotalEnergy, otherScopes: [TotalEnergy], domains: [DomainEnergy],
        intervalSeconds: Double,
        jitter: Double?
    ) {
        self.window = window
        self.total = total
        self.otherScopes = otherScopes
        self.domains = domains
        self.intervalSeconds = intervalSeconds
        self.jitter = jitter
    }

    enum CodingKeys: String, CodingKey {
        case window, total, domains, jitter
        case otherScopes = "other_scopes"
        case intervalSeconds = "interval_s"
        case reconciliations
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        window = try container.decode(Window.self, forKey: .window)
        total = try container.decode(TotalEnergy.self, forKey: .total)
        otherScopes = try container.decode([TotalEnergy].self, forKey: .otherScopes)
        domains = try container.decode([DomainEnergy].self, forKey: .domains)
        intervalSeconds = try container.decode(Double.self, forKey: .intervalSeconds)
        jitter = try container.decodeIfPresent(Double.self, forKey: .jitter)
    }

    /// The domains of a scope in the sum of the components, whatever the total is: each piece of silicon once.
    package func components(_ scope: MeterScope) -> [DomainEnergy] {
        let ids = ([total] + otherScopes).first { $0.scope == .components }?.domainIDs ?? []
        return domains.filter { $0.scope == scope && ids.contains($0.id) }
    }

    /// The reconciliations follow from the rest; they are written for whoever reads the document.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(window, forKey: .window)
        try container.encode(total, forKey: .total)
        try container.encode(otherScopes, forKey: .otherScopes)
        try container.encode(domains, forKey: .domains)
        try container.encode(intervalSeconds, forKey: .intervalSeconds)
        try container.encodeIfPresent(jitter, forKey: .jitter)
        try container.encode(reconciliations, forKey: .reconciliations)
    }
}

/// The coverage factor of 95 % of a normal distribution, by which the uncertainties of single windows are stated.
package let normalCoverageFactor = 1.959964

/// An energy whose uncertainty is of two parts: what is common to every reading of its meters, and the rest.
package protocol UncertainEnergy {
    var uncertainty: Energy { get }
    var accuracyUncertainty: Energy { get }
}

extension UncertainEnergy {
    /// The variance in J² of what is not common to all readings: edges and resolution.
    package var readingVariance: Double {
        let standard = uncertainty.joules / normalCoverageFactor
        return max(0, standard * standard - accuracyUncertainty.joules * accuracyUncertainty.joules)
    }
}

extension DomainEnergy: UncertainEnergy {
    /// Whether it saw energy, and nothing for its meter's accuracy is in the uncertainty.
    package var lacksAccuracy: Bool { energy > .zero && accuracyUncertainty == .zero }
}
extension TotalEnergy: UncertainEnergy {}
