package import Core

/// Which meters make up the total of each scope, each piece of silicon once.
package struct TotalSelection: Sendable, Hashable {
    /// The scope of the default total.
    package var scope: TotalScope
    /// The ids that each scope adds up, where it has meters.
    package var members: [TotalScope: [String]]
    /// Accelerators and packages of this machine that no meter here can read, by the ids of those that could not: the components lack
    /// them.
    package var unseen: [String]

    /// - Parameters:
    ///   - meters: in the order of the catalogue; of two that see the same silicon the better provenance counts, then
    ///     the earlier.
    ///   - asked: a scope that the user asks for.
    ///   - unreadable: meters of this machine that cannot be read, for the accelerators that are missing.
    /// - Throws: `MeteringError.noSuchScope` where no meter has it, `.noMeters` where there is none at all.
    package init(meters: [MeterDescription], asked: TotalScope? = nil, unreadable: [MeterDescription] = [])
        throws(MeteringError)
    {
        guard !meters.isEmpty else { throw .noMeters }
        let seen = Set(meters.map(\.silicon))
        // Where no package is measured the model stands for all of them.
        let hasPackage = meters.contains { $0.scope == .package && $0.provenance != .estimated }
        let parts: Set<MeterScope> = hasPackage ? [.accelerator, .package] : [.accelerator]
        unseen = unreadable.filter { parts.contains($0.scope) && !seen.contains($0.silicon) }.map(\.id)
        let measured = meters.filter { $0.provenance != .estimated }
        var members: [TotalScope: [String]] = [:]
        members[.components] = Self.cover(measured.filter { $0.scope.total == .components })
        members[.system] = Self.board(measured.filter { $0.scope == .system })
        members[.wall] = Self.cover(measured.filter { $0.scope == .wall })
        // What a laptop draws from its batteries while they discharge is all that it uses.
        if members[.wall]?.isEmpty == true { members[.wall] = Self.cover(measured.filter { $0.scope == .battery }) }
        // Nothing measures a component, the board or the plug: then, and only then, the model stands in.
        if members.values.allSatisfy(\.isEmpty) {
            let models = meters.filter { $0.provenance == .estimated }
            members[.components] = models.filter { $0.scope == .package }.map(\.id)
            // A model that was calibrated against a plug or a board meter is a model of that.
            members[.system] = models.filter { $0.scope == .system }.map(\.id)
            members[.wall] = models.filter { [.wall, .battery].contains($0.scope) }.map(\.id)
        }
        members = members.filter { !$0.value.isEmpty }
        self.members = members
        if let asked {
            guard members[asked] != nil else {
                throw .noSuchScope(asked, available: TotalScope.allCases.filter { members[$0] != nil })
            }
            scope = asked
        } else if let first = [TotalScope.components, .system, .wall].first(where: { members[$0] != nil }) {
            scope = first
        } else {
            throw .noMeters
        }
    }

    /// The silicon of a meter that sees one of several inputs of the board, such as one of two power supplies.
    package static func partOfBoard(_ id: String) -> String { "board/\(id)" }

    /// The board is one, whatever number of meters see it: the first counts, with the others that see parts of it where it does.
    private static func board(_ meters: [MeterDescription]) -> [String] {
        func isPart(_ meter: MeterDescription) -> Bool { meter.silicon == partOfBoard(meter.id) }
        let cover = cover(meters)
        guard let first = meters.first(where: { $0.id == cover.first }), isPart(first) else {
            return Array(cover.prefix(1))
        }
        return meters.filter { isPart($0) && $0.name == first.name && cover.contains($0.id) }.map(\.id)
    }

    private static func cover(_ meters: [MeterDescription]) -> [String] {
        var chosen: [String: MeterDescription] = [:]
        // A part counts only where nothing tells of the whole.
        let all = Set(meters.map(\.id))
        for meter in meters where meter.parentID.map(all.contains) != true {
            if let other = chosen[meter.silicon], other.provenance.rank <= meter.provenance.rank { continue }
            chosen[meter.silicon] = meter
        }
        let ids = Set(chosen.values.map(\.id))
        return meters.map(\.id).filter(ids.contains)
    }

    /// The total of one scope over what its meters saw. Its coverage is the least of those of its parts; where a known accelerator or
    /// package has no reading, times the share of the parts that have one.
    package func total(of scope: TotalScope, domains: [DomainEnergy]) -> TotalEnergy? {
        guard let ids = members[scope] else { return nil }
        let parts = domains.filter { ids.contains($0.id) }
        guard !parts.isEmpty else { return nil }
        // Edges and resolution of different domains are independent; accuracy is taken as common, which is the larger.
        let accuracy = parts.reduce(0.0) { $0 + $1.accuracyUncertainty.joules }
        let edges = parts.reduce(0.0) { $0 + $1.readingVariance }
        let provenance = parts.map(\.provenance).max { $0.rank < $1.rank } ?? .estimated
        var flags = Set(parts.flatMap(\.flags))
        // An accelerator that was not read at all and one that cannot be are the same to the total: a part of it is missing. What was
        // seen of the others is not hidden by that.
        let asleep = scope == .components ? parts.filter { $0.scope == .accelerator && $0.coverage == 0 } : []
        let read = parts.filter { part in !asleep.contains { $0.id == part.id } }
        let missing = asleep.count + (scope == .components ? unseen.count : 0)
        var coverage = read.map(\.coverage).min() ?? 0
        if missing > 0 {
            flags.insert(.incomplete)
            // The model, which stands in where nothing measures, stands for all that there is: its ± is as wide as that.
            if provenance != .estimated { coverage *= Double(read.count) / Double(read.count + missing) }
        }
        // Each domain by its own coverage; the least of them alone would make more of what was seen whole.
        let coverages = parts.map(\.coverage)
        let least = coverages.min() ?? 0
        let isUneven = missing == 0 && least >= Thresholds.leastCoverage && coverages.contains { $0 != least }
        let scaled = parts.reduce(0.0) { $0 + $1.energy.joules / $1.coverage }
        let common = parts.reduce(0.0) { $0 + $1.commonUncertainty.joules * $1.commonUncertainty.joules }
        return TotalEnergy(
            energy: parts.reduce(.zero) { $0 + $1.energy },
            uncertainty: Energy(joules: normalCoverageFactor * (edges + accuracy * accuracy).squareRoot()),
            accuracyUncertainty: Energy(joules: accuracy), commonUncertainty: Energy(joules: common.squareRoot()),
            scope: scope, provenance: provenance, coverage: coverage,
            scaledEnergy: isUneven ? Energy(joules: scaled) : nil,
            flags: flags.sorted { $0.rawValue < $1.rawValue }, domainIDs: parts.map(\.id))
    }
}
