package import Core
import Foundation
import GRDB
import Glibc
import Synchronization

/// The record: an SQLite database that keeps every window that was measured.
///
/// A result is one transaction, written through to the disk before the next window begins (`synchronous=FULL`), so that
/// neither a crash nor a power cut takes a finished repeat. Readers and the writer do not wait for each other (WAL).
package final class Store: Sendable {
    package let path: String
    let pool: any DatabaseWriter
    let counter = ChangeCounter()
    /// Who is to have the suites that end from now on.
    let destinations = Mutex<Set<OutboxDestination>>([])

    /// Opens the record in a directory, making both if they are not there.
    ///
    /// - Throws: `StoreError`. A file that is no record of ours, or one of a newer version, is refused and left as it is.
    package convenience init(directory: String) throws(StoreError) {
        let path = "\(directory)/taskwatt.sqlite"
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        } catch {
            throw .cannotOpen(path: directory, reason: "the directory cannot be made")
        }
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            // The daemon makes eight reports at a time, beside which others read a little.
            configuration.maximumReaderCount = 12
            // Before the first table: what old samples leave is then given back a little at a time, and never by a VACUUM that
            // everybody waits for. A file from before stays as it is and uses its free pages again.
            configuration.prepareDatabase { db in
                if !db.configuration.readonly { try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
            }
            try Self.refuseForeign(path)
            Self.makePrivate(path, in: directory)
            let pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB sets a pool's writer to NORMAL, after whatever the configuration says: a power cut could take results.
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try self.init(pool, path: path)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(error, path: path)
        }
    }

    private init(_ pool: any DatabaseWriter, path: String) throws {
        (self.pool, self.path) = (pool, path)
        try Schema.migrator.migrate(pool)
        // What keeps the sums from being made is told to whoever asks for them.
        try? settleSums()
        pool.add(transactionObserver: counter, extent: .databaseLifetime)
    }

    /// A record of one suite that is nowhere but in this process, and goes with it: SQLite keeps it in memory and, where it gets large, in
    /// a file without a name (https://sqlite.org/inmemorydb.html#temp_db).
    package static func temporary(
        _ start: SuiteStart, uuid: String, runs: [RunRecord]
    ) throws(StoreError) -> any RecordReader {
        let name = "the temporary record"
        do {
            let store = try Store(DatabaseQueue(path: ""), path: name)
            try store.writing { db in
                try insert(start, uuid: uuid, db)
                for run in runs { _ = try insert(run, suiteRun: uuid, db) }
            }
            return store
        } catch {
            throw StoreError(error, path: name)
        }
    }

    /// Makes the file where it is missing, for its owner and group alone: SQLite would make it readable by whoever the umask says. Its
    /// journals become as it is itself, mode and owner. Root makes it for whose directory it is.
    package static func makePrivate(_ path: String, in directory: String) {
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard file >= 0 else { return }
        var status = stat()
        if geteuid() == 0, stat(directory, &status) == 0, status.st_uid != 0 {
            fchown(file, status.st_uid, status.st_gid)
        }
        close(file)
    }

    /// Looks at a file that is there before anything of it is changed: a pool's first act is to turn on WAL, which writes.
    static func refuseForeign(_ path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return }
        if isDirectory.boolValue { throw StoreError.cannotOpen(path: path, reason: "it is a directory") }
        var configuration = Configuration()
        // Of a first start that a power cut ended there may be a journal, which SQLite has to play back before it can read, and for
        // which it has to write. That changes nothing but back.
        configuration.readonly = access("\(path)-journal", F_OK) != 0
        configuration.busyMode = .timeout(10)
        try DatabaseQueue(path: path, configuration: configuration).read { db in
            if try Schema.migrator.hasBeenSuperseded(db) { throw StoreError.newerVersion(path: path) }
            // An interrupted first start leaves at most the list of migrations; tables without it are another program's.
            let tables =
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name <> 'grdb_migrations'")
                ?? 0
            if tables > 0, try Schema.migrator.appliedIdentifiers(db).isEmpty {
                throw StoreError.notADatabase(path: path)
            }
        }
    }

    /// Reads a record that may not be there yet; `nil` if it is not.
    package static func existing(directory: String) throws(StoreError) -> Store? {
        let path = "\(directory)/taskwatt.sqlite"
        if access(path, F_OK) != 0 {
            // "Not there" and "not for you" are different things.
            if errno == EACCES { throw .cannotOpen(path: path, reason: "permission denied") }
            return nil
        }
        return try Store(directory: directory)
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try pool.read(body)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// A transaction whose own errors come through as they are. What it changes of the windows is in the sums when it ends.
    func writing<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try pool.write { db in
            let value = try body(db)
            try RecordSums.follow(db)
            return value
        }
    }

    func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try writing(body)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    // MARK: Writing

    /// Begins a suite's record, with its machine and meters.
    ///
    /// - Returns: the UUID that names it.
    package func beginSuiteRun(_ start: SuiteStart) throws(StoreError) -> String {
        let uuid = UUID().uuidString.lowercased()
        try write { db in try Self.insert(start, uuid: uuid, db) }
        return uuid
    }

    static func insert(_ start: SuiteStart, uuid: String, importID: Int64? = nil, _ db: Database) throws {
        let machine = try machineID(db, start)
        for meter in start.meters {
            try MeterRow(id: nil, machineId: machine, name: meter.id, description: try RecordJSON.text(meter))
                .insert(db, onConflict: .ignore)
        }
        try SuiteRunRow(
            id: nil, uuid: uuid, machineId: machine, suite: start.suite, suiteText: start.suiteText,
            options: start.options, machineState: start.machineState, taskwattVersion: start.version,
            startedAt: start.startedAt, endedAt: nil, status: "running", error: nil, source: start.source.rawValue,
            importId: importID, preflight: start.preflight, label: start.label
        ).insert(db)
    }

    private static func machineID(_ db: Database, _ start: SuiteStart) throws -> Int64 {
        let fingerprint = MachineFingerprint.of(machineName: start.machineName, inventory: start.inventory)
        try MachineRow(
            id: nil, fingerprint: fingerprint, name: start.machineName, inventory: start.inventory,
            firstSeen: start.startedAt
        ).insert(db, onConflict: .ignore)
        return try Int64.fetchOne(db, sql: "SELECT id FROM machine WHERE fingerprint = ?", arguments: [fingerprint])
            ?? 0
    }

    /// Keeps one window with its domains and samples, in one transaction.
    package func record(_ run: RunRecord, samples: [Sample], suiteRun uuid: String) throws(StoreError) {
        try write { db in try Self.insert(samples, run: try Self.insert(run, suiteRun: uuid, db), db) }
    }

    /// - Returns: the id of the run.
    static func insert(_ run: RunRecord, suiteRun uuid: String, _ db: Database) throws -> Int64 {
        let suite = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT id FROM suite_run WHERE uuid = ?"), arguments: [uuid])
        guard let suite else {
            throw DatabaseError(resultCode: .SQLITE_CONSTRAINT, message: "there is no suite run \(uuid) in the record")
        }
        try RunRow(run, suiteRun: suite).insert(db)
        let id = db.lastInsertedRowID
        try RunRecordRow(run, run: id).insert(db)
        for (index, domain) in run.energy.domains.enumerated() {
            try DomainRow(domain, run: id, position: index).insert(db)
        }
        for (index, total) in run.energy.otherScopes.enumerated() {
            try ScopeRow(total, run: id, position: index).insert(db)
        }
        return id
    }

    /// Keeps samples that belong to no run.
    package func record(_ samples: [Sample]) throws(StoreError) {
        guard !samples.isEmpty else { return }
        try write { db in try Self.insert(samples, run: nil, db) }
    }

    private static func insert(_ samples: [Sample], run: Int64?, _ db: Database) throws {
        for sample in samples { try insert(sample, run: run, db) }
    }

    static func insert(_ sample: Sample, run: Int64?, _ db: Database) throws {
        try SampleRow(sample, run: run).write(db)
    }

    /// Ends a suite's record.
    package func endSuiteRun(
        _ uuid: String, status: RunStatus, error: String?, at time: Double
    ) throws(StoreError) {
        try write { db in
            try Self.end(uuid, status: status, error: error, at: time, db)
            try addToOutbox("uuid = ?", [uuid], at: time, db)
        }
    }

    static func end(_ uuid: String, status: RunStatus, error: String?, at time: Double, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE suite_run SET status = ?, error = ?, ended_at = ? WHERE uuid = ?",
            arguments: [status.rawValue, error, time, uuid])
    }

    /// Whether a suite is said to run.
    package func hasRunningSuite() throws(StoreError) -> Bool {
        try read { db in
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM suite_run WHERE status = 'running')") ?? false
        }
    }

    /// Marks what was running when the last process ended without a word. Only whoever holds the state directory's lock
    /// may call this.
    package func markInterrupted() throws(StoreError) -> Int {
        try write { db in
            try addToOutbox("status = 'running'", [], at: Date().timeIntervalSince1970, db)
            try db.execute(
                sql: "UPDATE suite_run SET status = 'interrupted', error = 'the process ended' WHERE status = 'running'"
            )
            return db.changesCount
        }
    }
}
