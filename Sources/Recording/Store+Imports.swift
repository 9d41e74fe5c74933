package import Core
import Foundation
import GRDB

/// A file whose measurements are brought into the record.
package struct ImportedFile: Sendable, Hashable {
    package var source: RecordSource
    /// As the user named it; a label.
    package var name: String
    package var sha256: String
    /// Seconds since 1970.
    package var importedAt: Double

    package init(source: RecordSource, name: String, sha256: String, importedAt: Double) {
        self.source = source
        self.name = name
        self.sha256 = sha256
        self.importedAt = importedAt
    }
}

/// Writes what comes from one file. It is valid inside `Store.importing` only.
package struct ImportWriter {
    fileprivate let database: Database
    fileprivate let importID: Int64

    /// Begins the record of a suite that was measured elsewhere.
    ///
    /// - Parameter uuid: by which it is known again when the file is imported once more.
    /// - Returns: false if the record has it already, and then nothing of it may be written.
    package func begin(_ start: Store.SuiteStart, uuid: String) throws -> Bool {
        let known = try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM suite_run WHERE uuid = ?)", arguments: [uuid])
        if known == true { return false }
        try Store.insert(start, uuid: uuid, importID: importID, database)
        return true
    }

    package func record(_ run: RunRecord, samples: [Sample] = [], suiteRun uuid: String) throws {
        try Store.insert(run, samples, suiteRun: uuid, database)
    }

    package func end(_ uuid: String, status: RunStatus, error: String? = nil, at time: Double) throws {
        try Store.end(uuid, status: status, error: error, at: time, database)
    }
}

extension Store {
    /// Brings one file into the record, in one transaction: all of it or, where `body` throws, nothing.
    ///
    /// A file that brings nothing new leaves no trace.
    ///
    /// - Throws: what `body` throws, or `StoreError`.
    package func importing<Value>(
        _ file: ImportedFile, _ body: (ImportWriter) throws -> Value
    ) throws -> Value {
        do {
            return try writing { db in
                try db.execute(
                    sql: "INSERT INTO import (source, file, sha256, imported_at) VALUES (?, ?, ?, ?)",
                    arguments: [file.source.rawValue, file.name, file.sha256, file.importedAt])
                let id = db.lastInsertedRowID
                let value = try body(ImportWriter(database: db, importID: id))
                try db.execute(
                    sql: """
                        DELETE FROM import
                        WHERE id = ? AND NOT EXISTS (SELECT 1 FROM suite_run WHERE import_id = import.id)
                        """, arguments: [id])
                return value
            }
        } catch let error as DatabaseError {
            throw StoreError(error, path: path)
        }
    }
}
