package import Core
import Foundation
import Glibc
import Host
package import Metering

/// The calibrations of this machine, `calibration.json` in the state directory: one of each subject.
package struct CalibrationFile: Sendable, Hashable {
    private static let name = "calibration.json"
    private let directory: String
    package var path: String { "\(directory)/\(Self.name)" }

    package init(directory: String) { self.directory = directory }

    /// - Throws: `UserError` for a file that cannot be read. None is no error.
    package func read() throws(UserError) -> [Calibration] {
        do {
            let bytes = try OpenDirectory(directory).contents(Self.name, upTo: BoundedFile.state)
            return try JSONDecoder().decode([Calibration].self, from: Data(bytes))
        } catch let problem as FileProblem where problem.errno == ENOENT || problem.errno == ENOTDIR {
            return []
        } catch {
            throw UserError(.damaged, "\(path) cannot be read", remedy: "remove it and calibrate again")
        }
    }

    /// Puts a calibration in the place of the one before of its subject.
    package func keep(_ calibration: Calibration) throws(UserError) {
        // One that cannot be read is worth nothing, and this one takes its place.
        var all = (try? read()) ?? []
        all.removeAll { $0.subject == calibration.subject }
        all.append(calibration)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try OpenDirectory(directory).put(encoder.encode(all), as: Self.name, mode: 0o644)
        } catch {
            throw UserError(.failed, "\(path) cannot be written", remedy: "choose another place with --state-dir")
        }
    }

    /// Forgets them all.
    ///
    /// - Returns: whether there were any.
    package func remove() throws(UserError) -> Bool {
        guard let place = try? OpenDirectory(directory), place.status(Self.name) != nil else { return false }
        guard place.remove(Self.name) == nil else {
            throw UserError(.failed, "\(path) cannot be removed", remedy: "check the permissions of its directory")
        }
        return true
    }
}
