import Recording

extension Keeping {
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
        default: return "this must be a time such as 12h, 7d, 4w or 1y, not `\(text)`"
        }
        return nil
    }

    /// A time in seconds; `nil` where it is none.
    private static func seconds(_ text: String) -> Double? {
        guard let match = text.wholeMatch(of: /([0-9]{1,5})([hdwy])/), let number = Double(match.1), number > 0 else {
            return nil
        }
        let units: [Substring: Double] = ["h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365.25 * 86_400]
        return units[match.2].map { number * $0 }
    }
}
