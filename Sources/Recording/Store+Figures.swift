package import Core
import Foundation
import GRDB

/// What a mean needs of one window: read by columns, since decoding the whole record takes ten times as long.
package struct WindowFigures: Sendable, Hashable {
    package var id: Int64
    package var suiteRun: String
    package var suite: String
    package var source: RecordSource
    package var version: String
    package var machine: String
    package var machineFingerprint: String
    /// The processor's name, where the inventory has it.
    package var processor: String?
    package var stage: RunStage
    package var status: RunStatus
    /// `nil` for idle windows.
    package var task: MLTask?
    package var plugin: String
    package var model: String?
    package var dataset: String?
    package var size: String?
    package var device: String?
    package var precision: String?
    package var batch: Int
    /// The plugin's parameters as text.
    package var parameters: [String: String]
    /// Operations of one inference.
    package var operations: Double?
    /// Seconds since 1970.
    package var startedAt: Double
    package var durationSeconds: Double
    package var completedInferences: Int
    package var failedInferences: Int
    package var total: TotalEnergy
    package var otherScopes: [TotalEnergy]
    package var idlePowerWatts: Double?
    /// The standard uncertainty of the idle power; the degrees of freedom of the scatter in it, and the part that rounding makes.
    package var idleUncertaintyWatts: Double?
    package var idleDegreesOfFreedom: Double?
    package var idleRoundingWatts: Double?
    /// Seconds.
    package var meanLatency: Double?
    package var flags: [String]
    package var engine: String?
    /// Of the model's files, as the plugin tells it.
    package var modelSHA256: String?
    /// Of the plugin's program.
    package var programSHA256: String?
    /// What the user calls the suite.
    package var label: String?
}

extension Store {
    /// Hands each window that fits to `body`, in the order of the record, all from one moment of it. It ends early where its task is
    /// cancelled.
    package func eachWindow(
        _ filter: RunFilter, _ body: (WindowFigures) -> Void
    ) throws(StoreError) {
        try read { db in
            let condition = filter.condition
            let rows = try Row.fetchCursor(
                db, sql: Self.figuresSQL + " WHERE \(condition.sql) ORDER BY run.id", arguments: condition.arguments)
            var texts = DecodedTexts()
            while let row = try rows.next() {
                // Whoever asked may have gone.
                try Task.checkCancellation()
                body(try texts.window(row))
            }
        }
    }

    /// SQLite keeps a record that it has parsed for the other calls on the same row.
    private static let figuresSQL = """
        SELECT run.id, suite_run.uuid, suite_run.suite, suite_run.source, suite_run.taskwatt_version,
            machine.name, machine.fingerprint,
            CASE WHEN json_valid(machine.inventory) THEN json_extract(machine.inventory, '$.cpu.model') END,
            run.stage, run.status, run.task, run.plugin, run.model, run.dataset, run.size,
            run.started_at, run.duration_s, run.completed, run.energy_j, run.scope, run.provenance, run.coverage,
            json_extract(run.record, '$.workload.device'),
            json_extract(run.record, '$.workload.precision'),
            json_extract(run.record, '$.workload.batch'),
            json_extract(run.record, '$.workload.parameters'),
            json_extract(run.record, '$.workload.operations_per_inference'),
            json_extract(run.record, '$.energy.total.uncertainty_j'),
            json_extract(run.record, '$.energy.total.accuracy_standard_uncertainty_j'),
            json_extract(run.record, '$.energy.total.domain_ids'),
            json_extract(run.record, '$.energy.other_scopes'),
            json_extract(run.record, '$.idle_power_w'),
            json_extract(run.record, '$.idle_power_standard_uncertainty_w'),
            json_extract(run.record, '$.latency.mean_s'),
            json_extract(run.record, '$.flags'),
            json_extract(run.record, '$.failed_inferences'),
            json_extract(run.record, '$.energy.total.common_standard_uncertainty_j'),
            json_extract(run.record, '$.energy.total.scaled_energy_j'),
            json_extract(run.record, '$.idle_power_degrees_of_freedom'),
            json_extract(run.record, '$.idle_power_rounding_standard_uncertainty_w'),
            json_extract(run.record, '$.workload.engine'),
            json_extract(run.record, '$.workload.model_sha256'),
            json_extract(run.record, '$.workload.program_sha256'),
            suite_run.label
        FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
            JOIN machine ON machine.id = suite_run.machine_id
        """
}

/// JSON texts of rows, each decoded once: most windows of a record have the same parameters, meters and flags.
private struct DecodedTexts {
    private let decoder = JSONDecoder()
    private var parameters: [String: [String: String]] = [:]
    private var lists: [String: [String]] = [:]

    mutating func window(_ row: Row) throws -> WindowFigures {
        // What comes out of the JSON has whatever type it has there; a record that was edited by hand must not end us.
        func value<Value: DatabaseValueConvertible>(_ column: Int) -> Value? {
            Value.fromDatabaseValue(row[column] as DatabaseValue)
        }
        let joules: Double = row[18]
        let scope: String = row[19]
        let provenance: String = row[20]
        let task: String? = row[10]
        let others: String? = value(30)
        return WindowFigures(
            id: row[0], suiteRun: row[1], suite: row[2], source: RecordSource(rawValue: row[3]) ?? .taskwatt,
            version: row[4], machine: row[5], machineFingerprint: row[6], processor: value(7),
            stage: RunStage(rawValue: row[8]) ?? .query, status: RunStatus(rawValue: row[9]) ?? .failed,
            task: task.map(MLTask.init(rawValue:)), plugin: row[11] ?? "", model: row[12], dataset: row[13],
            size: row[14], device: value(22), precision: value(23), batch: value(24) ?? 1,
            parameters: try parameters(value(25)), operations: value(26), startedAt: row[15], durationSeconds: row[16],
            completedInferences: row[17], failedInferences: value(35) ?? 0,
            total: TotalEnergy(
                energy: Energy(joules: joules), uncertainty: Energy(joules: value(27) ?? 0),
                accuracyUncertainty: Energy(joules: value(28) ?? 0),
                commonUncertainty: Energy(joules: value(36) ?? 0), scope: TotalScope(rawValue: scope) ?? .components,
                // What a newer version calls otherwise is surely not better than an estimate.
                provenance: Provenance(rawValue: provenance) ?? .estimated, coverage: row[21],
                scaledEnergy: (value(37) as Double?).map { Energy(joules: $0) }, flags: [],
                domainIDs: try list(value(29))),
            otherScopes: try others.map { text in
                text == "[]" ? [] : try decoder.decode([TotalEnergy].self, from: Data(text.utf8))
            } ?? [],
            idlePowerWatts: value(31), idleUncertaintyWatts: value(32), idleDegreesOfFreedom: value(38),
            idleRoundingWatts: value(39), meanLatency: value(33), flags: try list(value(34)), engine: value(40),
            modelSHA256: value(41), programSHA256: value(42), label: row[43])
    }

    private mutating func parameters(_ text: String?) throws -> [String: String] {
        guard let text else { return [:] }
        if let known = parameters[text] { return known }
        let values = try decoder.decode([String: JSONValue].self, from: Data(text.utf8)).mapValues(\.text)
        parameters[text] = values
        return values
    }

    private mutating func list(_ text: String?) throws -> [String] {
        guard let text else { return [] }
        if let known = lists[text] { return known }
        let values = try decoder.decode([String].self, from: Data(text.utf8))
        lists[text] = values
        return values
    }
}
