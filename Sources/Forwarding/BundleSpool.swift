import Core
import Digests
package import Exchange
import Foundation
import Glibc
import Host
package import Recording

/// Bundles that are being sent, each in a file that stays until its destination has it: what is sent again is the same to the byte, also by
/// a newer version of this program, and is made once.
///
/// There is one a destination at a time, and so they need no limit but the disk's.
package struct BundleSpool: Sendable {
    /// Why there is no bundle to send.
    enum Failure: Error {
        /// The record has no such suite, or nothing was measured in it.
        case nothingToSend
        /// The disk is too full.
        case noRoom(String)
        /// It cannot be made of what the record has.
        case unusable(String)
        /// It cannot be made now.
        case notNow(String)
    }

    private let store: Store
    private let directory: String
    private let version: String
    private let leastFree: Int64
    private let redaction: @Sendable () throws -> Redaction
    private let freeBytes: @Sendable (String) -> Int64?

    /// What a bundle may not take of the disk: the record needs it for what is measured next.
    package static let leastFree: Int64 = 256 << 20

    /// - Parameters:
    ///   - directory: of this process's alone; it is made when it is needed.
    ///   - version: of this program.
    ///   - freeBytes: of the disk that a path is on.
    package init(
        _ store: Store, directory: String, version: String, leastFree: Int64 = BundleSpool.leastFree,
        redaction: @escaping @Sendable () throws -> Redaction = { try Redaction.ofThisMachine() },
        freeBytes: @escaping @Sendable (String) -> Int64? = DiskSpace.free
    ) {
        self.store = store
        self.directory = directory
        self.version = version
        self.leastFree = leastFree
        self.redaction = redaction
        self.freeBytes = freeBytes
    }

    private func path(_ suiteRun: String, _ isRedacted: Bool) -> String {
        "\(directory)/\(suiteRun)\(isRedacted ? ".redacted" : "").tar.zst"
    }

    /// The bundle of a suite, made where it is not there yet.
    func bundle(_ suiteRun: String, isRedacted: Bool) async throws(Failure) -> PackedBundle {
        let path = path(suiteRun, isRedacted)
        do {
            if access(path, F_OK) != 0 { try await make(path, suiteRun, isRedacted) }
            let (bytes, sha256) = try Self.digest(path)
            return PackedBundle(suiteRun: suiteRun, path: path, bytes: bytes, sha256: sha256)
        } catch let failure as Failure {
            throw failure
        } catch let error as BundleError where error.cause != .machine {
            throw .unusable("\(error)")
        } catch {
            throw .notNow("\(UserError(error))")
        }
    }

    private func make(_ path: String, _ suiteRun: String, _ isRedacted: Bool) async throws {
        guard let suite = try store.suite(suiteRun), suite.source == .taskwatt,
            try !store.runs(RunFilter(suiteRun: suiteRun), after: 0, limit: 1).isEmpty
        else { throw Failure.nothingToSend }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if let free = freeBytes(directory), free < leastFree {
            throw Failure.noRoom(
                "\(directory) has \(free >> 20) MiB left, and \(leastFree >> 20) MiB are kept free; make room")
        }
        let redaction = isRedacted ? try redaction() : nil
        try await BundleWriter(store, redaction: redaction, version: version).write(
            [suiteRun], to: path, isReplacing: true, isPrivate: true)
    }

    /// Of a file, in bytes and hexadecimal.
    static func digest(_ path: String) throws -> (bytes: Int64, sha256: String) {
        let hash = SHA256()
        let bytes = try hash.update(fileAt: path)
        return (bytes, try hash.finalize().hexadecimal)
    }

    /// Its destination has it, or will not have it.
    func discard(_ bundle: PackedBundle) { unlink(bundle.path) }

    /// Removes what an earlier process left: half a file, and bundles of suites that wait no longer.
    package func sweep() {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else { return }
        guard let entries = try? store.outbox(limit: 1_000_000) else { return }
        let waiting = Set(
            entries.lazy.filter { !$0.isParked }.flatMap { entry in
                [false, true].map { path(entry.suiteRun, $0) }
            })
        for name in names where !waiting.contains("\(directory)/\(name)") {
            try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
        }
    }
}
