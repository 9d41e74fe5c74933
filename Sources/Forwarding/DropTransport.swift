import Core
import Foundation
import Glibc
import Host
package import Recording

/// Puts bundles into a directory that many machines share: there is no server, and `taskwatt import bundle` reads them.
///
/// A file's name has the suite's UUID and the file's hash, and is there as a whole or not at all: one that is there already is this one.
package struct DropTransport: BundleTransport {
    private let directory: String
    package let isRedacted: Bool

    /// - Parameter directory: is there; where it is not, it may not be mounted yet.
    package init(directory: String, isRedacted: Bool) {
        self.directory = directory
        self.isRedacted = isRedacted
    }

    package static func name(_ bundle: PackedBundle) -> String {
        "taskwatt-\(bundle.suiteRun)-\(bundle.sha256).tar.zst"
    }

    package func deliver(_ bundle: PackedBundle, waiting: OutboxSummary) async -> Delivery {
        let path = "\(directory)/\(Self.name(bundle))"
        do {
            if let there = try? BundleSpool.digest(path) {
                if there.sha256 == bundle.sha256 { return .alreadyThere }
                // Its name says what is in it, and it is not: a disk that lost it, or somebody who wrote into it.
                unlink(path)
            }
            let output = try OutputFile(path, .refused, mode: 0o664, remedy: "see `drop:` of taskwatt.yaml")
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: bundle.path))
            defer { try? handle.close() }
            while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { try output.write(piece) }
            try output.finish()
            return .taken
        } catch let problem as FileProblem where problem.errno == EEXIST {
            // Two senders of the same suite; whoever was first may still be writing on a file system of another machine.
            return (try? BundleSpool.digest(path).sha256) == bundle.sha256
                ? .alreadyThere : .postponed("\(path) is there, and is not this bundle", retryAfter: nil)
        } catch {
            return .postponed("\(UserError(error))", retryAfter: nil)
        }
    }
}
