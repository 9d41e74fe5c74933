import Core
package import Recording
package import YAMLReading

extension Keeping {
    /// The section `keep` of `taskwatt.yaml`: `{samples: 7d, minutes: 90d, hours: forever}`.
    ///
    /// - Throws: `YAMLProblem` with file, line and column.
    package static func parse(text: String, file: String) throws(YAMLProblem) -> Keeping {
        try parse(try ConfigurationFile.sections(text: text, file: file))
    }

    package static func parse(_ sections: [String: YAMLReader]) throws(YAMLProblem) -> Keeping {
        var keeping = Keeping()
        guard let section = sections["keep"] else { return keeping }
        let fields = try section.mapping(keys: ["samples", "minutes", "hours"])
        if let field = fields["samples"] { keeping.samples = try seconds(field) }
        if let field = fields["minutes"] { keeping.minutes = try seconds(field) }
        if let field = fields["hours"] { keeping.hours = try field.string() == "forever" ? nil : seconds(field) }
        return keeping
    }

    private static func seconds(_ field: YAMLReader) throws(YAMLProblem) -> Double {
        let text = try field.string()
        guard let seconds = seconds(text) else { throw field.problem(notATime(text)) }
        return seconds
    }

    private static func notATime(_ text: String) -> String {
        "this must be a time such as 12h, 7d, 4w or 1y, not `\(text)`"
    }

    /// A time such as `7d` in seconds; `nil` where it is none.
    private static func seconds(_ text: String) -> Double? {
        guard let match = text.wholeMatch(of: /([0-9]{1,5})([hdwy])/), let number = Double(match.1), number > 0 else {
            return nil
        }
        let units: [Substring: Double] = ["h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365.25 * 86_400]
        return units[match.2].map { number * $0 }
    }

    /// What weighs more than the file: the environment or an option.
    package struct Overrides: Sendable, Hashable {
        package var samples: String?
        package var minutes: String?
        package var hours: String?

        package init(samples: String?, minutes: String?, hours: String?) {
            self.samples = samples
            self.minutes = minutes
            self.hours = hours
        }
    }

    /// - Parameter source: where the overrides are from, for messages.
    /// - Throws: `APIError` for what is no time.
    package mutating func apply(_ overrides: Overrides, from source: (_ key: String) -> String) throws(APIError) {
        func seconds(_ text: String, _ key: String) throws(APIError) -> Double {
            guard let seconds = Self.seconds(text) else {
                throw APIError(.usage, "\(source(key)): \(Self.notATime(text))")
            }
            return seconds
        }
        if let text = overrides.samples { samples = try seconds(text, "samples") }
        if let text = overrides.minutes { minutes = try seconds(text, "minutes") }
        if let text = overrides.hours { hours = text == "forever" ? nil : try seconds(text, "hours") }
    }
}
