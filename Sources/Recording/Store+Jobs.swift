import Core
import Foundation
import GRDB

/// A job of the daemon's queue, as it is kept.
package struct StoredJob: Sendable, Hashable {
    /// The record's own; 0 of one that is not kept yet.
    package var id: Int64
    package var state: String
    /// JSON of what was asked for.
    package var request: String
    /// The timer that asked for it.
    package var schedule: String?
    /// Times are in seconds since 1970.
    package var submittedAt: Double
    /// How often it has begun.
    package var attempts: Int
    package var startedAt: Double?
    package var endedAt: Double?
    /// The suite's record, once it has begun.
    package var suiteRun: String?
    package var failures: [String]

    package init(
        id: Int64 = 0, state: String, request: String, schedule: String? = nil, submittedAt: Double, attempts: Int = 0,
        startedAt: Double? = nil, endedAt: Double? = nil, suiteRun: String? = nil, failures: [String] = []
    ) {
        self.id = id
        self.state = state
        self.request = request
        self.schedule = schedule
        self.submittedAt = submittedAt
        self.attempts = attempts
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.suiteRun = suiteRun
        self.failures = failures
    }

    private static let columns = Selection<JobRow.CodingKeys>(of: JobRow.databaseTableName)

    static func fetch(_ db: Database, _ rest: String, _ arguments: StatementArguments = []) throws -> [StoredJob] {
        let rows = try Row.fetchCursor(db, sql: "SELECT \(columns.sql) FROM job \(rest)", arguments: arguments)
        return try Store.wholeRows(rows) { row in
            let read = columns.reader(row)
            let failures: String = try read(.failures)
            let attempts: Int = try read(.attempts)
            guard Bounds.repeats.contains(attempts) else { throw DamagedRow(reason: "\(attempts) are no attempts") }
            return StoredJob(
                id: try read(.id), state: try read(.state), request: try read(.request),
                schedule: try read(.schedule), submittedAt: try read.time(.submittedAt), attempts: attempts,
                startedAt: try read.optionalTime(.startedAt), endedAt: try read.optionalTime(.endedAt),
                suiteRun: try read(.suiteRun),
                failures: (try? JSONDecoder().decode([String].self, from: Data(failures.utf8))) ?? [])
        }
    }
}

extension Store {
    /// Of so many jobs it is known how they ended, and of each schedule's last one in any case.
    private static let mostJobs = 1000

    /// Keeps a new job.
    ///
    /// - Returns: its number.
    package func add(_ job: StoredJob) throws(StoreError) -> Int64 {
        try write { db in
            try JobRow(
                id: nil, state: job.state, request: job.request, schedule: job.schedule, submittedAt: job.submittedAt,
                attempts: job.attempts, startedAt: job.startedAt, endedAt: job.endedAt, suiteRun: job.suiteRun,
                failures: try Self.text(job.failures)
            ).insert(db)
            let id = db.lastInsertedRowID
            try db.execute(
                sql: """
                    DELETE FROM job WHERE id <= ? AND state NOT IN ('queued', 'running')
                        AND id NOT IN (SELECT max(id) FROM job WHERE schedule IS NOT NULL GROUP BY schedule)
                    """, arguments: [id - Int64(Self.mostJobs)])
            return id
        }
    }

    /// Keeps what has become of a job.
    package func update(_ job: StoredJob) throws(StoreError) {
        try write { db in
            try db.execute(
                sql: """
                    UPDATE job SET state = ?, attempts = ?, started_at = ?, ended_at = ?, suite_run = ?, failures = ?
                    WHERE id = ?
                    """,
                arguments: [
                    job.state, job.attempts, job.startedAt, job.endedAt, job.suiteRun, try Self.text(job.failures),
                    job.id,
                ])
        }
    }

    /// The jobs that are still to do or were being done when the last process ended, and the last ones that have ended, in the
    /// order in which they came.
    package func jobs(ended most: Int) throws(StoreError) -> [StoredJob] {
        try read { db in
            let toDo = try StoredJob.fetch(db, "WHERE state IN ('queued', 'running')")
            let ended = try StoredJob.fetch(
                db, "WHERE state NOT IN ('queued', 'running') ORDER BY id DESC LIMIT ?", [most])
            return (toDo + ended).sorted { $0.id < $1.id }
        }
    }

    /// How many jobs ever ended, by state.
    package func jobCounts() throws(StoreError) -> [String: Int] {
        try read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT state, total FROM job_count")
            let counts = rows.compactMap { row -> (String, Int)? in
                guard let state: String = row.optional("state"), let total: Int64 = row.optional("total"),
                    Bounds.events.contains(total)
                else {
                    return nil
                }
                return (state, Int(total))
            }
            return Dictionary(counts) { $1 }
        }
    }

    /// The last jobs of a schedule, the latest first.
    package func jobs(ofSchedule name: String, most: Int) throws(StoreError) -> [StoredJob] {
        try read { db in
            try StoredJob.fetch(db, "WHERE schedule = ? ORDER BY id DESC LIMIT ?", [name, most])
        }
    }

    private static func text(_ failures: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(failures), as: UTF8.self)
    }
}
