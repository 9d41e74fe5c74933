package import Core
import Foundation
import Glibc

/// The collector's bundles on the disk: those that are coming, those that are whole and not in the record yet, and the others by their
/// hashes. What is in `pending` after a crash is taken again.
package struct BundleFiles: Sendable {
    let root: String

    private var incoming: String { "\(root)/incoming" }
    private var pending: String { "\(root)/pending" }

    /// - Throws: `UserError`.
    package init(directory: String) throws(UserError) {
        root = "\(directory)/bundles"
        for folder in [root, incoming, pending] {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
            } catch {
                throw UserError(.failed, "\(folder) cannot be made", remedy: "see whose \(directory) is")
            }
        }
    }

    /// What is left of an earlier process is half a file.
    func sweep() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: incoming)) ?? [] {
            unlink("\(incoming)/\(name)")
        }
    }

    /// A file that is coming; it goes with the value, unless it was placed.
    final class Incoming: Sendable {
        let path: String
        let handle: FileHandle

        fileprivate init(_ path: String) throws(UserError) {
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
            guard descriptor >= 0 else { throw BundleFiles.failure(path) }
            self.path = path
            handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        }

        deinit { unlink(path) }
    }

    func begin() throws(UserError) -> Incoming { try Incoming("\(incoming)/\(UUID().uuidString)") }

    private static func failure(_ path: String) -> UserError {
        UserError(
            .unavailable, "\(path) cannot be written: \(String(cString: strerror(errno)))",
            remedy: "the disk may be full; it is tried again")
    }

    /// Where a bundle is that is whole and not in the record yet.
    func pendingPath(_ sha256: String) -> String { "\(pending)/\(sha256).tar.zst" }

    /// Where a bundle is that has been taken. There may be millions.
    package func path(_ sha256: String) -> String {
        "\(root)/\(sha256.prefix(2))/\(sha256.dropFirst(2).prefix(2))/\(sha256).tar.zst"
    }

    /// Puts a file that is whole where a crash does not take it: its contents are on the disk before its name is.
    func place(_ file: Incoming, _ sha256: String) throws(UserError) {
        guard fsync(file.handle.fileDescriptor) == 0, rename(file.path, pendingPath(sha256)) == 0 else {
            throw Self.failure(file.path)
        }
        try Self.synchronize(pending)
    }

    /// Its rows are in the record.
    func settle(_ sha256: String) throws(UserError) {
        let target = path(sha256)
        let folder = target.directoryPart
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        } catch {
            throw Self.failure(folder)
        }
        // Where a crash takes the new name, the file is pending still, and is settled again.
        guard rename(pendingPath(sha256), target) == 0 || errno == ENOENT && access(target, F_OK) == 0 else {
            throw Self.failure(target)
        }
    }

    /// It will never be taken.
    func drop(_ sha256: String) { unlink(pendingPath(sha256)) }

    /// The hashes of those that are whole and not in the record yet.
    func waiting() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: pending)) ?? []
        return names.compactMap { name in
            name.hasSuffix(".tar.zst") ? String(name.dropLast(".tar.zst".count)) : nil
        }.sorted()
    }

    private static func synchronize(_ folder: String) throws(UserError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(folder) }
    }
}
