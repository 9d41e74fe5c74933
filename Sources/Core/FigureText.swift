import Foundation

/// Numbers as people read them, in one way in all that Taskwatt writes. What programs read is exact: `CSVWriter.number` and JSON.
///
/// A figure with an uncertainty is `DecimalScale`'s.
package enum FigureText {
    /// Where there is no figure.
    package static let none = "–"

    /// So many significant digits; with an exponent where zeros would be all that one sees, below 1e-4, and where digits
    /// would be that mean nothing, from a million on or what the digits reach: `5.48e-7`, `4.34e9`.
    package static func figure(_ value: Double?, digits: Int = 3) -> String {
        guard let value, let parts = parts(value, digits: digits) else { return value == 0 ? "0" : none }
        guard parts.isPlain else { return "\(parts.mantissa)e\(parts.exponent)" }
        return fixed(value, digits - 1 - parts.exponent)
    }

    /// The same without zeros at its end: of what is no measurement, such as a limit or a setting.
    package static func short(_ value: Double?, digits: Int = 6) -> String {
        let text = figure(value, digits: digits)
        let end = text.firstIndex(of: "e") ?? text.endIndex
        guard text[..<end].contains(".") else { return text }
        var number = text[..<end]
        while number.last == "0" { number.removeLast() }
        if number.last == "." { number.removeLast() }
        return String(number + text[end...])
    }

    /// So many decimal places: where figures stand below or after each other, and a digit more or less would jump.
    package static func fixed(_ value: Double, _ places: Int) -> String {
        guard value.isFinite else { return none }
        // Beyond 17 places there are no digits in a number of 64 bits.
        let text = String(format: "%.\(min(max(0, places), 17))f", value)
        // Not −0.
        return text.hasPrefix("-") && text.allSatisfy { "-0.".contains($0) } ? String(text.dropFirst()) : text
    }

    /// - Parameters:
    ///   - share: 0.5 is 50 %.
    ///   - digits: decimal places.
    package static func percent(_ share: Double?, digits: Int = 2) -> String {
        guard let share, share.isFinite else { return none }
        return "\(fixed(share * 100, digits)) %"
    }

    /// The same of what is stated or wanted, in so many significant digits: `± 5 %`, not `± 5.00 %`.
    package static func shortPercent(_ share: Double?, digits: Int = 4) -> String {
        guard let share, share.isFinite else { return none }
        return "\(short(share * 100, digits: digits)) %"
    }

    /// The share that a text such as `5%` or `2.5 %` stands for, 0.05 or 0.025; `nil` where it is none.
    package static func share(of text: String) -> Double? {
        guard text.hasSuffix("%") else { return nil }
        guard let percent = Double(text.dropLast().trimmingCharacters(in: .whitespaces)), percent.isFinite else {
            return nil
        }
        return percent / 100
    }

    // MARK: Units

    package static func joules(_ value: Double?, digits: Int = 3) -> String { prefixed(value, "J", digits: digits) }

    /// With the prefix of the SI that leaves one to three digits before the point, from yocto to yotta.
    package static func prefixed(_ value: Double?, _ unit: String, digits: Int = 3) -> String {
        guard let value, let prefix = prefix(value, digits: digits) else { return value == 0 ? "0 \(unit)" : none }
        return "\(figure(value / prefix.factor, digits: digits)) \(prefix.name)\(unit)"
    }

    /// A figure and its uncertainty in one unit, to the same place: `12.34 ± 0.56 mJ`.
    ///
    /// - Parameter sign: what stands between the two.
    package static func prefixed(_ value: Double, uncertainty: Double, _ unit: String, sign: String = "±") -> String {
        let prefix = prefix(max(abs(value), uncertainty), digits: 3) ?? (1, "")
        let texts = texts(value / prefix.factor, uncertainty: uncertainty / prefix.factor)
        return "\(texts.figure) \(sign) \(texts.uncertainty) \(prefix.name)\(unit)"
    }

    /// A figure and its uncertainty, to the same place: two significant digits of the uncertainty.
    package static func texts(_ value: Double, uncertainty: Double) -> (figure: String, uncertainty: String) {
        (DecimalScale.one.text(value, uncertainty: uncertainty), DecimalScale.one.spread(uncertainty))
    }

    private static func prefix(_ value: Double, digits: Int) -> (factor: Double, name: String)? {
        guard let parts = parts(value, digits: digits) else { return nil }
        let place = Int(saturating: (Double(parts.exponent) / 3).rounded(.down)) + prefixOfOne
        guard prefixes.indices.contains(place) else { return (1, "") }
        return (pow(1000, Double(place - prefixOfOne)), prefixes[place])
    }

    private static let prefixes = ["y", "z", "a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"]
    private static let prefixOfOne = 8

    /// Raised digits, as in 10⁻⁷.
    package static func superscript(_ value: Int) -> String {
        let raised = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
        return String(String(value).map { $0.wholeNumberValue.map { raised[$0] } ?? "⁻" })
    }

    // MARK: Words

    /// `1 run`, `2 runs`.
    package static func count(_ number: Int, _ name: String) -> String { "\(number) \(name)\(number == 1 ? "" : "s")" }

    /// Thousands set apart by commas.
    package static func grouped(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return figure(value) }
        let digits = Array(String(Int64(saturating: abs(value))))
        var text = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return text
    }

    /// The day in this machine's time zone, as ISO 8601 writes it; empty of what no calendar has.
    package static func day(_ unixSeconds: Double) -> String {
        guard (-62_135_596_800..<253_402_300_799).contains(unixSeconds) else { return "" }
        var seconds = time_t(saturating: unixSeconds.rounded(.down))
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(format: "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday)
    }

    // MARK: Digits

    /// A figure of so many significant digits, rounded: 0.9996 is 1.00, a digit shorter than its own magnitude would have it.
    package struct Parts: Sendable, Hashable {
        /// From 1 to below 10, with a sign.
        package var mantissa: String
        /// Of ten.
        package var exponent: Int

        /// How many are in the mantissa.
        package var digits: Int

        /// Whether it is read without a power of ten.
        package var isPlain: Bool { (-4..<max(6, digits)).contains(exponent) }
    }

    /// - Returns: `nil` of zero and of what is no number.
    package static func parts(_ value: Double, digits: Int = 3) -> Parts? {
        guard value.isFinite, value != 0 else { return nil }
        let text = String(format: "%.\(min(max(1, digits), 17) - 1)e", value)
        guard let e = text.firstIndex(of: "e"), let exponent = Int(text[text.index(after: e)...]) else { return nil }
        return Parts(mantissa: String(text[..<e]), exponent: exponent, digits: digits)
    }
}
