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
    package var source: RecordSource
    /// What the user calls it.
    package var label: String?
    /// Of Taskwatt; `nil` from a daemon that does not tell.
    package var version: String?

    enum CodingKeys: String, CodingKey {
        case uuid, suite, machine, status, error, runs, source, label, version
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
    package var source: RecordSource
    package var record: RunRecord
}

/// Which windows a query returns; `nil` is all.
package struct RunFilter: Sendable, Hashable, Codable {
    /// A UUID, or `last`; several, with commas between.
    package var suiteRun: String?
    package var stage: RunStage?
    package var task: MLTask?
    package var source: RecordSource?
    /// The suite's name.
    package var suite: String?
    package var plugin: String?
    package var model: String?
    package var dataset: String?
    package var device: String?
    package var size: String?
    package var precision: String?
    /// What the user called the suites.
    package var label: String?
    /// The engine and its version.
    package var engine: String?
    /// The plugin's parameters as text, by name; `batch` is what the plugin answers at once, whatever it was told.
    package var parameters: [String: String]?
    /// The machine's name, or a prefix of its fingerprint.
    package var machine: String?
    /// Seconds since 1970: those that began then or later.
    package var since: Double?
    /// Seconds since 1970: those that began before.
    package var until: Double?

    package init(
        suiteRun: String? = nil, stage: RunStage? = nil, task: MLTask? = nil, source: RecordSource? = nil
    ) {
        self.suiteRun = suiteRun
        self.stage = stage
        self.task = task
        self.source = source
    }

    enum CodingKeys: String, CodingKey {
        case stage, task, source, suite, plugin, model, dataset, device, size, machine, precision
        case label, engine, parameters
        case suiteRun = "suite_run"
        case since = "since_unix_s"
        case until = "until_unix_s"
    }

    /// The condition of the suites with these names, over suite_run.
    static func suiteRunCondition(_ names: String) -> (sql: String, arguments: StatementArguments) {
        var named: [String] = []
        var arguments: StatementArguments = []
        for name in names.split(separator: ",", omittingEmptySubsequences: false) {
            let suite = Store.suiteCondition(String(name))
            // The begin of several means none of them.
            named.append(
                "suite_run.id = (SELECT CASE WHEN count(*) = 1 THEN max(id) END FROM suite_run WHERE \(suite.sql))")
            arguments += suite.arguments
        }
        return ("(\(named.joined(separator: " OR ")))", arguments)
    }

    /// The condition of a query over run, suite_run and machine, with its arguments.
    var condition: (sql: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        if let suiteRun {
            let named = Self.suiteRunCondition(suiteRun)
            conditions.append(named.sql)
            arguments += named.arguments
        }
        // Most windows are query windows. By the index of stages and tasks they would all have to be put back into the record's order.
        let stageColumn = stage == .query && task == nil ? "+run.stage" : "run.stage"
        let equal: [(column: String, value: String?)] = [
            (stageColumn, stage?.rawValue), ("run.task", task?.rawValue), ("suite_run.source", source?.rawValue),
            ("suite_run.suite", suite), ("run.plugin", plugin), ("run.model", model), ("run.dataset", dataset),
            ("run.device", device), ("run.size", size), ("suite_run.label", label),
            ("run.precision", precision), ("run.engine", engine),
        ]
        for case (let column, let value?) in equal {
            conditions.append("\(column) = ?")
            arguments += [value]
        }
        for (name, value) in (parameters ?? [:]).sorted(by: { $0.key < $1.key }) {
            // By the name itself, for a path in JSON would take some letters of it otherwise. Numbers are equal as numbers are: 20
            // is 20.0.
            let source =
                name == "batch"
                ? "(SELECT 'integer' AS type, coalesce(run.batch, 1) AS value)"
                : """
                (SELECT type, value FROM json_each(CASE WHEN json_valid(run.parameters) THEN run.parameters END)
                    WHERE key = ?)
                """
            conditions.append(
                """
                EXISTS (SELECT 1 FROM \(source) WHERE CASE WHEN type IN ('true', 'false') THEN type
                    ELSE CAST(value AS TEXT) END = ? OR type IN ('integer', 'real') AND value = ?)
                """)
            if name != "batch" { arguments += [name] }
            arguments += [value, Double(value)]
        }
        if let machine {
            // Not LIKE, in which a name's own % and _ would stand for other letters.
            conditions.append("(machine.name = ? OR substr(machine.fingerprint, 1, length(?)) = ?)")
            arguments += [machine, machine, machine]
        }
        if let since {
            conditions.append("run.started_at >= ?")
            arguments += [since]
        }
        if let until {
            conditions.append("run.started_at < ?")
            arguments += [until]
        }
        return (conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND "), arguments)
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
    /// A page of the windows that fit, in the order of the record.
    ///
    /// - Parameters:
    ///   - after: the id of the last one of the page before.
    ///   - damaged: is told of windows that are left out because what they hold cannot be.
    package func runs(
        _ filter: RunFilter = RunFilter(), after: Int64 = 0, limit: Int = 500,
        damaged: (DamagedRow) throws -> Void = { _ in }
    ) throws(StoreError) -> [StoredRun] {
        try runs(filter, "run.id > ?", after, "run.id", limit, damaged)
    }

    /// A page of the windows that fit, the latest first; those whose numbers cannot be are left out.
    ///
    /// - Parameter before: the id of the last one of the page before; `nil` for the first page.
    package func latestRuns(
        _ filter: RunFilter = RunFilter(), before: Int64? = nil, limit: Int = 100
    ) throws(StoreError) -> [StoredRun] {
        try runs(filter, "run.id < ?", before ?? .max, "run.id DESC", limit) { _ in }
    }

    private func runs(
        _ filter: RunFilter, _ page: String, _ first: Int64, _ order: String, _ limit: Int,
        _ damaged: (DamagedRow) throws -> Void
    ) throws(StoreError) -> [StoredRun] {
        try read { db in
            let condition = filter.condition
            let decoder = JSONDecoder()
            let sql = """
                SELECT run.id AS id, suite_run.uuid, suite_run.suite, machine.name, machine.fingerprint,
                    suite_run.taskwatt_version, run_record.record, suite_run.machine_state, suite_run.source
                FROM \(Self.windowTables) LEFT JOIN run_record ON run_record.run_id = run.id
                WHERE \(page) AND \(condition.sql) ORDER BY \(order) LIMIT ?
                """
            return try Self.wholePage(after: first, limit: limit, damaged: damaged) { last, most in
                try Row.fetchCursor(db, sql: sql, arguments: [last] + condition.arguments + [most])
            } make: { row in
                let id: Int64 = try row.value("id")
                do throws(DamagedRow) {
                    return StoredRun(
                        id: id, suiteRun: try row.value("uuid"), suite: try row.value("suite"),
                        machine: try row.value("name"), machineFingerprint: try row.value("fingerprint"),
                        version: try row.value("taskwatt_version"), machineState: try row.value("machine_state"),
                        source: RecordSource(rawValue: try row.value("source")) ?? .taskwatt,
                        record: try Self.record(try row.value("record"), run: id, decoder))
                } catch {
                    throw DamagedRow(run: id, reason: error.reason)
                }
            }
        }
    }

    /// A page of the samples, in the order of the record.
    package func samples(
        suiteRun: String? = nil, after: Int64 = 0, limit: Int = 5000
    ) throws(StoreError) -> [StoredSample] {
        try read { db in
            let suite = suiteRun.map(Self.suiteCondition) ?? ("TRUE", [])
            let ofSuite =
                "run_id IN (SELECT run.id FROM run JOIN suite_run ON suite_run.id = suite_run_id WHERE \(suite.0))"
            let sql = """
                SELECT \(StoredSample.columns.sql) FROM sample WHERE id > ? AND \(suiteRun == nil ? "TRUE" : ofSuite)
                ORDER BY id LIMIT ?
                """
            return try Self.wholePage(after: after, limit: limit, damaged: { _ in }) { last, most in
                try Row.fetchCursor(db, sql: sql, arguments: [last] + suite.1 + [most])
            } make: {
                try StoredSample($0)
            }
        }
    }

    /// The suites in the record, the latest first.
    ///
    /// - Parameters:
    ///   - label: only those that the user called so; `suite`: of this name; `machine`: on the machine of this name. `nil` is all.
    package func suiteRuns(
        label: String? = nil, suite: String? = nil, machine: String? = nil, limit: Int = 100
    ) throws(StoreError) -> [SuiteRunSummary] {
        let columns = Selection<SuiteRunRow.CodingKeys>(
            [.uuid, .suite, .startedAt, .endedAt, .status, .error, .source, .label, .taskwattVersion],
            of: "suite_run")
        return try read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(columns.sql), machine.name, (SELECT count(*) FROM run WHERE suite_run_id = suite_run.id) AS runs
                    FROM suite_run JOIN machine ON machine.id = machine_id
                    WHERE (?1 IS NULL OR label = ?1) AND (?2 IS NULL OR suite = ?2) AND (?3 IS NULL OR machine.name = ?3)
                    ORDER BY suite_run.id DESC
                    """, arguments: [label, suite, machine])
            return try Self.wholeRows(rows, limit: limit) { row in
                let read = columns.reader(row)
                return SuiteRunSummary(
                    uuid: try read(.uuid), suite: try read(.suite), machine: try row.value("name"),
                    startedAt: try read.time(.startedAt), endedAt: try read.optionalTime(.endedAt),
                    status: try read(.status), error: try read(.error), runs: try row.value("runs"),
                    source: RecordSource(rawValue: try read(.source)) ?? .taskwatt, label: try read(.label),
                    version: try read(.taskwattVersion))
            }
        }
    }
}
