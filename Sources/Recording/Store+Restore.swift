import Core
import GRDB

/// What a file that may be a record holds.
package struct RecordContents: Sendable, Hashable {
    package var suites: Int
    package var runs: Int
    package var samples: Bool
    /// Of its queue, those that have not ended.
    package var waitingJobs: Int

    package var isEmpty: Bool { suites == 0 && !samples && waitingJobs == 0 }
}

extension Store {
    /// Checks a copy of a record: that it is a record, of this version or one before, and that SQLite finds every page of it whole
    /// (https://sqlite.org/pragma.html#pragma_integrity_check). It reads all of it, and leaves it as one file without journals.
    ///
    /// - Parameters:
    ///   - path: where it is; nobody else may use it.
    ///   - name: of the file that it is a copy of, for messages.
    /// - Throws: `StoreError`.
    package static func examine(copy path: String, of name: String) throws(StoreError) -> RecordContents {
        do {
            try refuseForeign(path)
            return try isolated(path) { db in
                guard try !Schema.migrator.appliedIdentifiers(db).isEmpty else {
                    throw StoreError.notADatabase(path: name)
                }
                let found = try String.fetchAll(db, sql: "PRAGMA integrity_check(1)")
                guard found == ["ok"] else {
                    throw StoreError.failed(
                        path: name,
                        reason: "it is damaged (\(found.first ?? "SQLite does not say how")); use another backup")
                }
                return try contents(db)
            }
        } catch let error as StoreError {
            // The copy's own name says nothing to anybody.
            switch error {
            case .newerVersion: throw .newerVersion(path: name)
            case .notADatabase: throw .notADatabase(path: name)
            default: throw error
            }
        } catch {
            throw StoreError(error, path: name)
        }
    }

    /// What a record of any version holds, which is then one file without journals.
    ///
    /// - Throws: `UserError` that is `busy` where another process has it open; `StoreError` where it cannot be read.
    package static func contents(of path: String) throws -> RecordContents {
        do {
            return try isolated(path) { try contents($0) }
        } catch let error as DatabaseError where error.resultCode.primaryResultCode == .SQLITE_BUSY {
            throw UserError(.busy, "\(path) is in use by another process", remedy: "wait for it to end, and try again")
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Opens a record that nobody else uses, and leaves it without journals: what is in them is in the file then.
    ///
    /// - Throws: what SQLite says; `SQLITE_BUSY` where another process has it open.
    private static func isolated<Value>(_ path: String, _ body: (Database) throws -> Value) throws -> Value {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let value = try queue.read(body)
        try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = DELETE") }
        try queue.close()
        return value
    }

    private static func contents(_ db: Database) throws -> RecordContents {
        // Records of old versions do not have all tables.
        func count(_ sql: String, of table: String) throws -> Int {
            try db.tableExists(table) ? try Int.fetchOne(db, sql: sql) ?? 0 : 0
        }
        return RecordContents(
            suites: try count("SELECT count(*) FROM suite_run", of: "suite_run"),
            runs: try count("SELECT count(*) FROM run", of: "run"),
            samples: try count("SELECT EXISTS (SELECT * FROM sample)", of: "sample") > 0
                || count("SELECT EXISTS (SELECT * FROM stretch)", of: "stretch") > 0,
            waitingJobs: try count("SELECT count(*) FROM job WHERE state IN ('queued', 'running')", of: "job"))
    }
}
