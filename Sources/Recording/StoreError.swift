import GRDB

/// Why the record cannot be opened or written: one line with the remedy.
package enum StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    case cannotOpen(path: String, reason: String)
    case newerVersion(path: String)
    case notADatabase(path: String)
    case full(path: String)
    /// One row holds what cannot be; the others are read.
    case damaged(path: String, DamagedRow)
    case failed(path: String, reason: String)

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
            self = .cannotOpen(path: path, reason: "permission denied, or its directory is missing")
        default: self = .failed(path: path, reason: error.message ?? "error \(error.resultCode.rawValue)")
        }
    }

    package var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "\(path) cannot be opened: \(reason); choose another place with --state-dir"
        case .newerVersion(let path):
            "\(path) was written by a newer taskwatt; update this one, or choose another place with --state-dir (nothing "
                + "was changed)"
        case .notADatabase(let path):
            "\(path) is no database of taskwatt, or is damaged; move it away and run again (nothing was changed)"
        case .full(let path): "\(path) cannot be written: the disk is full or failing; make room and run again"
        case .damaged(let path, let row):
            "\(path): \(row); it is in no table and no report, and may be taken out by `taskwatt import undo` where it was imported"
        case .failed(let path, let reason): "\(path): \(reason)"
        }
    }
}
