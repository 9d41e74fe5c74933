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
            try Self.eachWindow(db, where: condition.sql, condition.arguments) { window in
                // Whoever asked may have gone.
                try Task.checkCancellation()
                body(window)
            } damaged: {
                damaged($0)
            }
        }
    }

    /// The same within a transaction.
    ///
    /// - Parameters:
    ///   - condition: over run, suite_run and machine.
    ///   - most: so many at the most, with those that are damaged.
    static func eachWindow(
        _ db: Database, where condition: String, _ arguments: StatementArguments, most: Int = .max,
        _ body: (WindowFigures) throws -> Void, damaged: (DamagedRow) throws -> Void
    ) throws {
        var windows = WindowReader(db)
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(WindowReader.columns.sql)
                FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
                    JOIN machine ON machine.id = suite_run.machine_id
                WHERE \(condition) ORDER BY run.id LIMIT \(most)
                """, arguments: arguments)
        while let row = try rows.next() {
            let read = WindowReader.columns.reader(row)
            let window: WindowFigures
            do {
                window = try windows.window(read)
            } catch let error as DamagedRow {
                try damaged(DamagedRow(run: try? read(.id), reason: error.reason))
                continue
            }
            try body(window)
        }
    }
}

/// Makes windows of rows. What the windows of a suite have in common is asked for once a suite.
private struct WindowReader {
    typealias Column = RunRow.CodingKeys

    static let columns = Selection<Column>(
        [
            .id, .suiteRunId, .stage, .status, .task, .plugin, .model, .dataset, .size, .device, .precision, .batch,
            .parameters, .operationsPerInference, .startedAt, .durationNs, .completed, .failed, .scope, .provenance,
            .energyUj, .uncertaintyUj, .accuracyUj, .commonUj, .scaledUj, .coverage, .energyFlags, .domainIds,
            .otherScopes, .idlePowerUw, .idleUncertaintyUw, .idleDegreesOfFreedom, .idleRoundingUw, .latencyMeanS,
            .flags, .engine, .modelSha256, .programSha256,
        ], of: "run")

    private let db: Database
    private var texts = DecodedTexts()
    private var suites: [Int64: Result<SuiteFacts, DamagedRow>] = [:]

    init(_ db: Database) { self.db = db }

    mutating func window(_ read: RowReader<Column>) throws -> WindowFigures {
        let id: Int64 = try read(.id)
        let suite = try suite(try read(.suiteRunId))
        let task: String? = try read(.task)
        let scope: String = try read(.scope)
        let provenance: String = try read(.provenance)
        func energy(_ column: Column) throws(DamagedRow) -> Energy { Energy(microjoules: try read(column)) }
        func watts(_ column: Column) throws(DamagedRow) -> Double? {
            (try read(column) as Int64?).map { Power(microwatts: $0).watts }
        }
        let scaled: Int64? = try read(.scaledUj)
        let duration: Int64 = try read(.durationNs)
        let total = TotalEnergy(
            energy: try energy(.energyUj), uncertainty: try energy(.uncertaintyUj),
            accuracyUncertainty: try energy(.accuracyUj), commonUncertainty: try energy(.commonUj),
            scope: TotalScope(rawValue: scope) ?? .components,
            // What a newer version calls otherwise is surely not better than an estimate.
            provenance: Provenance(rawValue: provenance) ?? .estimated, coverage: try read(.coverage),
            scaledEnergy: scaled.map(Energy.init(microjoules:)),
            flags: try texts.list(try read(.energyFlags), Column.energyFlags).compactMap(EnergyFlag.init(rawValue:)),
            domainIDs: try texts.list(try read(.domainIds), Column.domainIds))
        let figures = WindowFigures(
            id: id, suiteRun: suite.uuid, suite: suite.suite, source: suite.source, version: suite.version,
            machine: suite.machine, machineFingerprint: suite.fingerprint, processor: suite.processor,
            stage: RunStage(rawValue: try read(.stage)) ?? .query,
            status: RunStatus(rawValue: try read(.status)) ?? .failed, task: task.map(MLTask.init(rawValue:)),
            plugin: try read(.plugin) ?? "", model: try read(.model), dataset: try read(.dataset),
            size: try read(.size), device: try read(.device), precision: try read(.precision),
            batch: try read(.batch) ?? 1, parameters: try texts.parameters(try read(.parameters)),
            operations: try read(.operationsPerInference), startedAt: try read(.startedAt),
            durationSeconds: MonotonicTime(nanoseconds: duration).seconds, completedInferences: try read(.completed),
            failedInferences: try read(.failed), total: total, otherScopes: try otherScopes(id, try read(.otherScopes)),
            idlePowerWatts: try watts(.idlePowerUw), idleUncertaintyWatts: try watts(.idleUncertaintyUw),
            idleDegreesOfFreedom: try read(.idleDegreesOfFreedom), idleRoundingWatts: try watts(.idleRoundingUw),
            meanLatency: try read(.latencyMeanS), flags: try texts.list(try read(.flags), Column.flags),
            engine: try read(.engine), modelSHA256: try read(.modelSha256), programSHA256: try read(.programSha256),
            label: suite.label)
        if let problem = figures.outOfBounds { throw DamagedRow(reason: "\(problem)") }
        return figures
    }

    private mutating func suite(_ id: Int64) throws -> SuiteFacts {
        if let known = suites[id] { return try known.get() }
        let facts: Result<SuiteFacts, DamagedRow>
        do { facts = .success(try SuiteFacts(id, db)) } catch let error as DamagedRow { facts = .failure(error) }
        suites[id] = facts
        return try facts.get()
    }

    /// Most windows have none.
    private mutating func otherScopes(_ run: Int64, _ count: Int) throws -> [TotalEnergy] {
        guard count != 0 else { return [] }
        return try ScopeRow.totals(ofRun: run, count: count, &texts, db)
    }
}

/// What the windows of a suite have in common.
private struct SuiteFacts {
    var uuid, suite, version, machine, fingerprint: String
    var source: RecordSource
    var label: String?
    /// The processor's name, where the inventory has it.
    var processor: String?

    init(_ id: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                SELECT uuid, suite, source, taskwatt_version, label, name, fingerprint,
                    CASE WHEN json_valid(inventory) THEN json_extract(inventory, '$.cpu.model') END AS processor
                FROM suite_run JOIN machine ON machine.id = machine_id WHERE suite_run.id = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [id]) else {
            throw DamagedRow(reason: "its suite is not there")
        }
        (uuid, suite, version) = (
            try row.value("uuid"), try row.value("suite"), try row.value("taskwatt_version")
        )
        (machine, fingerprint) = (try row.value("name"), try row.value("fingerprint"))
        source = RecordSource(rawValue: try row.value("source")) ?? .taskwatt
        (label, processor) = (try row.value("label"), row.optional("processor"))
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
