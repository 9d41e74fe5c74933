package import Core
import Foundation
import GRDB

/// A page of windows as their columns, with what their meters saw.
package struct RunPage: Sendable {
    /// What one meter saw.
    package struct Meter: Sendable {
        package var id: String
        package var energyUj: Int64?
        package var uncertaintyUj: Int64?
        package var coverage: Double?
    }

    package struct Run: Sendable {
        package var id: Int64
        package var row: RunRow
        /// In their order.
        package var meters: [Meter] = []
        package var otherScopes: [TotalEnergy] = []
        package var reconciliations: [Reconciliation] = []
        /// JSON, as it was recorded.
        package var procedure: String?
        package var machineBefore: String?
        package var machineAfter: String?
    }

    package var runs: [Run] = []
    /// Those that the page's windows belong to.
    package var suites: [Int64: StoredSuite] = [:]
    /// Windows that are left out because what they hold cannot be.
    package var damaged = 0
    /// The id of the last window that was looked at, from which the next page goes on; `nil` after the last.
    package var last: Int64?
}

/// A page of windows as the JSON that they were recorded as.
package struct RecordPage: Sendable {
    package struct Run: Sendable {
        package var id: Int64
        /// The key of `suites`.
        package var suiteRun: Int64
        /// An object of JSON.
        package var record: String
    }

    package var runs: [Run] = []
    package var suites: [Int64: StoredSuite] = [:]
    package var damaged = 0
    package var last: Int64?
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
    private static let runColumns = Selection<RunRow.CodingKeys>(of: "run")

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
                        SELECT \(Self.runColumns.sql), run_record.procedure, run_record.machine_before, run_record.machine_after
                        FROM \(Self.windowTables) LEFT JOIN run_record ON run_record.run_id = run.id
                        WHERE run.id > ? AND \(condition.sql) ORDER BY run.id LIMIT ?
                        """), arguments: [after] + condition.arguments + [limit])
            while let row = try rows.next() {
                let read = Self.runColumns.reader(row)
                let id: Int64 = try read(.id)
                page.last = id
                do throws(DamagedRow) {
                    page.runs.append(
                        RunPage.Run(
                            id: id, row: try RunRow(read), procedure: try row.value("procedure"),
                            machineBefore: try row.value("machine_before"), machineAfter: try row.value("machine_after")
                        ))
                } catch {
                    page.damaged += 1
                }
            }
            try page.addMeters(db)
            try page.addScopes(db)
            page.suites = Self.suites(page.runs.map(\.row.suiteRunId), db)
            return page
        }
    }

    /// A page of the windows that fit as the JSON that they were recorded as, in the order of the record.
    package func recordPage(_ filter: RunFilter, after: Int64, limit: Int) throws(StoreError) -> RecordPage {
        try read { db in
            var page = RecordPage()
            let condition = filter.condition
            let rows = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT run.id AS id, run.suite_run_id, CASE WHEN json_valid(run_record.record)
                            THEN CASE json_type(run_record.record) WHEN 'object' THEN run_record.record END END AS record
                        FROM \(Self.windowTables) LEFT JOIN run_record ON run_record.run_id = run.id
                        WHERE run.id > ? AND \(condition.sql) ORDER BY run.id LIMIT ?
                        """), arguments: [after] + condition.arguments + [limit])
            while let row = try rows.next() {
                let id: Int64 = try row.value("id")
                page.last = id
                do throws(DamagedRow) {
                    page.runs.append(
                        RecordPage.Run(
                            id: id, suiteRun: try row.value("suite_run_id"), record: try row.value("record")))
                } catch {
                    page.damaged += 1
                }
            }
            page.suites = Self.suites(page.runs.map(\.suiteRun), db)
            return page
        }
    }

    /// Without its suite a window is not known, and is left out with it.
    private static func suites(_ ids: [Int64], _ db: Database) -> [Int64: StoredSuite] {
        var suites: [Int64: StoredSuite] = [:]
        for id in Set(ids) { suites[id] = try? StoredSuite.fetch(db, where: "suite_run.id = ?", [id]) }
        return suites
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
                    SELECT \(StoredSample.columns.sql), run.stage, run.task, domain_energy.scope, domain_energy.provenance
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
                    edge: try row.value("edge"), stage: try row.value("stage"), task: try row.value("task"),
                    scope: try row.value("scope"), provenance: try row.value("provenance"))
            }
        }
    }
}

extension RunPage {
    private static let meterColumns = Selection<DomainRow.CodingKeys>(
        [.runId, .meter, .energyUj, .uncertaintyUj, .coverage], of: DomainRow.databaseTableName)

    fileprivate mutating func addMeters(_ db: Database) throws {
        let rows = try DomainRow.cursor(Self.meterColumns, ofRuns: runs.map(\.id), db)
        var index = runs.startIndex
        while let row = try rows.next() {
            let read = Self.meterColumns.reader(row)
            guard let run: Int64 = read.optional(.runId), let id: String = read.optional(.meter) else { continue }
            while index < runs.endIndex, runs[index].id < run { index += 1 }
            guard index < runs.endIndex, runs[index].id == run else { continue }
            runs[index].meters.append(
                Meter(
                    id: id, energyUj: read.optional(.energyUj), uncertaintyUj: read.optional(.uncertaintyUj),
                    coverage: read.optional(.coverage)))
        }
    }

    /// Most windows have no other scope. One whose scopes are not whole is left out.
    fileprivate mutating func addScopes(_ db: Database) throws {
        var texts = DecodedTexts()
        let isWhole = try runs.indices.map { index in
            guard runs[index].row.otherScopes != 0 else { return true }
            let (id, row) = (runs[index].id, runs[index].row)
            do {
                runs[index].otherScopes = try ScopeRow.totals(ofRun: id, count: row.otherScopes, &texts, db)
                runs[index].reconciliations = try row.total(&texts).reconciliations(with: runs[index].otherScopes)
            } catch is DamagedRow {
                return false
            }
            return true
        }
        damaged += isWhole.count { !$0 }
        runs = zip(runs, isWhole).compactMap { $1 ? $0 : nil }
    }
}
