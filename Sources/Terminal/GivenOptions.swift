/// Options as a user gave them, for a message about what does not fit them: `--suite quick --label before`.
package enum GivenOptions {
    /// - Parameter options: those that are `nil` were not given.
    package static func text(_ options: KeyValuePairs<String, String?>) -> String {
        options.compactMap { name, value in value.map { "--\(name) \($0)" } }.joined(separator: " ")
    }
}
