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
    /// Tells machines of one name apart, and one machine before and after its hardware changed.
    package var machineFingerprint: String
    package var version: String
    /// JSON of what was so when the suite began: governor, calibrations, GPUs.
    package var machineState: String
    package var record: RunRecord
}

/// Which windows a query returns.
package struct RunFilter: Sendable, Hashable {
    /// A UUID, or `last`.
    package var suiteRun: String?
    package var stage: RunStage?
    package var task: MLTask?

    package init(suiteRun: String? = nil, stage: RunStage? = nil, task: MLTask? = nil) {
        self.suiteRun = suiteRun
        self.stage = stage
        self.task = task
    }
}

/// A sample as it is in the record.
package struct StoredSample: Sendable, Hashable {
    package var id: Int64
    /// `nil` of samples outside any run.
    package var run: Int64?
    package var sample: Sample
}

extension Store {
    /// A suite's UUID, given twice: `last` stands for the one that began last.
    private static let uuid = "CASE ? WHEN 'last' THEN (SELECT uuid FROM suite_run ORDER BY id DESC LIMIT 1) ELSE ? END"

    /// A page of the windows that fit, in the order of the record.
    ///
    /// - Parameter after: the id of the last one of the page before.
    package func runs(
        _ filter: RunFilter = RunFilter(), after: Int64 = 0, limit: Int = 500
    ) throws(StoreError) -> [StoredRun] {
        try read { db in
            var conditions = ["run.id > ?"]
            var arguments: StatementArguments = [after]
            if let value = filter.suiteRun {
                conditions.append("suite_run.uuid = \(Self.uuid)")
                arguments += [value, value]
            }
            if let value = filter.stage {
                conditions.append("run.stage = ?")
                arguments += [value.rawValue]
            }
            if let value = filter.task {
                conditions.append("run.task = ?")
                arguments += [value.rawValue]
            }
            arguments += [limit]
            let decoder = JSONDecoder()
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT run.id, suite_run.uuid, suite_run.suite, machine.name, machine.fingerprint,
                        suite_run.taskwatt_version, run.record, suite_run.machine_state
                    FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
                        JOIN machine ON machine.id = suite_run.machine_id
                    WHERE \(conditions.joined(separator: " AND ")) ORDER BY run.id LIMIT ?
                    """, arguments: arguments
            ).map { row in
                let json: String = row[6]
                return StoredRun(
                    id: row[0], suiteRun: row[1], suite: row[2], machine: row[3], machineFingerprint: row[4],
                    version: row[5], machineState: row[7],
                    record: try decoder.decode(RunRecord.self, from: Data(json.utf8)))
            }
        }
    }

    /// A page of the samples, in the order of the record.
    package func samples(
        suiteRun: String? = nil, after: Int64 = 0, limit: Int = 5000
    ) throws(StoreError) -> [StoredSample] {
        try read { db in
            var condition = "id > ?"
            var arguments: StatementArguments = [after]
            if let suiteRun {
                condition +=
                    " AND run_id IN (SELECT run.id FROM run JOIN suite_run ON suite_run.id = suite_run_id"
                    + " WHERE uuid = \(Self.uuid))"
                arguments += [suiteRun, suiteRun]
            }
            arguments += [limit]
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT id, run_id, meter, wall_time, monotonic_ns, energy_uj, power_uw FROM sample
                    WHERE \(condition) ORDER BY id LIMIT ?
                    """, arguments: arguments
            ).map { row in
                let energy: Int64? = row[5]
                let power: Int64? = row[6]
                return StoredSample(
                    id: row[0], run: row[1],
                    sample: Sample(
                        meterID: row[2], time: MonotonicTime(nanoseconds: row[4]), wallTime: row[3],
                        energy: energy.map(Energy.init(microjoules:)), power: power.map(Power.init(microwatts:))))
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
