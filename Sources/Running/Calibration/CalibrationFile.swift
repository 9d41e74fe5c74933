package import Core
import Host
package import Metering

/// The calibrations of this machine, `calibration.json` in the state directory: one of each subject.
package struct CalibrationFile: Sendable, Hashable {
    private let file: StateFile
    package var path: String { file.path }

    package init(directory: String) { file = StateFile("calibration.json", in: directory) }

    /// - Throws: `UserError` for a file that cannot be read. None is no error.
    package func read() throws(UserError) -> [Calibration] {
        try file.read([Calibration].self, remedy: "remove it and calibrate again") ?? []
    }

    /// Puts a calibration in the place of the one before of its subject.
    package func keep(_ calibration: Calibration) throws(UserError) {
        // One that cannot be read is worth nothing, and this one takes its place.
        var all = (try? read()) ?? []
        all.removeAll { $0.subject == calibration.subject }
        try file.write(all + [calibration])
    }

    /// Forgets them all.
    ///
    /// - Returns: whether there were any.
    package func remove() throws(UserError) -> Bool { try file.remove() }
}
