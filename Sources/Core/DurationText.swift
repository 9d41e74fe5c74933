/// Lengths of time as users write them, on the command line, in YAML and to the API, and as they read them.
package enum DurationText {
    /// What it takes, for messages: "… must be " and this.
    package static let form = "a time such as 90s, 5 min, 1h30m or 7d"

    /// In seconds, the largest first, by the names that users give them; a year is that of Julius, 365.25 days.
    private static let units: [(names: [Substring], seconds: Double)] = [
        (["y"], 365.25 * 86_400), (["w"], 7 * 86_400), (["d"], 86_400), (["h"], 3600), (["min", "m"], 60),
        (["s"], 1), (["ms"], 1e-3), (["us", "µs", "μs"], 1e-6),
    ]

    /// Seconds: numbers with their units, the largest unit first, such as `90s`, `5 min`, `1h30m` or `0.5s`; a number alone is
    /// seconds.
    ///
    /// - Returns: `nil` where it is none, is below zero, or is more than a number holds.
    package static func seconds(_ text: String) -> Double? {
        if text.last?.isASCII == true, text.last?.isNumber == true || text.last == "." { return number(text[...]) }
        var (total, last, rest) = (0.0, Double.infinity, text[...])
        repeat {
            // A unit begins with no letter that a number has.
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }
            let after = rest[digits.endIndex...].drop { $0 == " " }
            let name = after.prefix { $0.isLetter }
            guard let number = number(digits), let unit = units.first(where: { $0.names.contains(name) }),
                unit.seconds < last
            else { return nil }
            total += number * unit.seconds
            last = unit.seconds
            rest = after[name.endIndex...].drop { $0 == " " }
        } while !rest.isEmpty
        return total.isFinite ? total : nil
    }

    private static func number(_ digits: Substring) -> Double? {
        // `Double` would take `inf` and what is hexadecimal too.
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }), let value = Double(digits),
            value.isFinite, value >= 0
        else { return nil }
        return value
    }

    /// The shortest that `seconds` reads as the same: `100ms`, `90s`, `12h`, `7d`.
    package static func exact(_ seconds: Double) -> String {
        let units: [(name: String, seconds: Double)] = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
        if seconds > 0, seconds < 1, let milliseconds = Int(exactly: seconds * 1000),
            Double(milliseconds) * 1e-3 == seconds
        {
            return "\(milliseconds)ms"
        }
        guard let whole = Int(exactly: seconds) else { return "\(seconds)s" }
        let unit = units.first { whole > 0 && whole.isMultiple(of: Int(saturating: $0.seconds)) } ?? ("s", 1)
        return "\(whole / max(1, Int(saturating: unit.seconds)))\(unit.name)"
    }

    /// Three significant digits, in the unit that leaves a number to be read: `250 ms`, `12.3 s`, `1.50 h`.
    package static func figure(_ seconds: Double?) -> String {
        text(seconds) { FigureText.figure($0) }
    }

    /// The same without zeros at its end: of what is no measurement, such as an interval that was asked for: `50 ms`.
    package static func short(_ seconds: Double?) -> String {
        text(seconds) { FigureText.short($0) }
    }

    private static func text(_ seconds: Double?, _ figure: (Double) -> String) -> String {
        guard let seconds, seconds.isFinite, seconds >= 0 else { return FigureText.none }
        if seconds == 0 { return "0 s" }
        if seconds < 1e-3 { return "\(figure(seconds * 1e6)) µs" }
        if seconds < 1 { return "\(figure(seconds * 1e3)) ms" }
        if seconds < 100 { return "\(figure(seconds)) s" }
        if seconds < 100 * 60 { return "\(figure(seconds / 60)) min" }
        if seconds < 48 * 3600 { return "\(figure(seconds / 3600)) h" }
        return "\(figure(seconds / 86_400)) d"
    }

    /// What is left of a time, which is looked at every second: `2:05`, `1:02:05`.
    package static func clock(_ seconds: Double) -> String {
        let seconds = max(0, Int(saturating: seconds))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return (hours > 0 ? "\(hours):\(two(minutes))" : "\(minutes)") + ":" + two(seconds % 60)
    }
}
