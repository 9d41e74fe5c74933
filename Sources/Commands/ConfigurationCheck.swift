package import Core
import Listening
import PolledMeters
package import Settings
package import Terminal

/// `taskwatt config check`: a configuration file, all that is wrong with it, and what was read of it. In JSON the file and its errors.
package struct ConfigurationCheck: Encodable, Sendable {
    /// `nil` where there is none, and none is needed.
    package private(set) var file: String?
    /// By their place.
    package private(set) var errors: [UserError] = []
    /// Why it cannot be used.
    package private(set) var failure: UserError?
    /// What is worth knowing of one without an error.
    package private(set) var remarks: [String] = []
    /// What was read of each section.
    package private(set) var summary: ConsoleText = ""

    enum CodingKeys: CodingKey { case file, errors }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(file, forKey: .file)
        try container.encode(errors, forKey: .errors)
    }

    /// - Parameter named: the file; `nil` for the one that commands use.
    /// - Throws: `UserError` for a file that cannot be read.
    package static func run(_ surroundings: Surroundings, file named: String?) async throws -> ConfigurationCheck {
        var check = ConfigurationCheck()
        guard let path = named ?? surroundings.configurationFile else {
            check.remarks = [
                "there is no configuration file, and none is needed; it would be \(Surroundings.systemConfiguration)"
            ]
            return check
        }
        check.file = path
        let note = surroundings.note
        let files = ListenerConfiguration.FileCheck(readToken: SecretFile.read) { file in
            note("you may not read \(file), so it was not checked: sudo taskwatt config check \(path)")
        }
        let configuration = try surroundings.configuration(of: named, checking: files)
        check.errors = configuration.problemsByPlace.map { UserError($0) }
        guard check.errors.isEmpty else {
            check.failure = UserError(.failed, configuration.problemCount(in: path))
            return check
        }
        check.remarks = await surroundings.unknownOverrides(configuration.meters).map { "\(path) overrides \($0)" }
        check.remarks += configuration.meters.plainCredentials.map { "\($0)" }
        check.summary = "\(path): OK\n\(lines: configuration.summary)"
        return check
    }
}
