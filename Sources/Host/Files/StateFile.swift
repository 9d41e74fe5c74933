package import Core
import Foundation
import Glibc

/// What is learnt of a machine, as a JSON document of its own in a state directory.
package struct StateFile: Sendable, Hashable {
    private let directory: String
    private let name: String
    package var path: String { "\(directory)/\(name)" }

    /// - Parameter name: such as `peaks.json`.
    package init(_ name: String, in directory: String) { (self.name, self.directory) = (name, directory) }

    /// - Parameter remedy: for a file that cannot be read.
    /// - Returns: `nil` where there is no file.
    /// - Throws: `UserError` for one that cannot be read.
    package func read<Value: Decodable>(_ type: Value.Type, remedy: String) throws(UserError) -> Value? {
        do {
            let bytes = try OpenDirectory(directory).contents(name, upTo: BoundedFile.state)
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let problem as FileProblem where problem.errno == ENOENT || problem.errno == ENOTDIR {
            return nil
        } catch {
            throw UserError(.damaged, "\(path) cannot be read", remedy: remedy)
        }
    }

    /// Puts a value in the place of what is there.
    package func write(_ value: some Encodable) throws(UserError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try OpenDirectory(directory).put(encoder.encode(value), as: name, mode: 0o644)
        } catch {
            throw UserError(.failed, "\(path) cannot be written", remedy: "choose another place with --state-dir")
        }
    }

    /// - Returns: whether there was one.
    package func remove() throws(UserError) -> Bool {
        guard let place = try? OpenDirectory(directory), place.status(name) != nil else { return false }
        guard place.remove(name) == nil else {
            throw UserError(.failed, "\(path) cannot be removed", remedy: "check the permissions of its directory")
        }
        return true
    }
}
