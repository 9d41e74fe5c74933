import Foundation
import Glibc

/// A file that is there as a whole or not at all.
package enum WholeFile {
    /// Has a file written beside its place, and puts it there in one step.
    ///
    /// - Parameters:
    ///   - isReplacing: whether a file that is there makes room.
    ///   - write: writes the file of the name that it gets, which is there and empty.
    /// - Throws: `BundleError`, or what `write` throws; a file that was there is then as it was.
    package static func make(
        _ file: String, isReplacing: Bool, _ write: (_ partial: String) async throws -> Void
    ) async throws {
        if !isReplacing, access(file, F_OK) == 0 { throw exists(file) }
        let partial = "\(file).partial-\(getpid())"
        guard FileManager.default.createFile(atPath: partial, contents: nil) else { throw failed(file) }
        defer { unlink(partial) }
        try await write(partial)
        if isReplacing {
            guard rename(partial, file) == 0 else { throw failed(file) }
            return
        }
        // link(2) refuses where a file has come in between; rename(2) does not.
        if link(partial, file) == 0 { return }
        if errno == EEXIST { throw exists(file) }
        // A file system without links.
        guard access(file, F_OK) != 0, rename(partial, file) == 0 else { throw failed(file) }
    }

    private static func exists(_ file: String) -> BundleError {
        BundleError("\(file) is there already; give another name, or --force to replace it")
    }

    private static func failed(_ file: String) -> BundleError {
        BundleError("\(file) cannot be written: \(String(cString: strerror(errno))); choose another place")
    }
}
