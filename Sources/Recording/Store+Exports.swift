package import Core
import Foundation
import GRDB

/// A page of windows with their records as they are kept, in JSON, one behind the other: to decode them all into values takes
/// ten times as long as to copy out of them what is asked for.
package struct RunPage: Sendable {
    package struct Run: Sendable {
        package var id: Int64
        /// The key of `suites`.
        package var suiteRun: Int64
        /// Where in `records` the window's is.
        package var record: Range<Int>
    }

    package var runs: [Run] = []
    package var records: [UInt8] = []
    /// Those that the page's windows belong to.
    package var suites: [Int64: StoredSuite] = [:]
}

/// A sample with what its run says of it.
package struct ExportedSample: Sendable, Hashable {
    package var id: Int64
    /// `nil` of samples outside any run, as stage, task, scope and provenance are.
    package var run: Int64?
    package var meter: String
    package var wallTime: Double
    package var monotonic: MonotonicTime
    package var energy: Energy?
    package var power: Power?
    /// `start` or `end` of a reading for the edge of a window; `nil` of a regular one.
    package var edge: String?
    package var stage: String?
    package var task: String?
    /// Of the meter, where it is in the run's account.
    package var scope: String?
    package var provenance: String?
}

extension Store {
    /// A page of the windows that fit, in the order of the record.
    ///
    /// - Parameter after: the id of the last one of the page before.
    package func runPage(_ filter: RunFilter, after: Int64, limit: Int) throws(StoreError) -> RunPage {
        try read { db in
            var page = RunPage()
            page.runs.reserveCapacity(limit)
            let condition = filter.condition
            let rows = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT run.id, run.suite_run_id, CAST(run.record AS BLOB)
                        FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
                            JOIN machine ON machine.id = suite_run.machine_id
                        WHERE run.id > ? AND \(condition.sql) ORDER BY run.id LIMIT ?
                        """), arguments: [after] + condition.arguments + [limit])
            while let row = try rows.next() {
                let start = page.records.count
                try row.withUnsafeData(atIndex: 2) { data in page.records.append(contentsOf: data ?? Data()) }
                page.runs.append(
                    RunPage.Run(
                        id: try row.value(0), suiteRun: try row.value(1), record: start..<page.records.count))
            }
            for run in page.runs where page.suites[run.suiteRun] == nil {
                // Without its suite a window is not known, and is left out with it.
                page.suites[run.suiteRun] = try? StoredSuite.fetch(db, where: "suite_run.id = ?", [run.suiteRun])
            }
            return page
        }
    }

    /// A page of samples, in the order of the record: those of the windows that fit or, without a filter, all.
    package func exportedSamples(
        _ filter: RunFilter, after: Int64, limit: Int
    ) throws(StoreError) -> [ExportedSample] {
        try read { db in
            var tables = "sample LEFT JOIN run ON run.id = sample.run_id"
            var condition = (sql: "TRUE", arguments: StatementArguments())
            if filter != RunFilter() {
                tables = """
                    sample JOIN run ON run.id = sample.run_id JOIN suite_run ON suite_run.id = suite_run_id
                        JOIN machine ON machine.id = machine_id
                    """
                condition = filter.condition
            }
            let statement = try db.cachedStatement(
                sql: """
                    SELECT sample.id, sample.run_id, sample.meter, wall_time, monotonic_ns, energy_uj, power_uw, edge,
                        run.stage, run.task, domain_energy.scope, domain_energy.provenance
                    FROM \(tables) LEFT JOIN domain_energy
                        ON domain_energy.run_id = sample.run_id AND domain_energy.meter = sample.meter
                    WHERE sample.id > ? AND \(condition.sql) ORDER BY sample.id LIMIT ?
                    """)
            return try Self.wholePage(after: after, limit: limit, damaged: { _ in }) { last, most in
                try Row.fetchCursor(statement, arguments: [last] + condition.arguments + [most])
            } make: { row in
                let sample = try StoredSample(row)
                return ExportedSample(
                    id: sample.id, run: sample.run, meter: sample.sample.meterID, wallTime: sample.sample.wallTime,
                    monotonic: sample.sample.time, energy: sample.sample.energy, power: sample.sample.power,
                    edge: try row.value(7), stage: try row.value(8), task: try row.value(9),
                    scope: try row.value(10), provenance: try row.value(11))
            }
        }
    }
}
