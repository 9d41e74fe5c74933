/// An amount of energy, stored in whole microjoules (µJ), the unit of `energy_uj` in the kernel's powercap interface.
///
/// Encodes as a number of joules.
package struct Energy: Sendable, Hashable, Comparable, AdditiveArithmetic {
    package var microjoules: Int64

    package init(microjoules: Int64) { self.microjoules = microjoules }

    /// Rounds to the nearest microjoule. A value that is not finite, or too large for 64 bits, becomes zero or the limit.
    package init(joules: Double) { microjoules = Int64(saturating: joules * 1e6) }

    package var joules: Double { Double(microjoules) / 1e6 }
    /// 1 kWh is 3.6 MJ.
    package var kilowattHours: Double { joules / 3.6e6 }

    package static let zero = Energy(microjoules: 0)
    // Sums end at the limits: a broken sensor's number must not end the program.
    package static func + (a: Energy, b: Energy) -> Energy {
        Energy(microjoules: a.microjoules.addingSaturated(b.microjoules))
    }
    package static func - (a: Energy, b: Energy) -> Energy {
        Energy(microjoules: a.microjoules.subtractingSaturated(b.microjoules))
    }
    package static func < (a: Energy, b: Energy) -> Bool { a.microjoules < b.microjoules }

    /// Mean power over a duration; `nil` for a duration of zero.
    package func over(_ seconds: Double) -> Power? { seconds > 0 ? Power(watts: joules / seconds) : nil }
}

/// Power, stored in whole microwatts (µW), the unit of `power*_input` in the kernel's hwmon interface.
///
/// Encodes as a number of watts.
package struct Power: Sendable, Hashable, Comparable, AdditiveArithmetic {
    package var microwatts: Int64

    package init(microwatts: Int64) { self.microwatts = microwatts }
    package init(watts: Double) { microwatts = Int64(saturating: watts * 1e6) }

    package var watts: Double { Double(microwatts) / 1e6 }

    package static let zero = Power(microwatts: 0)
    package static func + (a: Power, b: Power) -> Power {
        Power(microwatts: a.microwatts.addingSaturated(b.microwatts))
    }
    package static func - (a: Power, b: Power) -> Power {
        Power(microwatts: a.microwatts.subtractingSaturated(b.microwatts))
    }
    package static func < (a: Power, b: Power) -> Bool { a.microwatts < b.microwatts }

    package func over(_ seconds: Double) -> Energy { Energy(joules: watts * seconds) }
}

extension Energy: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(joules: try decoder.singleValueContainer().decode(Double.self))
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(joules)
    }
}

extension Power: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(watts: try decoder.singleValueContainer().decode(Double.self))
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(watts)
    }
}

// Inlinable, for the sampler does its sums by them: other modules get code for their type, and no look into tables of witnesses.
extension FixedWidthInteger {
    /// The sum, or the limit that it lies beyond.
    @inlinable
    package func addingSaturated(_ other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    /// The difference, or the limit that it lies beyond.
    @inlinable
    package func subtractingSaturated(_ other: Self) -> Self {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    /// The product, or the limit that it lies beyond.
    @inlinable
    package func multipliedSaturated(by other: Self) -> Self {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// Rounds to nearest; not-a-number becomes 0, and what does not fit becomes the nearest limit. Readings come from
    /// outside, so a conversion must never trap.
    @inlinable
    package init(saturating value: Double) {
        let rounded = value.rounded()
        if value.isNaN {
            self = 0
        } else if let exact = Self(exactly: rounded) {
            self = exact
        } else {
            self = value > 0 ? .max : .min
        }
    }
}
