package import Core
import Host
package import Reporting

/// The measured peaks of machines' devices, `peaks.json` in the state directory: by the machines' fingerprints, one of each device and
/// precision.
package struct PeakFile: Sendable, Hashable {
    private let file: StateFile
    package var path: String { file.path }

    package init(directory: String) { file = StateFile("peaks.json", in: directory) }

    /// - Throws: `UserError` for a file that cannot be read. None is no error.
    package func read() throws(UserError) -> [String: [DevicePeak]] {
        let all = try file.read(
            [String: [DevicePeak]].self, remedy: "remove it and run `taskwatt calibrate --peak` again")
        return (all ?? [:]).mapValues { $0.filter(\.isPossible) }
    }

    /// Those of several directories; what an earlier one has of a device and precision counts.
    ///
    /// - Parameter complain: told of files that cannot be read.
    package static func read(_ directories: [String], complain: (String) -> Void) -> [String: [DevicePeak]] {
        var all: [String: [DevicePeak]] = [:]
        for directory in directories {
            do throws(UserError) {
                for (fingerprint, peaks) in try PeakFile(directory: directory).read() {
                    let known = all[fingerprint] ?? []
                    all[fingerprint] =
                        known
                        + peaks.filter { new in
                            !known.contains { $0.device == new.device && $0.precision == new.precision }
                        }
                }
            } catch { complain("\(error)") }
        }
        return all
    }

    /// Puts a peak in the place of the one before of its device and precision.
    package func keep(_ peak: DevicePeak, of fingerprint: String) throws(UserError) {
        // One that cannot be read is worth nothing, and this one takes its place.
        var all = (try? read()) ?? [:]
        var peaks = all[fingerprint] ?? []
        peaks.removeAll { $0.device == peak.device && $0.precision == peak.precision }
        peaks.insert(peak, at: 0)
        all[fingerprint] = peaks
        try file.write(all)
    }

    /// Forgets them all.
    ///
    /// - Returns: whether there were any.
    package func remove() throws(UserError) -> Bool { try file.remove() }
}
