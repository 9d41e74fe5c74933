import Core

/// What a meter can tell at all: anything else is a fault of the sensor, and counts as not read.
struct Plausibility {
    /// In microwatts.
    let least: Int64
    let most: Int64

    func allows(_ microwatts: Int64) -> Bool {
        least <= microwatts && microwatts <= most && !Self.errorCodes.contains(microwatts)
    }

    /// All ones in 32 bits, with and without the sign: what drivers and firmware say when they know nothing.
    static let errorCodes: [Int64] = [0xFFFF_FFFF, 0x7FFF_FFFF]

    /// What the silicon of a scope can draw, with a margin, where its maker states no maximum. A power limit is none: whoever
    /// administers the machine sets it, and it may be set anew at any time.
    static func mostPower(of scope: MeterScope) -> Power {
        switch scope {
        case .package, .core, .uncore: Power(watts: 1500)
        case .dram: Power(watts: 300)
        case .accelerator: Power(watts: 3000)
        case .battery: Power(watts: 500)
        case .wall, .system, .rail: Power(watts: 20_000)
        }
    }
}

extension MeterDescription {
    /// Of a gauge. Power that is accounted for is not negative; and a machine that runs draws some, at its plug, on its board and in
    /// its processors, and from the battery that alone feeds it.
    var plausibility: Plausibility {
        let most = max(0, plausiblePower.microwatts)
        switch scope {
        case .wall, .system, .package, .battery: return Plausibility(least: 1, most: most)
        case .core, .uncore, .dram, .accelerator, .rail: return Plausibility(least: 0, most: most)
        }
    }
}
