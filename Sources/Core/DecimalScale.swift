import Foundation

/// The one power of ten that a column's figures are given in, and how many digits each has there.
///
/// An uncertainty has two significant digits, and its figure is rounded to the same place (GUM, JCGM 100:2008, 7.2.6); a figure
/// that has none has three.
package struct DecimalScale: Sendable, Hashable {
    /// Figures are divided by ten to this.
    package var exponent: Int

    /// Figures as they are.
    package static let one = DecimalScale(EmptyCollection())

    /// No power where all that is there can be read without; else that of the figure in the middle.
    package init(_ values: some Sequence<Double>) {
        let magnitudes = values.compactMap(Self.magnitude).sorted()
        exponent = magnitudes.first.map { $0 < -4 } == true ? magnitudes[(magnitudes.count - 1) / 2] : 0
    }

    /// For the head of a column: `10⁻⁷ `, or nothing.
    package var prefix: String { exponent == 0 ? "" : "10\(FigureText.superscript(exponent)) " }

    /// - Parameter uncertainty: the figure's; `nil` or zero where none is known.
    package func text(_ value: Double?, uncertainty: Double? = nil) -> String {
        guard let value, value.isFinite else { return FigureText.none }
        let place = place(uncertainty, digits: 2) ?? place(value, digits: 3) ?? 0
        // What is below zero is shown to be, however much less than its uncertainty it is.
        return text(value, place: value < 0 ? visible(value, place) : place)
    }

    /// An uncertainty itself, or another measure of spread.
    ///
    /// - Parameter uncertainty: of the figure that it stands beside, at whose last place it ends too; `nil` or zero: two digits.
    package func spread(_ value: Double?, uncertainty: Double? = nil) -> String {
        guard let value, value.isFinite else { return FigureText.none }
        guard let place = place(uncertainty, digits: 2) else {
            return text(value, place: self.place(value, digits: 2) ?? 0)
        }
        // Nor is a spread zero, but where it is none.
        return text(value, place: visible(value, place))
    }

    /// The two ends of an interval, to the place of two digits of half its width.
    package func ends(_ low: Double, _ high: Double) -> String {
        let half = (high - low) / 2
        guard low.isFinite, high.isFinite, let place = place(half, digits: 2) ?? place(low, digits: 3) else {
            return FigureText.none
        }
        // Nor is the lower end of a wide interval, but where it is one.
        let own = self.place(low, digits: 2).map { low > 0 && low < half / 10 ? max($0, place) : place } ?? place
        return "\(text(low, place: own))–\(text(high, place: place))"
    }

    // MARK: Digits

    /// The power of ten of the first digit; `nil` of zero and of what is no number.
    private static func magnitude(_ value: Double) -> Int? {
        guard value.isFinite, value != 0 else { return nil }
        return Int(saturating: log10(abs(value)).rounded(.down))
    }

    /// The last decimal place of a figure with so many significant digits, once it is rounded: 0.0996 has two to the third.
    private func place(_ value: Double?, digits: Int) -> Int? {
        value.flatMap { FigureText.parts($0, digits: digits) }.map { digits - 1 - ($0.exponent - exponent) }
    }

    /// The place, or where it would leave nothing but zeros, that of the figure's first digit.
    private func visible(_ value: Double, _ place: Int) -> Int {
        let isLost = abs(value) / pow(10, Double(exponent)) < 0.5 * pow(10, Double(-place))
        return isLost ? self.place(value, digits: 1) ?? place : place
    }

    /// - Parameter place: decimal places; below zero, tens and hundreds.
    private func text(_ value: Double, place: Int) -> String {
        var scaled = value / pow(10, Double(exponent))
        if place < 0 {
            let unit = pow(10, Double(-place))
            scaled = (scaled / unit).rounded() * unit
        }
        return FigureText.fixed(scaled, place)
    }
}
