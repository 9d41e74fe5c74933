package import Core
import Foundation
import GRDB

/// A suite as it is in the record.
package struct SuiteRunSummary: Sendable, Hashable, Codable {
    package var uuid: String
    package var suite: String
    package var machine: String
    package var startedAt: Double
    package var endedAt: Double?
    package var status: String
    package var error: String?
    package var runs: Int

    enum CodingKeys: String, CodingKey {
        case uuid, suite, machine, status, error, runs
        case startedAt = "started_at_unix_s"
        case endedAt = "ended_at_unix_s"
    }
}

/// A window as it is in the record, with what its suite says.
package struct StoredRun: Sendable, Hashable {
    package var id: Int64
    package var suiteRun: String
    package var suite: String
    package var machine: String
    package var version: String
    package var record: RunRecord
}

/// Which windows a query returns.
package struct RunFilter: Sendable, Hashable {
    package var suiteRun: String?
    package var stage: RunStage?
    package var task: MLTask?

    package init(suiteRun: String? = nil, stage: RunStage? = nil, task: MLTask? = nil) {
        self.suiteRun = suiteRun
        self.stage = stage
        self.task = task
    }
}

extension Store {
    /// Hands over every window that fits, in the order of the record, one at a time.
    package func forEachRun(_ filter: RunFilter = RunFilter(), _ body: (StoredRun) throws -> Void) throws(StoreError) {
        try read { db in
            var conditions: [String] = []
            var arguments = StatementArguments()
            if let value = filter.suiteRun {
                conditions.append("suite_run.uuid = ?")
                arguments += [value]
            }
            if let value = filter.stage {
                conditions.append("run.stage = ?")
                arguments += [value.rawValue]
            }
            if let value = filter.task {
                conditions.append("run.task = ?")
                arguments += [value.rawValue]
            }
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT run.id, suite_run.uuid, suite_run.suite, machine.name, suite_run.taskwatt_version, run.record
                    FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
                        JOIN machine ON machine.id = suite_run.machine_id
                    \(conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND "))
                    ORDER BY run.id
                    """, arguments: arguments)
            let decoder = JSONDecoder()
            while let row = try rows.next() {
                let json: String = row[5]
                try body(
                    StoredRun(
                        id: row[0], suiteRun: row[1], suite: row[2], machine: row[3], version: row[4],
                        record: decoder.decode(RunRecord.self, from: Data(json.utf8))))
            }
        }
    }

    /// Hands over every sample, in the order of the record, one at a time; with the id of its run, if it has one.
    package func forEachSample(
        suiteRun: String? = nil, _ body: (Sample, _ run: Int64?) throws -> Void
    ) throws(StoreError) {
        try read { db in
            let only = suiteRun.map { _ in
                "WHERE run_id IN (SELECT run.id FROM run JOIN suite_run ON suite_run.id = suite_run_id WHERE uuid = ?)"
            }
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT run_id, meter, wall_time, monotonic_ns, energy_uj, power_uw FROM sample \(only ?? "") ORDER BY id
                    """, arguments: suiteRun.map { [$0] } ?? [])
            while let row = try rows.next() {
                let energy: Int64? = row[4]
                let power: Int64? = row[5]
                try body(
                    Sample(
                        meterID: row[1], time: MonotonicTime(nanoseconds: row[3]), wallTime: row[2],
                        energy: energy.map(Energy.init(microjoules:)), power: power.map(Power.init(microwatts:))), row[0])
            }
        }
    }

    /// The suites in the record, the latest first.
    package func suiteRuns(limit: Int = 100) throws(StoreError) -> [SuiteRunSummary] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT uuid, suite, machine.name, started_at, ended_at, status, error,
                        (SELECT count(*) FROM run WHERE suite_run_id = suite_run.id)
                    FROM suite_run JOIN machine ON machine.id = machine_id ORDER BY suite_run.id DESC LIMIT ?
                    """, arguments: [limit]
            ).map { row in
                SuiteRunSummary(
                    uuid: row[0], suite: row[1], machine: row[2], startedAt: row[3], endedAt: row[4], status: row[5],
                    error: row[6], runs: row[7])
            }
        }
    }
}
