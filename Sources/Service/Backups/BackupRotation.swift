import Core
import Glibc
import Host

/// Backups of one machine in a directory, of which the newest are kept.
package struct BackupRotation: Sendable, Hashable {
    package let directory: String
    /// What the names of its backups begin with; other files, and those of other machines, are not touched.
    private let prefix: String

    private static let suffix = ".sqlite"

    /// - Parameters:
    ///   - directory: where they are.
    ///   - machine: the machine's name.
    package init(_ directory: String, machine: String) {
        self.directory = directory
        let name = String(machine.map { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) ? $0 : "_" })
        prefix = "taskwatt-\(name.isEmpty ? "machine" : name)-"
    }

    /// The file of a backup that is made now; names sort by time.
    ///
    /// - Parameter time: seconds since 1970.
    package func file(at time: Double) -> String { "\(directory)/\(name(at: time))" }

    func name(at time: Double) -> String {
        var seconds = time_t(Int64(saturating: time))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = "\(1900 &+ Int64(parts.tm_year))-\(two(parts.tm_mon &+ 1))-\(two(parts.tm_mday))"
        return "\(prefix)\(day)T\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))Z\(Self.suffix)"
    }

    /// Of names, those of backups beyond the newest.
    ///
    /// - Parameter most: how many stay, at least 1.
    func outdated(_ names: [String], keeping most: Int) -> [String] {
        let own = names.filter { name in
            name.hasPrefix(prefix) && name.hasSuffix(Self.suffix)
                && name.dropFirst(prefix.count).dropLast(Self.suffix.count).wholeMatch(of: Self.time) != nil
        }
        return Array(own.sorted(by: >).dropFirst(max(1, most)))
    }

    private static var time: Regex<Substring> { /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z/ }

    /// Removes the oldest backups of this machine, once a new one is whole.
    ///
    /// - Returns: the names of those that are gone.
    /// - Throws: `FileProblem`, `HostError`.
    package func removeOutdated(keeping most: Int) throws -> [String] {
        let place = try OpenDirectory(directory)
        let gone = outdated(try HostRoot().list(directory), keeping: most).filter { place.isPlainFile($0) == true }
        for name in gone where unlinkat(place.descriptor, name, 0) != 0 {
            throw FileProblem("\(directory)/\(name)", errno: errno, remedy: "remove it by hand")
        }
        if !gone.isEmpty { try place.synchronize() }
        return gone
    }
}
