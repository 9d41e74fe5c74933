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

/// A file that records were brought from, as the record knows it.
package struct StoredImport: Sendable, Hashable, Codable {
    package var id: Int64
    package var source: RecordSource
    package var file: String
    package var sha256: String
    /// Seconds since 1970.
    package var importedAt: Double
    package var suites: Int
    package var runs: Int

    enum CodingKeys: String, CodingKey {
        case id, source, file, sha256, suites, runs
        case importedAt = "imported_at_unix_s"
    }
}

/// Writes what comes from one file to a store.
private struct StoreImportWriter: ImportWriter {
    let database: Database
    let importID: Int64

    func begin(_ start: SuiteStart, uuid: String) throws -> Bool {
        let known = try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM suite_run WHERE uuid = ?)", arguments: [uuid])
        if known == true { return false }
        try Store.insert(start, uuid: uuid, importID: importID, database)
        return true
    }

    func record(
        _ run: RunRecord, suiteRun uuid: String, samples: (_ keep: (Sample) throws -> Void) throws -> Void
    ) throws {
        let id = try Store.insert(run, suiteRun: uuid, database)
        try samples { sample in try Store.insert(sample, run: id, database) }
    }

    func end(_ uuid: String, status: RunStatus, error: String?, at time: Double) throws {
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
        _ file: ImportedFile, _ body: (any ImportWriter) throws -> Value
    ) throws -> Value {
        do {
            return try writing { db in
                try ImportRow(
                    id: nil, source: file.source.rawValue, file: file.name, sha256: file.sha256,
                    importedAt: file.importedAt
                ).insert(db)
                let id = db.lastInsertedRowID
                let value = try body(StoreImportWriter(database: db, importID: id))
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

    /// The files that records were brought from, in the order of their coming.
    package func imports() throws(StoreError) -> [StoredImport] {
        try read { db in try Self.imports(db, where: "TRUE", []) }
    }

    private static func imports(
        _ db: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [StoredImport] {
        let columns = Selection<ImportRow.CodingKeys>(of: ImportRow.databaseTableName)
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(columns.sql), count(DISTINCT suite_run.id) AS suites, count(run.id) AS runs
                FROM import LEFT JOIN suite_run ON import_id = import.id LEFT JOIN run ON suite_run_id = suite_run.id
                WHERE \(condition) GROUP BY import.id ORDER BY import.id
                """, arguments: arguments)
        return try wholeRows(rows) { row in try stored(row, columns) }
    }

    private static func stored(_ row: Row, _ columns: Selection<ImportRow.CodingKeys>) throws -> StoredImport {
        let read = columns.reader(row)
        return StoredImport(
            id: try read(.id), source: RecordSource(rawValue: try read(.source)) ?? .taskwatt,
            file: try read(.file), sha256: try read(.sha256), importedAt: try read.time(.importedAt),
            suites: try row.value("suites"), runs: try row.value("runs"))
    }

    /// - Parameter columns: of `import`, as they stand behind SELECT.
    static func importPageQuery(_ columns: String) -> String {
        """
        SELECT \(columns),
            (SELECT count(*) FROM suite_run WHERE import_id = import.id) AS suites,
            (SELECT count(*) FROM suite_run JOIN run ON run.suite_run_id = suite_run.id
                WHERE import_id = import.id) AS runs
        FROM import WHERE import.id < coalesce(?, 9223372036854775807) ORDER BY import.id DESC
        """
    }

    package func imports(before: Int64?, limit: Int) throws(StoreError) -> [StoredImport] {
        try read { db in
            let columns = Selection<ImportRow.CodingKeys>(of: ImportRow.databaseTableName)
            let rows = try Row.fetchCursor(db, sql: Self.importPageQuery(columns.sql), arguments: [before])
            // What cannot be is left out, and makes no page shorter.
            return try Self.wholeRows(rows, limit: limit) { row in try Self.stored(row, columns) }
        }
    }

    /// Takes out of the record what a file brought, in one transaction.
    ///
    /// - Returns: what was taken out; `nil` if there is no such import.
    package func undoImport(_ id: Int64) throws(StoreError) -> StoredImport? {
        try write { db in
            guard let found = try Self.imports(db, where: "import.id = ?", [id]).first else { return nil }
            // Runs and samples go with their suites.
            try db.execute(sql: "DELETE FROM suite_run WHERE import_id = ?", arguments: [id])
            try db.execute(sql: "DELETE FROM import WHERE id = ?", arguments: [id])
            return found
        }
    }
}
