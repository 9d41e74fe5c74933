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
    ///
    /// - Parameter damaged: is told of windows that are left out because what they hold cannot be.
    package func eachWindow(
        _ filter: RunFilter, _ body: (WindowFigures) -> Void, damaged: (DamagedRow) -> Void = { _ in }
    ) throws(StoreError) {
        try read { db in
            let condition = filter.condition
            let rows = try Row.fetchCursor(
                db, sql: Self.figuresSQL + " WHERE \(condition.sql) ORDER BY run.id", arguments: condition.arguments)
            var texts = DecodedTexts()
            while let row = try rows.next() {
                // Whoever asked may have gone.
                try Task.checkCancellation()
                do {
                    body(try texts.window(row))
                } catch let error as DamagedRow {
                    damaged(DamagedRow(run: row.optional(0), reason: error.reason))
                }
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
            json_extract(\(RunFilter.wholeRecord), '$.workload.device'),
            json_extract(\(RunFilter.wholeRecord), '$.workload.precision'),
            json_extract(\(RunFilter.wholeRecord), '$.workload.batch'),
            json_extract(\(RunFilter.wholeRecord), '$.workload.parameters'),
            json_extract(\(RunFilter.wholeRecord), '$.workload.operations_per_inference'),
            json_extract(\(RunFilter.wholeRecord), '$.energy.total.uncertainty_j'),
            json_extract(\(RunFilter.wholeRecord), '$.energy.total.accuracy_standard_uncertainty_j'),
            json_extract(\(RunFilter.wholeRecord), '$.energy.total.domain_ids'),
            json_extract(\(RunFilter.wholeRecord), '$.energy.other_scopes'),
            json_extract(\(RunFilter.wholeRecord), '$.idle_power_w'),
            json_extract(\(RunFilter.wholeRecord), '$.idle_power_standard_uncertainty_w'),
            json_extract(\(RunFilter.wholeRecord), '$.latency.mean_s'),
            json_extract(\(RunFilter.wholeRecord), '$.flags'),
            json_extract(\(RunFilter.wholeRecord), '$.failed_inferences'),
            json_extract(\(RunFilter.wholeRecord), '$.energy.total.common_standard_uncertainty_j'),
            json_extract(\(RunFilter.wholeRecord), '$.energy.total.scaled_energy_j'),
            json_extract(\(RunFilter.wholeRecord), '$.idle_power_degrees_of_freedom'),
            json_extract(\(RunFilter.wholeRecord), '$.idle_power_rounding_standard_uncertainty_w'),
            json_extract(\(RunFilter.wholeRecord), '$.workload.engine'),
            json_extract(\(RunFilter.wholeRecord), '$.workload.model_sha256'),
            json_extract(\(RunFilter.wholeRecord), '$.workload.program_sha256'),
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
        func value<Value: DatabaseValueConvertible>(_ column: Int) -> Value? { row.optional(column) }
        let joules: Double = try row.value(18)
        let scope: String = try row.value(19)
        let provenance: String = try row.value(20)
        let task: String? = try row.value(10)
        let others: String? = value(30)
        let figures = WindowFigures(
            id: try row.value(0), suiteRun: try row.value(1), suite: try row.value(2),
            source: RecordSource(rawValue: try row.value(3)) ?? .taskwatt, version: try row.value(4),
            machine: try row.value(5), machineFingerprint: try row.value(6), processor: value(7),
            stage: RunStage(rawValue: try row.value(8)) ?? .query,
            status: RunStatus(rawValue: try row.value(9)) ?? .failed, task: task.map(MLTask.init(rawValue:)),
            plugin: try row.value(11) ?? "", model: try row.value(12), dataset: try row.value(13),
            size: try row.value(14), device: value(22), precision: value(23), batch: value(24) ?? 1,
            parameters: try parameters(value(25)), operations: value(26), startedAt: try row.value(15),
            durationSeconds: try row.value(16), completedInferences: try row.value(17),
            failedInferences: value(35) ?? 0,
            total: TotalEnergy(
                energy: Energy(joules: joules), uncertainty: Energy(joules: value(27) ?? 0),
                accuracyUncertainty: Energy(joules: value(28) ?? 0),
                commonUncertainty: Energy(joules: value(36) ?? 0), scope: TotalScope(rawValue: scope) ?? .components,
                // What a newer version calls otherwise is surely not better than an estimate.
                provenance: Provenance(rawValue: provenance) ?? .estimated, coverage: try row.value(21),
                scaledEnergy: (value(37) as Double?).map { Energy(joules: $0) }, flags: [],
                domainIDs: try list(value(29))),
            otherScopes: try others.map { text in
                text == "[]" ? [] : try decoded([TotalEnergy].self, text, "energy.other_scopes")
            } ?? [],
            idlePowerWatts: value(31), idleUncertaintyWatts: value(32), idleDegreesOfFreedom: value(38),
            idleRoundingWatts: value(39), meanLatency: value(33), flags: try list(value(34)), engine: value(40),
            modelSHA256: value(41), programSHA256: value(42), label: try row.value(43))
        if let problem = figures.outOfBounds { throw DamagedRow(reason: "\(problem)") }
        return figures
    }

    private func decoded<Value: Decodable>(_ type: Value.Type, _ text: String, _ key: String) throws -> Value {
        do { return try decoder.decode(type, from: Data(text.utf8)) } catch {
            throw DamagedRow(reason: "`\(key)` is not what it should be")
        }
    }

    private mutating func parameters(_ text: String?) throws -> [String: String] {
        guard let text else { return [:] }
        if let known = parameters[text] { return known }
        let values = try decoded([String: JSONValue].self, text, "workload.parameters").mapValues(\.text)
        parameters[text] = values
        return values
    }

    private mutating func list(_ text: String?) throws -> [String] {
        guard let text else { return [] }
        if let known = lists[text] { return known }
        let values = try decoded([String].self, text, "flags")
        lists[text] = values
        return values
    }
}

extension WindowFigures: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.count("workload.batch", batch, Bounds.batch)
        if operations != 0 { bounds.number("workload.operations_per_inference", operations, Bounds.operations) }
        bounds.number("started_at_unix_s", startedAt, Bounds.unixSeconds)
        bounds.number("duration_s", durationSeconds, Bounds.seconds)
        bounds.count("completed_inferences", completedInferences, Bounds.inferences)
        bounds.count("failed_inferences", failedInferences, Bounds.inferences)
        bounds.inside("energy.total", total.check)
        for scope in otherScopes { bounds.inside("energy.other_scopes", scope.check) }
        bounds.number("idle_power_w", idlePowerWatts, Bounds.watts)
        bounds.number("idle_power_standard_uncertainty_w", idleUncertaintyWatts, Bounds.positiveWatts)
        bounds.number("idle_power_degrees_of_freedom", idleDegreesOfFreedom, Bounds.degreesOfFreedom)
        bounds.number("idle_power_rounding_standard_uncertainty_w", idleRoundingWatts, Bounds.positiveWatts)
        bounds.number("latency.mean_s", meanLatency, Bounds.seconds)
    }
}
