package import Core
import GRDB

/// Runs of one status that were recorded since some run.
package struct RunCount: Sendable, Hashable {
    package var status: RunStatus
    package var runs: Int
    /// Completed inferences of them.
    package var inferences: Int
    package var lastID: Int64
}

/// A suite that has ended.
package struct EndedSuite: Sendable, Hashable {
    package var id: Int64
    package var uuid: String
    package var status: RunStatus
    /// `nil` where the process ended with it. Seconds since 1970.
    package var endedAt: Double?
}

/// What came since one last looked, of what was measured here. What was imported is another machine's or another time's,
/// and may be taken out again: its ids are then given anew.
extension Store {
    /// The id of the latest run that was measured here; 0 without any.
    package func lastOwnRun() throws(StoreError) -> Int64 {
        try read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT run.id FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
                    WHERE suite_run.import_id IS NULL ORDER BY run.id DESC LIMIT 1
                    """) ?? 0
        }
    }

    /// Query windows measured here since a run, counted by how they ended.
    package func ownRuns(after id: Int64) throws(StoreError) -> [RunCount] {
        try read { db in
            // A sum of integers that does not fit fails the query, one of numbers does not. What cannot be counts as none.
            try Row.fetchAll(
                db,
                sql: """
                    SELECT run.status AS status, count(*) AS runs, total(CASE WHEN typeof(run.completed) = 'integer'
                        AND run.completed BETWEEN 0 AND \(Bounds.inferences.upperBound) THEN run.completed END) AS inferences,
                        max(run.id) AS last
                    FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
                    WHERE run.id > ? AND +run.stage = 'query' AND suite_run.import_id IS NULL GROUP BY run.status
                    """, arguments: [id]
            ).compactMap { row in
                guard let status: String = row.optional("status"), let known = RunStatus(rawValue: status) else {
                    return nil
                }
                return RunCount(
                    status: known, runs: try row.value("runs"),
                    inferences: Int(saturating: try row.value("inferences")),
                    lastID: try row.value("last"))
            }
        }
    }

    /// Suites measured here that ended, of those after one, the latest first.
    package func ownEndedSuites(after id: Int64, limit: Int) throws(StoreError) -> [EndedSuite] {
        let columns = Selection<SuiteRunRow.CodingKeys>([.id, .uuid, .status, .endedAt], of: "suite_run")
        return try read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(columns.sql) FROM suite_run
                    WHERE id > ? AND import_id IS NULL AND status <> 'running' ORDER BY id DESC
                    """, arguments: [id])
            return try Self.wholeRows(rows, limit: limit) { row in
                let read = columns.reader(row)
                return EndedSuite(
                    id: try read(.id), uuid: try read(.uuid),
                    status: RunStatus(rawValue: try read(.status)) ?? .failed,
                    endedAt: try read.optionalTime(.endedAt))
            }
        }
    }
}
