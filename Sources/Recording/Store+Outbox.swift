import GRDB
import Synchronization

/// Who is to have the suites that are measured here, beside this record.
package enum OutboxDestination: String, Sendable, Hashable, Codable, CaseIterable {
    /// A server that keeps the records of many machines.
    case collector
    /// A directory that many machines share.
    case drop
}

/// A suite that a destination is still to have.
package struct OutboxEntry: Sendable, Hashable, Codable, Identifiable {
    package var id: Int64
    /// The suite's UUID.
    package var suiteRun: String
    package var destination: OutboxDestination
    /// Seconds since 1970, as the next one.
    package var addedAt: Double
    /// Before this it is not tried again.
    package var dueAt: Double
    /// How often it was tried in vain.
    package var attempts: Int
    /// Why the last attempt failed; `nil` before the first.
    package var problem: String?
    /// Whether the destination refused it, so that only a user has it sent again.
    package var isParked: Bool

    enum CodingKeys: String, CodingKey {
        case id, destination, attempts, problem
        case suiteRun = "suite_run"
        case addedAt = "added_at_unix_s"
        case dueAt = "due_at_unix_s"
        case isParked = "parked"
    }

    private static let columns = Selection<OutboxRow.CodingKeys>(of: OutboxRow.databaseTableName)

    static func fetch(_ db: Database, _ rest: String, _ arguments: StatementArguments = []) throws -> [OutboxEntry] {
        let rows = try Row.fetchCursor(db, sql: "SELECT \(columns.sql) FROM outbox \(rest)", arguments: arguments)
        return try Store.wholeRows(rows) { row in
            let read = columns.reader(row)
            guard let destination = OutboxDestination(rawValue: try read(.destination)) else {
                throw DamagedRow(reason: "`destination` of the outbox is of a newer version")
            }
            let attempts: Int = try read(.attempts)
            let parked: Int = try read(.parked)
            guard (0...Int(Int32.max)).contains(attempts) else {
                throw DamagedRow(reason: "\(attempts) are no attempts")
            }
            return OutboxEntry(
                id: try read(.id), suiteRun: try read(.suiteRun), destination: destination,
                addedAt: try read.time(.addedAt), dueAt: try read.time(.dueAt), attempts: attempts,
                problem: try read(.problem), isParked: parked != 0)
        }
    }
}

/// What of the record is still to be sent, for those who watch it.
package struct OutboxSummary: Sendable, Hashable, Codable {
    /// Those that are sent by themselves.
    package var entries: Int
    /// Those that were refused.
    package var parked: Int
    /// When the oldest of `entries` came, in seconds since 1970.
    package var oldestAt: Double?
    /// Why the oldest of `entries`, or else the oldest that is parked, is still here.
    package var problem: String?

    package init(entries: Int = 0, parked: Int = 0, oldestAt: Double? = nil, problem: String? = nil) {
        self.entries = entries
        self.parked = parked
        self.oldestAt = oldestAt
        self.problem = problem
    }

    package var isEmpty: Bool { entries == 0 && parked == 0 }

    enum CodingKeys: String, CodingKey {
        case entries, parked, problem
        case oldestAt = "oldest_at_unix_s"
    }
}

/// What is still to be sent. An entry comes in the transaction that ends its suite, and goes when the destination has the suite: so
/// neither a crash nor a power cut loses one.
extension Store {
    /// From now on suites that end are for these too.
    package func send(to destinations: Set<OutboxDestination>) { self.destinations.withLock { $0 = destinations } }

    /// - Parameter condition: over `suite_run`. A suite in which nothing was measured has nothing to send.
    func addToOutbox(_ condition: String, _ arguments: StatementArguments, at time: Double, _ db: Database) throws {
        for destination in destinations.withLock({ $0 }).map(\.rawValue).sorted() {
            try db.execute(
                sql: """
                    INSERT OR IGNORE INTO outbox (suite_run, destination, added_at, due_at)
                    SELECT uuid, ?, ?, ? FROM suite_run WHERE (\(condition))
                        AND EXISTS (SELECT 1 FROM run WHERE suite_run_id = suite_run.id)
                    """, arguments: [destination, time, time] + arguments)
        }
    }

    /// Has suites sent that are in the record already, such as those from before there was a destination. Those that wait already stay
    /// as they are.
    ///
    /// - Parameter suites: their UUIDs. Those that run, and those of other programs, are left out.
    /// - Returns: how many entries are new.
    package func addToOutbox(_ suites: [String], at time: Double) throws(StoreError) -> Int {
        try write { db in
            let before = db.totalChangesCount
            for uuid in suites {
                try addToOutbox("uuid = ? AND status <> 'running' AND source = 'taskwatt'", [uuid], at: time, db)
            }
            return db.totalChangesCount - before
        }
    }

    /// All entries, the oldest first.
    package func outbox(limit: Int) throws(StoreError) -> [OutboxEntry] {
        try read { db in try OutboxEntry.fetch(db, "ORDER BY id LIMIT ?", [limit]) }
    }

    /// The oldest entry of a destination that may be tried now.
    ///
    /// - Parameter longest: nothing is put off for longer, in seconds: one that is due later was put off before the clock was set back.
    package func nextInOutbox(
        for destination: OutboxDestination, at time: Double, longest: Double
    ) throws(StoreError) -> OutboxEntry? {
        try read { db in
            try OutboxEntry.fetch(
                db, "WHERE destination = ? AND parked = 0 AND (due_at <= ? OR due_at > ?) ORDER BY id LIMIT 1",
                [destination.rawValue, time, time + longest]
            ).first
        }
    }

    /// When the next entry of these destinations is due; `nil` where none waits.
    package func nextDue(_ destinations: Set<OutboxDestination>) throws(StoreError) -> Double? {
        try read { db in
            let names = destinations.map(\.rawValue).sorted()
            let marks = names.map { _ in "?" }.joined(separator: ", ")
            return try Double.fetchOne(
                db, sql: "SELECT min(due_at) FROM outbox WHERE parked = 0 AND destination IN (\(marks))",
                arguments: StatementArguments(names))
        }
    }

    /// The destination has it, or there is nothing to send.
    package func removeFromOutbox(_ id: Int64) throws(StoreError) {
        try write { db in try db.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [id]) }
    }

    /// Keeps what came of an attempt.
    package func update(_ entry: OutboxEntry) throws(StoreError) {
        try write { db in
            try db.execute(
                sql: "UPDATE outbox SET due_at = ?, attempts = ?, problem = ?, parked = ? WHERE id = ?",
                arguments: [
                    entry.dueAt, entry.attempts, entry.problem, entry.isParked ? 1 : 0, entry.id,
                ])
        }
    }

    /// Has everything tried again at once, also what was refused.
    ///
    /// - Returns: how many were parked.
    package func retryOutbox(at time: Double) throws(StoreError) -> Int {
        try write { db in
            let parked = try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox WHERE parked <> 0") ?? 0
            try db.execute(sql: "UPDATE outbox SET due_at = ?, parked = 0", arguments: [time])
            return parked
        }
    }

    package func outboxSummary() throws(StoreError) -> OutboxSummary {
        try read { db in
            var summary = OutboxSummary()
            summary.entries = try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox WHERE parked = 0") ?? 0
            summary.parked = try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox WHERE parked <> 0") ?? 0
            let oldest = try OutboxEntry.fetch(db, "ORDER BY parked <> 0, id LIMIT 1").first
            summary.oldestAt = oldest.flatMap { $0.isParked ? nil : $0.addedAt }
            summary.problem = oldest?.problem
            return summary
        }
    }
}
