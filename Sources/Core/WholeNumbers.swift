// The standard library's conversions of floating-point numbers to whole ones end the program where a number does not fit, or is none.
// These have the same signatures and come before them in every file that imports this module: they round towards zero as those do, and
// end at the limits. So no conversion that somebody writes without a thought can be a trap. `Tests/trap-lint` looks that files which
// convert import it. What is meant most often is `init(saturating:)`, which rounds to the nearest.

extension Int {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension Int64 {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension Int32 {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension UInt {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension UInt64 {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension UInt32 {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension UInt16 {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension UInt8 {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension Int16 {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}
extension Int8 {
    package init(_ value: Double) { self.init(saturating: value.rounded(.towardZero)) }
    package init(_ value: Float) { self.init(saturating: Double(value).rounded(.towardZero)) }
}

extension Duration {
    /// The standard library's ends the program where the attoseconds do not fit into 128 bits. This one ends at 9 × 10¹⁸ s; of
    /// not-a-number it is zero.
    package static func seconds(_ seconds: Double) -> Duration {
        let whole = seconds.rounded(.down)
        let rest = seconds.isFinite ? seconds - whole : 0
        return Duration(
            secondsComponent: Int64(saturating: min(max(whole, -9e18), 9e18)),
            attosecondsComponent: Int64(saturating: rest * 1e18))
    }
}
