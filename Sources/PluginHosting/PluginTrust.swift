import Core
import Foundation
import Glibc
import Host

/// Whose programs are run: root and the daemon run none that another user could change, and nobody one that everybody could.
package struct PluginTrust: Sendable {
    private let owners: FileOwners

    /// - Parameters:
    ///   - isStrict: for root, and for the daemon, who runs what others ask it for.
    ///   - program: of taskwatt. Who could change it, or put another in its place, is trusted with plugins too: so a checkout of a
    ///     user's can be tried as root.
    package init(isStrict: Bool, program: String = "/proc/self/exe") {
        owners = isStrict ? FileOwners(Self.owners(above: program)) : .anybody
    }

    /// As whoever asks on the command line.
    package static var ofThisUser: PluginTrust { PluginTrust(isStrict: geteuid() == 0) }

    /// Why a plugin is not run, with the remedy; `nil` for one that may be.
    ///
    /// - Parameter files: paths of what is run and read, the plugin's directory first.
    func problem(_ files: [String]) -> String? {
        for file in files {
            do throws(FileProblem) {
                guard let weakness = try OpenDirectory.weakness(of: file, owners: owners) else { continue }
                return
                    "\(weakness), who could change what the plugin runs; chmod go-w it, and chown it to root or to the user who runs it"
            } catch {
                return error.description
            }
        }
        return nil
    }

    /// The same of all that lies in a plugin's directory, which its program may load: of so many entries as a plugin has, and of an
    /// environment of packages in it only the first.
    func problem(inside directory: String) -> String? {
        guard let entries = FileManager.default.enumerator(atPath: directory) else { return nil }
        var count = 0
        for case let name as String in entries {
            count += 1
            guard count <= Self.mostEntries else { return nil }
            var status = stat()
            guard lstat("\(directory)/\(name)", &status) == 0, let stranger = owners.strangers(status) else { continue }
            return
                "\(directory)/\(name) is not safe: \(stranger), who could change what the plugin runs; chmod go-w it, and chown it to root or "
                + "to the user who runs it"
        }
        return nil
    }

    private static let mostEntries = 2000

    /// The owners of a file and of all directories above it.
    private static func owners(above path: String) -> Set<uid_t> {
        guard let found = realpath(path, nil) else { return [] }
        defer { free(found) }
        var owners: Set<uid_t> = []
        var place = String(cString: found)[...]
        while !place.isEmpty {
            var status = stat()
            if lstat(String(place), &status) == 0 { owners.insert(status.st_uid) }
            place = place[..<(place.lastIndex(of: "/") ?? place.startIndex)]
        }
        return owners
    }
}
