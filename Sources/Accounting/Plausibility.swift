package import Core

/// What drivers and firmware say when they know nothing: all ones, with and without the sign.
package enum ErrorCode {
    /// Of 32 bits, which are none in whatever unit and of whatever quantity.
    package static let wide: Set<Int64> = [0xFFFF_FFFF, 0x7FFF_FFFF]
    /// Of 16 and 24 bits too, of a power in watts.
    package static let any: Set<Int64> = wide.union([0xFFFF, 0x7FFF, 0xFF_FFFF])
}

/// What a meter can tell at all: anything else is a fault of the sensor, and counts as not read.
package struct Plausibility {
    /// In microwatts.
    let least: Int64
    let most: Int64

    package init(least: Int64, most: Int64) {
        self.least = least
        self.most = most
    }

    package func allows(_ microwatts: Int64) -> Bool {
        least <= microwatts && microwatts <= most && !ErrorCode.wide.contains(microwatts)
    }
}

extension MeterDescription {
    /// Whether a steady value is right: an accelerator that sleeps takes nothing, and nor does a processor's graphics where there is
    /// nothing to draw.
    package func mayStand(at value: Int64) -> Bool {
        scope == .uncore || (kind == .gauge && value == 0 && scope == .accelerator)
    }

    /// Of a gauge. Power that is accounted for is not negative.
    package var plausibility: Plausibility {
        Plausibility(least: scope.mayBeZero ? 0 : 1, most: max(0, plausiblePower.microwatts))
    }
}
