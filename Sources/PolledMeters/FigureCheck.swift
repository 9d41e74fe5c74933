import Accounting
import Core
import Metering

/// Whether a figure can be a measurement at all: that a device answers does not say that it measures.
///
/// One that cannot is a failed reading with its reason, when the device is looked for and at every poll.
struct FigureCheck: Sendable, Hashable {
    var id: String
    var scope: MeterScope
    /// No more than this can be.
    var limit: Power
    /// `invert: true`: power that is negative on the device is what is drawn.
    var isInverted = false
    /// Whether the type of device takes `invert`.
    var canInvert = true

    /// Whether a power is what firmware gives for "no value".
    static func isErrorCode(_ number: Double) -> Bool { Int64(exactly: number).map(ErrorCode.any.contains) ?? false }

    /// The figure as it counts.
    ///
    /// - Throws: `DeviceError` for one that is no measurement.
    func checked(_ value: DeviceValue) throws(DeviceError) -> DeviceValue {
        guard value.number.isFinite else { throw .unusable("its figure is \(value.number)") }
        switch value.unit.kind {
        case .gauge: return try power(value)
        case .counter: return try energy(value)
        }
    }

    private func power(_ value: DeviceValue) throws(DeviceError) -> DeviceValue {
        guard !Self.isErrorCode(value.number) else { throw Self.errorCode(value) }
        var value = value
        // A zero has no sign to turn.
        if isInverted, value.number != 0 { value.number = -value.number }
        try checkSign(value.number, value.unit)
        let watts = value.number * value.unit.micros / 1e6
        guard watts <= limit.watts else {
            throw .unusable(
                "its figure is \(value.number.short) \(value.unit.rawValue), more than the \(limit.watts.short) W that can be",
                remedy: "check that the unit is correct, or give `plausible_power_w` in the override of \(id)")
        }
        return value
    }

    private func energy(_ value: DeviceValue) throws(DeviceError) -> DeviceValue {
        var value = value
        // The power beside it tells whether the counter can count at all.
        if let power = value.power { try checkSign(isInverted ? -power : power, .watt) }
        if isInverted, value.isPowersIntegral, value.number != 0 { value.number = -value.number }
        guard value.number >= 0 else {
            throw .unusable("its energy is \(value.number.short) \(value.unit.rawValue), below zero", remedy: turned)
        }
        // An account in microjoules ends at 9.2 × 10¹⁸; a counter that stands at the limit would count nothing.
        if let whole = Int64(exactly: value.number), ErrorCode.wide.contains(whole) { throw Self.errorCode(value) }
        guard value.number * value.unit.micros < 9e18 else {
            throw .unusable("its figure is \(value.number.short) \(value.unit.rawValue), more than can be counted")
        }
        return value
    }

    private func checkSign(_ number: Double, _ unit: MeterUnit) throws(DeviceError) {
        if number < 0 {
            throw .unusable(
                "its figure is \(number.short) \(unit.rawValue): power that flows back", remedy: turned)
        }
        if number == 0, !scope.mayBeZero {
            throw .unusable(
                "0 W, while this machine runs: is it the right \(scope == .wall ? "plug" : "source")?",
                remedy:
                    "check that it belongs to this machine; what may be off has `scope: accelerator` or `scope: rail`")
        }
    }

    private var turned: String? {
        guard canInvert else { return nil }
        return isInverted
            ? "turn the clamp round, or take away `invert: true`" : "turn the clamp round, or give `invert: true`"
    }

    private static func errorCode(_ value: DeviceValue) -> DeviceError {
        .unusable(
            "its figure is \(value.number.short) \(value.unit.rawValue), which is not a measurement but an error code",
            remedy: "check that the device has a sensor there")
    }
}

extension Double {
    /// For messages: in whole, where it is a code of 32 bits.
    var short: String { FigureText.short(self, digits: 10) }
}
