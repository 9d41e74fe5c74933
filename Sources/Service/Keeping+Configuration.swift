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
        guard let match = text.wholeMatch(of: /([0-9]{1,5})([hdwy])/), let number = Double(match.1), number > 0 else {
            throw field.problem("this must be a time such as 12h, 7d, 4w or 1y, not `\(text)`")
        }
        let units: [Substring: Double] = ["h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365.25 * 86_400]
        return number * (units[match.2] ?? 86_400)
    }
}
