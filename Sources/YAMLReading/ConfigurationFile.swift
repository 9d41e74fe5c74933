/// `taskwatt.yaml`, whose sections are read where what they configure is.
package enum ConfigurationFile {
    /// All that may stand at the top of the file.
    private static let sections = ["meters", "overrides", "keep", "listen"]

    /// The sections that there are.
    ///
    /// - Parameter file: for messages.
    /// - Throws: `YAMLProblem` for what is no YAML, and for a section that is not known.
    package static func sections(text: String, file: String) throws(YAMLProblem) -> [String: YAMLReader] {
        // A file in which all is commented out is one without sections.
        let isBlank = text.split(whereSeparator: \.isNewline).allSatisfy { line in
            line.first { !$0.isWhitespace }.map { $0 == "#" } ?? true
        }
        return isBlank ? [:] : try YAMLReader(text: text, file: file).mapping(keys: sections)
    }
}
