import Foundation

/// A number as programs and spreadsheets of any country write it.
struct CSVNumber {
    var value: Double
    /// Half of what the last digit stands for: the most that rounding can have taken.
    var rounding: Double

    /// - Parameter isDecimalComma: whether one comma alone is that of the decimals, as it is where fields are separated by
    ///   something else.
    /// - Returns: `nil` for what is no number, or may be two: `1,234` between commas is 1234 or 1.234.
    init?(_ text: String, isDecimalComma: Bool) {
        // Blanks between thousands: those of Swiss, French and ISO 31-0, which are not all whitespace to break at.
        var digits = text.filter { !$0.isWhitespace && $0 != "'" && $0 != "’" }
        if digits.contains(",") {
            guard let plain = Self.plain(digits, isDecimalComma) else { return nil }
            digits = plain
        }
        guard let value = Double(digits), value.isFinite else { return nil }
        self.value = value
        let parts = digits.lowercased().split(separator: "e", maxSplits: 1)
        let decimals =
            parts.first?.firstIndex(of: ".").map { parts[0].distance(from: $0, to: parts[0].endIndex) - 1 } ?? 0
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        rounding = 0.5 * pow(10, Double(exponent) - Double(decimals))
    }

    /// A number with commas in it as one without.
    private static func plain(_ text: String, _ isDecimalComma: Bool) -> String? {
        let commas = text.count { $0 == "," }
        if let dot = text.lastIndex(of: "."), let comma = text.lastIndex(of: ",") {
            // Of two signs the last is that of the decimals.
            return dot > comma
                ? text.filter { $0 != "," } : text.filter { $0 != "." }.replacingOccurrences(of: ",", with: ".")
        }
        guard commas == 1 else { return text.filter { $0 != "," } }
        let isThousand = text.contains(/^[+-]?[1-9]\d{0,2},\d{3}$/)
        return isDecimalComma || !isThousand ? text.replacingOccurrences(of: ",", with: ".") : nil
    }
}
