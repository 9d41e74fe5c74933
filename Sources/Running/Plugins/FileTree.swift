import Foundation
import Glibc

/// A directory, or a file, with all that is in it; symbolic links are not followed.
package struct FileTree: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// What it takes on the disk, in bytes. A file with several names in it is counted once.
    package var allocatedBytes: Int64 {
        var seen: Set<UInt64> = []
        return ([path] + children.map { "\(path)/\($0)" }).reduce(0) { sum, path in
            var status = stat()
            guard lstat(path, &status) == 0 else { return sum }
            if status.st_nlink > 1, status.st_mode & S_IFMT != S_IFDIR, !seen.insert(UInt64(status.st_ino)).inserted {
                return sum
            }
            return sum + Int64(status.st_blocks) * 512
        }
    }

    /// The paths below it, each relative to it.
    private var children: [String] {
        guard let all = FileManager.default.enumerator(atPath: path) else { return [] }
        return all.compactMap { $0 as? String }
    }

    /// Removes what is in the directory and leaves it empty.
    ///
    /// - Returns: what could not be removed.
    package func removeContents() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.map { "\(path)/\($0)" }.filter { path in
            (try? FileManager.default.removeItem(atPath: path)) == nil
        }
    }
}
