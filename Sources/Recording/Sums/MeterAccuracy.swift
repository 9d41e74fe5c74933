package import Core

/// How well a meter of a total measures, as it is in the interval.
package struct MeterAccuracy: Sendable, Hashable, Codable {
    package var meter: String
    /// Relative, as it is in the interval: 0.05 is ± 5 %; `nil` where none is stated.
    package var relative: Double?
    /// Who states it; `nil` where none is stated, or the record does not say.
    package var source: String?

    package init(meter: String, relative: Double? = nil, source: String? = nil) {
        self.meter = meter
        self.relative = relative
        self.source = source
    }
}

extension MeterAccuracy {
    /// Of the meters of a window's total, by name.
    ///
    /// - Parameters:
    ///   - domains: of the window; a record may have none.
    ///   - descriptions: of the machine's meters, the latest last.
    package static func all(
        _ window: MeasuredWindow, _ domains: [DomainEnergy], _ descriptions: [MeterDescription]
    ) -> [MeterAccuracy] {
        guard window.total.energy > .zero else {
            // Of nothing no share can be told.
            return window.total.domainIDs.sorted().compactMap { id in
                descriptions.last { $0.id == id }.map {
                    MeterAccuracy(meter: id, relative: $0.accuracy?.relative, source: $0.accuracy?.source)
                }
            }
        }
        return shares(window, domains).sorted { $0.key < $1.key }.map { id, share in
            guard share > 0 else { return MeterAccuracy(meter: id) }
            // The record has microjoules, so the share is the stated one but for as much.
            let stated = descriptions.last { meter in
                meter.id == id && meter.relativeAccuracy.map { abs($0 - share) < 0.01 * $0 + 1e-4 } == true
            }
            return MeterAccuracy(
                meter: id, relative: stated?.relativeAccuracy ?? (share * 1e3).rounded() / 1e3,
                source: stated?.accuracySource)
        }
    }

    /// The share a of a · E / √3 of each meter, 0 where none is stated.
    private static func shares(_ window: MeasuredWindow, _ domains: [DomainEnergy]) -> [String: Double] {
        func share(_ accuracy: Energy, of energy: Energy) -> Double {
            3.0.squareRoot() * accuracy.joules / energy.joules
        }
        let parts = domains.filter { window.total.domainIDs.contains($0.id) && $0.energy > .zero }
        if !parts.isEmpty {
            return Dictionary(parts.map { ($0.id, share($0.accuracyUncertainty, of: $0.energy)) }) { first, _ in first }
        }
        // A record without domains tells only of the whole.
        let whole = share(window.total.accuracyUncertainty, of: window.total.energy)
        return Dictionary(window.total.domainIDs.map { ($0, whole) }) { first, _ in first }
    }
}
