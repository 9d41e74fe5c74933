/// Which part of the machine a meter sees. Scopes nest: wall ⊃ system ⊃ { package ⊃ {core, uncore}, dram, accelerator }.
package enum MeterScope: String, Sendable, Hashable, Codable, CaseIterable {
    /// The whole machine at its mains plug.
    case wall
    /// The board: psys, a BMC's reading, the ACPI power meter.
    case system
    /// One CPU package, or one die of a package of several dies.
    case package
    case core
    case uncore
    case dram
    case accelerator
    case battery
    /// A power chip of unknown place: shown, and in no total until the configuration gives it a scope.
    case rail

    /// Those that a total is made of.
    package static let ofTotals = Set(allCases.filter { $0.total != nil })

    /// The total that its meters are parts of; a battery stands for the wall while it discharges.
    package var total: TotalScope? { facts.total }

    /// What the silicon of a scope can draw, with a margin, where its maker states no maximum. A power limit is none: whoever
    /// administers the machine sets it, and it may be set anew at any time.
    package var mostPower: Power { Power(watts: facts.mostWatts) }

    /// A machine that runs draws some power, at its plug, on its board and in its processors, and from the battery that alone feeds it;
    /// the rest may rest.
    package var mayBeZero: Bool { facts.mayBeZero }

    /// All that accounting knows of a scope, so that a new one is a line here.
    private var facts: (total: TotalScope?, mostWatts: Double, mayBeZero: Bool) {
        switch self {
        case .wall: (.wall, 20_000, false)
        case .system: (.system, 20_000, false)
        case .package: (.components, 1500, false)
        case .core: (nil, 1500, true)
        case .uncore: (nil, 1500, true)
        case .dram: (.components, 300, true)
        case .accelerator: (.components, 3000, true)
        case .battery: (.wall, 500, false)
        case .rail: (nil, 20_000, true)
        }
    }
}
