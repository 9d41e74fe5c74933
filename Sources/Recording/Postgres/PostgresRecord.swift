import Core
import Foundation
package import Postgres

/// The record of many machines, in PostgreSQL: of what `Store` keeps all but samples and the queue.
///
/// Whoever asks waits for the server on the thread that asks, as for a file, and no longer than the limits say. What is written goes
/// through a queue of its own, in the order of the calls. Where a connection breaks, whatever the server made of what was under way, the
/// same is asked or written again on another one: windows and suites are known by names that they have before they are sent.
package struct PostgresRecord: Sendable {
    let pool: PostgresPool
    /// In the order of the calls.
    let queue: PostgresQueue
    /// Of files, whose order does not matter.
    let importQueue: PostgresQueue

    /// - Parameters:
    ///   - address: such as `postgresql://host/database?sslmode=verify-full`; see `PostgresAddress`.
    /// - Throws: `StoreError`. A database without a record, or with one of a newer version, is left as it is.
    package init(_ address: String, limits: PostgresLimits = PostgresLimits()) throws(StoreError) {
        self = try Self.connected(address, limits)
        try prepared()
    }

    private init(pool: PostgresPool) {
        self.pool = pool
        queue = PostgresQueue(most: 1)
        // Half of the connections, so that those who ask are not kept waiting.
        importQueue = PostgresQueue(most: max(1, pool.limits.mostConnections / 2))
    }

    private static func connected(_ address: String, _ limits: PostgresLimits) throws(StoreError) -> PostgresRecord {
        do throws(PostgresError) {
            return PostgresRecord(
                pool: PostgresPool(try PostgresAddress(address), limits, setup: PostgresSchema.setup))
        } catch {
            throw .server(error.userError)
        }
    }

    /// For messages: host and database.
    package var name: String { pool.address.name }

    // MARK: Schema

    /// Makes the record where there is none, and brings one of an earlier version up to date, a transaction a step. Several may try at once.
    ///
    /// - Returns: how many steps it took; 0 where the record was up to date.
    /// - Throws: `StoreError`. A record of a newer version is left as it is.
    @discardableResult
    package static func migrate(
        _ address: String, limits: PostgresLimits = PostgresLimits()
    ) throws(StoreError) -> Int {
        let record = try connected(address, limits)
        return try record.asking { connection in
            guard connection.serverVersion >= oldestServer else {
                throw StoreError.server(
                    UserError(
                        .unavailable, "\(record.name) is older than version 15", remedy: "update the server"))
            }
            var steps = 0
            while try record.migrateOnce(connection) { steps = steps.addingSaturated(1) }
            return steps
        }
    }

    private static let oldestServer = 150_000

    private func migrateOnce(_ connection: PostgresConnection) throws -> Bool {
        try pool.transaction(connection) {
            // Until the end of the transaction.
            try connection.run("SELECT pg_advisory_xact_lock($1::bigint)", [.init(PostgresSchema.migrationLock)])
            for statement in PostgresSchema.versions { try connection.run(statement) }
            let version = try self.version(connection) ?? 0
            let known = PostgresSchema.migrations
            guard version <= known.count else { throw newer }
            guard version < known.count else {
                for statement in PostgresSchema.grants { try connection.run(statement) }
                return false
            }
            let next = known[version]
            for statement in next.statements { try connection.run(statement) }
            try connection.run(
                "INSERT INTO schema_version (version, name) VALUES ($1::bigint, $2)",
                [.init(version + 1), .init(next.name)])
            return true
        }
    }

    /// `nil` where there is no record.
    private func version(_ connection: PostgresConnection) throws -> Int? {
        let isThere: Bool? = try connection.run("SELECT to_regclass('taskwatt.schema_version') IS NOT NULL AS found")
            .first?
            .value("found")
        guard isThere == true else { return nil }
        return try connection.run("SELECT coalesce(max(version), 0) AS version FROM taskwatt.schema_version").first?
            .value("version")
    }

    var newer: StoreError {
        .server(
            UserError(
                .failed, "the record in \(name) was made by a newer taskwatt (nothing was changed)",
                remedy: "update this one"))
    }

    private func prepared() throws(StoreError) {
        let version = try asking { connection in try self.version(connection) }
        guard let version else {
            throw .server(
                UserError(.notFound, "there is no record in \(name) yet", remedy: "`taskwatt collect init` makes one"))
        }
        if version > PostgresSchema.migrations.count { throw newer }
        if version < PostgresSchema.migrations.count {
            throw .server(
                UserError(
                    .unavailable, "the record in \(name) is of an earlier version",
                    remedy: "restart taskwatt-collect, or run `taskwatt collect init` while it is stopped"))
        }
    }

    // MARK: Asking

    /// Works with a connection, and does so again where that may help.
    func asking<Value>(_ body: (PostgresConnection) throws -> Value) throws(StoreError) -> Value {
        do { return try pool.retrying { connection, _ in try body(connection) } } catch { throw storeError(error) }
    }

    /// The same, all from one moment of the record.
    func reading<Value>(_ body: (PostgresConnection) throws -> Value) throws(StoreError) -> Value {
        try asking { connection in
            try pool.transaction(connection, "ISOLATION LEVEL REPEATABLE READ READ ONLY") { try body(connection) }
        }
    }

    func rows(_ sql: String, _ parameters: [PostgresParameter] = []) throws(StoreError) -> [PostgresRow] {
        try asking { try $0.run(sql, parameters).rows }
    }

    /// Hands on rows one at a time. What has been handed on is not asked for again.
    func each(
        _ sql: String, _ parameters: [PostgresParameter], _ body: (PostgresRow) throws -> Void
    ) throws(StoreError) {
        var hasBegun = false
        try asking { connection in
            do {
                try connection.each(sql, parameters) { row in
                    hasBegun = true
                    try body(row)
                }
            } catch let error as PostgresError where hasBegun {
                throw storeError(error)
            }
        }
    }

    func storeError(_ error: any Error) -> StoreError {
        switch error {
        case let error as StoreError: error
        case let error as DamagedRow: .damaged(path: name, error)
        case let error as PostgresError: .server(error.userError)
        case let error as any UserFacingError: .server(error.userError)
        case is RecordSums.Damage: .failed(path: name, reason: PostgresSumsReader.damage)
        default: .failed(path: name, reason: "\(error)")
        }
    }
}

/// Where writes take turns: neither the threads of tasks nor an actor wait for the server.
final class PostgresQueue: Sendable {
    private let queue = OperationQueue()

    /// - Parameter most: so much is carried out at once.
    init(most: Int) { queue.maxConcurrentOperationCount = most }

    func carryOut<Value: Sendable>(
        _ work: @escaping @Sendable () throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result = await withCheckedContinuation { (done: CheckedContinuation<Result<Value, StoreError>, Never>) in
            queue.addOperation {
                do throws(StoreError) {
                    done.resume(returning: .success(try work()))
                } catch {
                    done.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}

extension ColumnName {
    /// All columns of a table as they stand behind SELECT; `precision` and some others are words of SQL too.
    static func postgres(of table: String) -> String {
        allCases.map { "\(table).\"\($0.stringValue)\"" }.joined(separator: ", ")
    }

    /// The same as they stand in INSERT.
    static var quoted: String { allCases.map { "\"\($0.stringValue)\"" }.joined(separator: ", ") }
}
