import Core
import Foundation
package import Metering

/// The calibrations of this machine, `calibration.json` in the state directory: one of each subject.
package struct CalibrationFile: Sendable, Hashable {
    package let path: String

    package init(directory: String) { path = "\(directory)/calibration.json" }

    /// - Throws: `CalibrationFileError` for a file that cannot be read. None is no error.
    package func read() throws(CalibrationFileError) -> [Calibration] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        do {
            return try JSONDecoder().decode([Calibration].self, from: BoundedFile.data(path, upTo: BoundedFile.state))
        } catch {
            throw CalibrationFileError(path: path, reason: "it cannot be read; remove it and calibrate again")
        }
    }

    /// Puts a calibration in the place of the one before of its subject.
    package func keep(_ calibration: Calibration) throws(CalibrationFileError) {
        // One that cannot be read is worth nothing, and this one takes its place.
        var all = (try? read()) ?? []
        all.removeAll { $0.subject == calibration.subject }
        all.append(calibration)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try encoder.encode(all).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CalibrationFileError(
                path: path, reason: "it cannot be written; choose another place with --state-dir")
        }
    }

    /// Forgets them all.
    ///
    /// - Returns: whether there were any.
    package func remove() throws(CalibrationFileError) -> Bool {
        guard FileManager.default.fileExists(atPath: path) else { return false }
        do {
            try FileManager.default.removeItem(atPath: path)
            return true
        } catch {
            throw CalibrationFileError(path: path, reason: "it cannot be removed")
        }
    }
}

package struct CalibrationFileError: Error, Sendable, Hashable, CustomStringConvertible {
    package var path: String
    package var reason: String
    package var description: String { "\(path): \(reason)" }
}
