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

    /// The same, of a file that is looked through for all its errors: of a section that is not known `complain` is told, and
    /// the others are there.
    package static func sections(
        text: String, file: String, complain: (YAMLProblem) -> Void
    ) throws(YAMLProblem) -> [String: YAMLReader] {
        do throws(YAMLProblem) {
            return try sections(text: text, file: file)
        } catch {
            var known: [String: YAMLReader] = [:]
            // What is no mapping has no more to tell than the error itself.
            let entries = try YAMLReader(text: text, file: file).entries()
            // The error is that of the first one, with the key's own place.
            complain(error)
            for (index, stranger) in entries.filter({ !sections.contains($0.key) }).enumerated() where index > 0 {
                complain(
                    stranger.value.problem("unknown key `\(stranger.key)` (known: \(sections.joined(separator: ", ")))")
                )
            }
            for (key, value) in entries where sections.contains(key) { known[key] = value }
            return known
        }
    }
}
