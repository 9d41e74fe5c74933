/// `taskwatt.yaml`, whose sections are read where what they configure is.
package enum ConfigurationFile {
    /// All that may stand at the top of the file.
    private static let sections = ["meters", "overrides", "keep", "listen", "collector", "drop", "collect", "record"]

    /// The sections that there are.
    ///
    /// - Parameter file: for messages.
    /// - Throws: `YAMLProblem` for what is no YAML, and for a section that is not known.
    package static func sections(text: String, file: String) throws(YAMLProblem) -> [String: YAMLReader] {
        try reader(text: text, file: file)?.mapping(keys: sections) ?? [:]
    }

    /// The same, of a file that is looked through for all its errors: of a section that is not known `complain` is told, and
    /// the others are there.
    package static func sections(
        text: String, file: String, complain: (YAMLProblem) -> Void
    ) throws(YAMLProblem) -> [String: YAMLReader] {
        try reader(text: text, file: file)?.mapping(keys: sections, complain: complain) ?? [:]
    }

    /// - Returns: `nil` for a file in which all is commented out.
    private static func reader(text: String, file: String) throws(YAMLProblem) -> YAMLReader? {
        let isBlank = text.split(whereSeparator: \.isNewline).allSatisfy { line in
            line.first { !$0.isWhitespace }.map { $0 == "#" } ?? true
        }
        return isBlank ? nil : try YAMLReader(text: text, file: file)
    }
}
