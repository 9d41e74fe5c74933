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
                    "\(weakness), who could change what the plugin runs; chmod go-w it, and give it to root or to whoever runs it"
            } catch {
                return error.description
            }
        }
        return nil
    }

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
