import Foundation

/// A directory that goes with its owner.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)").path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw BundleError(
                "no directory can be made in \(FileManager.default.temporaryDirectory.path)", remedy: "set TMPDIR")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
