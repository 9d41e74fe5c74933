package import Core
import GRDB
import Glibc

/// Why the record cannot be opened or written: one line with the remedy.
package enum StoreError: UserFacingError, Sendable, Hashable {
    case cannotOpen(path: String, reason: String)
    /// SQLite needs to write beside a record even to read it.
    case readOnly(path: String)
    case newerVersion(path: String)
    case notADatabase(path: String)
    case full(path: String)
    /// One row holds what cannot be; the others are read.
    case damaged(path: String, DamagedRow)
    case failed(path: String, reason: String)
    /// Of a record that a server keeps, as a user sees it.
    case server(UserError)

    init(_ error: any Error, path: String) {
        if let error = error as? DamagedRow {
            self = .damaged(path: path, error)
            return
        }
        guard let error = error as? DatabaseError else {
            self = .failed(path: path, reason: "\(error)")
            return
        }
        switch error.resultCode.primaryResultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT: self = .notADatabase(path: path)
        case .SQLITE_FULL, .SQLITE_IOERR: self = .full(path: path)
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            self = .unopenable(path, Self.obstacle(path))
        default: self = .failed(path: path, reason: error.message ?? "error \(error.resultCode.rawValue)")
        }
    }

    /// What keeps this process from writing to a record, or beside it: a number of errno(3), 0 of nothing that it can see.
    private static func obstacle(_ path: String) -> Int32 {
        for place in [path, path.directoryPart] where access(place, W_OK) != 0 { return errno }
        return 0
    }

    static func unopenable(_ path: String, _ error: Int32) -> StoreError {
        switch error {
        case EROFS: .readOnly(path: path)
        case EACCES, EPERM: .cannotOpen(path: path, reason: "permission denied")
        case ENOENT, ENOTDIR: .cannotOpen(path: path, reason: "its directory is missing")
        default: .cannotOpen(path: path, reason: "permission denied, or its directory is missing")
        }
    }

    package var userError: UserError {
        switch self {
        case .cannotOpen(let path, let reason):
            UserError(.failed, "\(path) cannot be opened: \(reason)", remedy: "choose another place with --state-dir")
        case .readOnly(let path):
            UserError(
                .failed, "\(path) is on a read-only file system, and SQLite needs to write beside a record to read it",
                remedy: "copy its directory elsewhere, and read the copy with --state-dir")
        case .newerVersion(let path):
            UserError(
                .failed, "\(path) was written by a newer taskwatt (nothing was changed)",
                remedy: "update this one, or choose another place with --state-dir")
        case .notADatabase(let path):
            UserError(
                .damaged, "\(path) is not a database of taskwatt, or is damaged (nothing was changed)",
                remedy:
                    "put the last `taskwatt backup` in its place, or try `sqlite3 OLD .recover | sqlite3 NEW`; moved away, a new record "
                    + "begins empty")
        case .full(let path):
            UserError(
                .failed, "\(path) cannot be written: the disk is full or failing", remedy: "make room and run again")
        case .damaged(let path, let row):
            UserError(
                .damaged, "\(path): \(row)",
                remedy: "it is in no table and no report; `taskwatt import undo` takes it out where it was imported")
        case .failed(let path, let reason): UserError(.failed, "\(path): \(reason)")
        case .server(let error): error
        }
    }
}
