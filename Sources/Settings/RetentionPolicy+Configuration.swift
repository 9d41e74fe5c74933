import Core
import Recording

extension RetentionPolicy {
    /// Takes a time such as `7d`.
    ///
    /// - Returns: what is wrong with it; `nil` where nothing is.
    mutating func set(_ key: ConfigurationKey, _ text: String) -> String? {
        let time = Self.seconds(text)
        switch (key, time) {
        case (.keepHours, _) where text == "forever": hours = nil
        case (.keepSamples, let time?): samples = time
        case (.keepMinutes, let time?): minutes = time
        case (.keepHours, let time?): hours = time
        default: return "this must be a time of an hour at least, such as 12h, 7d, 4w or 1y, not `\(text)`"
        }
        return nil
    }

    /// A time in seconds; `nil` where it is none.
    private static func seconds(_ text: String) -> Double? {
        DurationText.seconds(text).flatMap { times.contains($0) ? $0 : nil }
    }

    /// Seconds: an hour is what the record holds the longest means of.
    private static let times = 3600...99_999 * 365.25 * 86_400
}
