import Core
package import Foundation

/// Points in time as users write them.
package enum TimeText {
    /// Seconds: nothing was measured a million weeks ago.
    private static let longest = 999_999.0 * 7 * 86_400

    /// Seconds since 1970; `nil` of what is no time.
    ///
    /// An ISO 8601 date is its first moment, here (`2026-11-24`); with a time of day it is that, here or in the zone it names
    /// (`2026-11-24T08:30`, `2026-11-24T08:30:15Z`, `…+01:00`). `today` and `yesterday` are their first moments; `7d`, `12h`,
    /// `2w` and what else `DurationText` reads are so long ago.
    package static func parse(_ text: String, now: Date, calendar: Calendar = .current) -> Double? {
        switch text {
        case "now": return now.timeIntervalSince1970
        case "today": return calendar.startOfDay(for: now).timeIntervalSince1970
        case "yesterday":
            return calendar.date(byAdding: .day, value: -1, to: calendar.startOfDay(for: now))?.timeIntervalSince1970
        default: break
        }
        // A number alone is no time.
        if text.last?.isLetter == true, let ago = DurationText.seconds(text), ago <= longest {
            return now.timeIntervalSince1970 - ago
        }
        return date(text, calendar)
    }

    private static func date(_ text: String, _ calendar: Calendar) -> Double? {
        let form =
            /([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(Z|[+-][0-9]{2}:?[0-9]{2})?)?/
        guard let match = text.wholeMatch(of: form) else { return nil }
        let (_, year, month, day, hour, minute, second, zone) = match.output
        func number(_ text: Substring?) -> Int { text.flatMap { Int($0) } ?? 0 }
        var calendar = calendar
        if let zone { calendar.timeZone = timeZone(zone) ?? calendar.timeZone }
        let parts = DateComponents(
            year: number(year), month: number(month), day: number(day), hour: number(hour), minute: number(minute),
            second: number(second))
        // A calendar makes the 2nd of March of a 30th of February; what it makes must be what was written.
        guard number(hour) < 24, number(minute) < 60, number(second) < 60, let date = calendar.date(from: parts),
            calendar.dateComponents([.year, .month, .day], from: date)
                == DateComponents(year: parts.year, month: parts.month, day: parts.day)
        else { return nil }
        return date.timeIntervalSince1970
    }

    private static func timeZone(_ text: Substring) -> TimeZone? {
        let digits = text.filter(\.isNumber)
        guard digits.count == 4, let hours = Int(digits.prefix(2)), let minutes = Int(digits.suffix(2)) else {
            return TimeZone(secondsFromGMT: 0)
        }
        return TimeZone(secondsFromGMT: (text.hasPrefix("-") ? -1 : 1) * (hours * 3600 + minutes * 60))
    }
}
