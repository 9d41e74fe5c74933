package import Core
import Foundation
import Glibc
import Host
package import Reporting

/// The measured peaks of machines' devices, `peaks.json` in the state directory: by the machines' fingerprints, one of each device and
/// precision.
package struct PeakFile: Sendable, Hashable {
    private static let name = "peaks.json"
    private let directory: String
    package var path: String { "\(directory)/\(Self.name)" }

    package init(directory: String) { self.directory = directory }

    /// - Throws: `UserError` for a file that cannot be read. None is no error.
    package func read() throws(UserError) -> [String: [DevicePeak]] {
        do {
            let bytes = try OpenDirectory(directory).contents(Self.name, upTo: BoundedFile.state)
            let all = try JSONDecoder().decode([String: [DevicePeak]].self, from: Data(bytes))
            return all.mapValues { $0.filter(\.isPossible) }
        } catch let problem as FileProblem where problem.errno == ENOENT || problem.errno == ENOTDIR {
            return [:]
        } catch {
            throw UserError(
                .damaged, "\(path) cannot be read", remedy: "remove it and run `taskwatt calibrate --peak` again")
        }
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
