package import Core

/// Why something of a file cannot be imported: one line that names the place.
package struct ImportProblem: UserFacingError, Sendable, Hashable, Codable {
    /// As the user named it, or below the directory that the user named.
    package var file: String
    /// From 1; `nil` where the whole file is meant.
    package var line: Int?
    package var reason: String

    package var userError: UserError { UserError(.failed, "\(file):\(line.map { "\($0): " } ?? " ")\(reason)") }
}
