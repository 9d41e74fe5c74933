package import API
import Core
import Foundation
import Glibc
import Host
package import Recording
import SystemPackage

/// Puts a backup into the place of the record.
///
/// The backup is copied beside the record and checked there; then it takes the record's name in one step. What was the record keeps a name
/// beside it. At whatever point this ends, there is a whole record: the old one or the new one.
package struct RecordRestoration {
    package struct Outcome: Sendable, Hashable {
        package var contents: RecordContents
        /// The file that the record before is now; `nil` if there was none, or nothing in it.
        package var kept: String?
    }

    private let directory: StateDirectory

    package init(_ directory: StateDirectory) { self.directory = directory }

    private static let record = "taskwatt.sqlite"
    /// What SQLite keeps beside a database (https://sqlite.org/tempfiles.html).
    private static let journals = ["-wal", "-shm", "-journal"]

    /// - Parameters:
    ///   - file: that `Store.backup` wrote.
    ///   - isReplacing: whether a record that has something makes room.
    ///   - time: seconds since 1970, for the name of what is kept.
    /// - Throws: `UserError`, `StoreError`, `StateError`, `FileProblem`; the record is then as it was.
    package func run(_ file: String, isReplacing: Bool, at time: Double) throws -> Outcome {
        let source: FileHandle
        do throws(BoundedFileError) {
            source = try BoundedFile.plain(file)
        } catch {
            throw UserError(.failed, "\(file) cannot be read: \(error.reason)")
        }
        let journal = try? FileManager.default.attributesOfItem(atPath: "\(file)-wal")
        if let size = journal?[.size] as? Int, size > 0 {
            throw UserError(
                .failed, "\(file) is not a backup: another file, \(file)-wal, has a part of what is in it",
                remedy: "make one with `taskwatt backup`, which copies all of a record")
        }
        try directory.create()
        let lock = try lock()
        let place = try OpenDirectory(directory.path)
        let copy = ".taskwatt.sqlite.restore-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        defer { for name in [copy] + Self.journals.map({ copy + $0 }) { unlinkat(place.descriptor, name, 0) } }
        try self.copy(source, as: copy, in: place, of: file)
        let contents = try Store.examine(copy: "\(directory.path)/\(copy)", of: file)
        let kept = try putAside(in: place, isReplacing: isReplacing, at: time)
        guard renameat(place.descriptor, copy, place.descriptor, Self.record) == 0 else {
            throw FileProblem("\(directory.path)/\(Self.record)", errno: errno, remedy: "check its permissions")
        }
        try place.synchronize()
        _ = consume lock
        return Outcome(contents: contents, kept: kept)
    }

    private func lock() throws -> StateLock {
        do throws(StateError) {
            return try StateLock(directory, holder: "`taskwatt restore`")
        } catch {
            guard case .busy(let path, let holder) = error else { throw error }
            throw UserError(
                .busy, "the record in \(path) is in use by \(holder)",
                remedy: "stop it first; for the service: sudo systemctl stop taskwatt")
        }
    }

    private func copy(_ source: FileHandle, as name: String, in place: OpenDirectory, of file: String) throws {
        // As `Store` makes a record: for its owner and group.
        let copied = try place.file(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o640)
        do {
            try copied.closeAfter {
                while let data = try source.read(upToCount: 1 << 20), !data.isEmpty {
                    try Task.checkCancellation()
                    _ = try copied.writeAll(data)
                }
                guard fsync(copied.rawValue) == 0 else { throw Errno(rawValue: Glibc.errno) }
            }
        } catch let error as Errno {
            throw FileProblem(
                "\(file) cannot be copied to \(directory.path)", errno: error.rawValue,
                remedy: "make room there for a second copy of the record")
        }
    }

    /// Gives the record that is there a second name, and leaves no journal of it: SQLite would take one for the new record's.
    ///
    /// - Returns: that name; `nil` where nothing is kept.
    private func putAside(in place: OpenDirectory, isReplacing: Bool, at time: Double) throws -> String? {
        guard place.status(Self.record) != nil else { return nil }
        let path = "\(directory.path)/\(Self.record)"
        var isWhole = true
        do {
            let old = try Store.contents(of: path)
            if old.isEmpty { return nil }
            if !isReplacing { throw refusal(FigureText.count(old.suites, "suite")) }
        } catch let error as StoreError {
            isWhole = false
            if !isReplacing { throw refusal("a file that cannot be read (\(error))") }
        }
        let stamp = String(Int64(saturating: time))
        let kept = "\(Self.record).before-restore-\(stamp)"
        guard place.status(kept) == nil else {
            throw FileProblem(cause: "\(directory.path)/\(kept) is there already", remedy: "try again in a second")
        }
        // Its name stays until the new one takes it; a file system without links has a moment without a record.
        if linkat(place.descriptor, Self.record, place.descriptor, kept, 0) != 0 {
            try place.rename(Self.record, to: kept)
        }
        // Of one that could not be opened they belong to it, under names by which SQLite finds them.
        for journal in Self.journals where !isWhole && place.status(Self.record + journal) != nil {
            try place.rename(Self.record + journal, to: kept + journal)
        }
        try place.synchronize()
        return "\(directory.path)/\(kept)"
    }

    private func refusal(_ what: String) -> UserError {
        UserError(
            .failed, "there is a record in \(directory.path) already, with \(what)",
            remedy: "--replace puts the backup in its place, and keeps it beside")
    }
}
