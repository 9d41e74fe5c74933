package import Core
import Foundation
import Postgres

extension PostgresRecord: RecordWriter {
    package func beginSuiteRun(_ start: SuiteStart) async throws(StoreError) -> String {
        let uuid = UUID().uuidString.lowercased()
        var batch = PostgresBatch()
        batch.suites = [PostgresBatch.Suite(start: start, uuid: uuid)]
        try await write(batch)
        return uuid
    }

    /// Without its samples, which stay in the bundles.
    package func record(_ run: RunRecord, samples: [Sample], suiteRun uuid: String) async throws(StoreError) {
        try await queue.carryOut { () throws(StoreError) in
            var batch = PostgresBatch()
            batch.windows = [PostgresBatch.Window(id: 0, suite: uuid, run: run)]
            try apply(batch)
        }
    }

    package func endSuiteRun(
        _ uuid: String, status: RunStatus, error: String?, at time: Double
    ) async throws(StoreError) {
        var batch = PostgresBatch()
        batch.ends = [PostgresBatch.End(uuid: uuid, status: status, error: error, time: time)]
        try await write(batch)
    }

    /// Brings one file into the record. `body` is carried out where it is called, and what it writes is kept until it ends, and then written
    /// in one transaction.
    ///
    /// - Throws: what `body` throws, or `StoreError`.
    package func importing<Value>(
        _ file: ImportedFile, _ body: (any ImportWriter) throws -> Value
    ) async throws -> Value {
        let writer = PostgresImportWriter(self, file)
        let value = try body(writer)
        let batch = writer.batch
        // What is there already is not written again.
        if batch.suites.isEmpty { return value }
        try await importQueue.carryOut { () throws(StoreError) in try apply(batch) }
        return value
    }

    package func undoImport(_ id: Int64) async throws(StoreError) -> StoredImport? {
        try await queue.carryOut { () throws(StoreError) in
            try changing { connection, _ in
                guard let found = try imports(connection, "WHERE import.id = $1::bigint", [.init(id)]).first else {
                    return nil
                }
                var sums = PostgresSums(connection)
                let days = try sums.days(
                    ofSuites: "SELECT id FROM suite_run WHERE import_id = $1::bigint", [.init(id)])
                // Windows go with their suites.
                try connection.run("DELETE FROM suite_run WHERE import_id = $1::bigint", [.init(id)])
                try connection.run("DELETE FROM import WHERE id = $1::bigint", [.init(id)])
                try sums.merge(days)
                return found
            }
        }
    }

    private func write(_ batch: PostgresBatch) async throws(StoreError) {
        try await queue.carryOut { () throws(StoreError) in try apply(batch) }
    }

    /// In one transaction, again and again until it is certain that it was carried out, within the limits.
    private func apply(_ batch: PostgresBatch) throws(StoreError) {
        var batch = batch
        if !batch.windows.isEmpty {
            // In the order of the calls, which is the order of the record.
            let ids = try rows(
                "SELECT nextval('run_id') AS id FROM generate_series(1, $1::bigint)", [.init(batch.windows.count)])
            do {
                for (index, row) in zip(batch.windows.indices, ids) { batch.windows[index].id = try row.value("id") }
            } catch {
                throw storeError(error)
            }
        }
        try changing { [batch] connection, attempt in try batch.write(connection, attempt: attempt) }
    }

    private func changing<Value>(
        _ body: (PostgresConnection, _ attempt: Int) throws -> Value
    ) throws(StoreError) -> Value {
        do {
            return try pool.retrying { connection, attempt in
                try pool.transaction(connection) { try body(connection, attempt) }
            }
        } catch {
            throw storeError(error)
        }
    }
}

extension PostgresRecord: HeldRecord {
    /// - Throws: in any case: the server's own programs make copies of a database.
    package func backup(to file: String) throws(StoreError) {
        throw .server(
            UserError(
                .unavailable, "a record in PostgreSQL is not copied by taskwatt",
                remedy: "copy the database: pg_dump --format=custom"))
    }
}

/// Takes down what comes from one file.
private final class PostgresImportWriter: ImportWriter {
    /// A file has no more windows: they are held in memory until its end.
    private static let mostWindows = 100_000

    private let record: PostgresRecord
    private(set) var batch = PostgresBatch()
    private var begun: Set<String> = []

    init(_ record: PostgresRecord, _ file: ImportedFile) {
        self.record = record
        batch.file = file
    }

    func begin(_ start: SuiteStart, uuid: String) throws -> Bool {
        if begun.contains(uuid) { return false }
        let known = try record.rows(
            "SELECT EXISTS (SELECT FROM suite_run WHERE uuid = $1) AS known", [PostgresParameter(uuid)])
        if try known.first?.value("known") ?? false { return false }
        batch.suites.append(PostgresBatch.Suite(start: start, uuid: uuid))
        begun.insert(uuid)
        return true
    }

    func record(
        _ run: RunRecord, suiteRun uuid: String, samples: (_ keep: (Sample) throws -> Void) throws -> Void
    ) throws {
        try refuse(unbegun: uuid)
        // Whoever hands them on may count them.
        try samples { _ in }
        guard batch.windows.count < Self.mostWindows else {
            throw UserError(
                .failed, "\(batch.file?.name ?? "the file") has more than \(Self.mostWindows) windows",
                remedy: "split it")
        }
        batch.windows.append(PostgresBatch.Window(id: 0, suite: uuid, run: run))
    }

    func end(_ uuid: String, status: RunStatus, error: String?, at time: Double) throws {
        try refuse(unbegun: uuid)
        batch.ends.append(PostgresBatch.End(uuid: uuid, status: status, error: error, time: time))
    }

    private func refuse(unbegun uuid: String) throws {
        guard begun.contains(uuid) else {
            throw StoreError.failed(path: record.name, reason: "there is no suite run \(uuid) in what is imported")
        }
    }
}
