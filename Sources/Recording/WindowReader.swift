import Core
import Foundation
import GRDB

/// Makes windows of rows. What the windows of a suite have in common is asked for once a suite.
struct WindowReader {
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

    /// All of a window.
    mutating func window(_ read: RowReader<Column>) throws -> MeasuredWindow {
        var window = try energies(read)
        let suite = try suite(try read(.suiteRunId))
        (window.suiteRun, window.suite, window.source, window.version) = (
            suite.uuid, suite.suite, suite.source, suite.version
        )
        (window.machine, window.machineFingerprint, window.processor) = (
            suite.machine, suite.fingerprint, suite.processor
        )
        window.label = suite.label
        window.stage = RunStage(rawValue: try read(.stage)) ?? .query
        window.plugin = try read(.plugin) ?? ""
        window.model = try read(.model)
        window.dataset = try read(.dataset)
        window.size = try read(.size)
        window.device = try read(.device)
        window.precision = try read(.precision)
        window.batch = try read(.batch) ?? 1
        window.parameters = try texts.parameters(try read(.parameters))
        window.operations = try read(.operationsPerInference)
        window.failedInferences = try read(.failed)
        window.total.scope = TotalScope(rawValue: try read(.scope)) ?? .components
        // What a newer version calls otherwise is surely not better than an estimate.
        window.total.provenance = Provenance(rawValue: try read(.provenance)) ?? .estimated
        window.total.domainIDs = try texts.list(try read(.domainIds), Column.domainIds)
        window.otherScopes = try otherScopes(window.id, try read(.otherScopes))
        window.idleDegreesOfFreedom = try read(.idleDegreesOfFreedom)
        window.meanLatency = try read(.latencyMeanS)
        window.engine = try read(.engine)
        window.modelSHA256 = try read(.modelSha256)
        window.programSHA256 = try read(.programSha256)
        if let problem = window.outOfBounds { throw DamagedRow(reason: "\(problem)") }
        return window
    }

    /// What a run's figure is made of, and nothing of what its group has as well: read in a third of the time.
    ///
    /// - Parameter read: of a window that was read whole before, for nothing is held against its bounds.
    mutating func energies(_ read: RowReader<Column>) throws -> MeasuredWindow {
        func energy(_ column: Column) throws(DamagedRow) -> Energy { Energy(microjoules: try read(column)) }
        func watts(_ column: Column) throws(DamagedRow) -> Double? {
            (try read(column) as Int64?).map { Power(microwatts: $0).watts }
        }
        let scaled: Int64? = try read(.scaledUj)
        let duration: Int64 = try read(.durationNs)
        let task: String? = try read(.task)
        let total = TotalEnergy(
            energy: try energy(.energyUj), uncertainty: try energy(.uncertaintyUj),
            accuracyUncertainty: try energy(.accuracyUj), commonUncertainty: try energy(.commonUj), scope: .components,
            provenance: .estimated, coverage: try read(.coverage), scaledEnergy: scaled.map(Energy.init(microjoules:)),
            flags: try texts.list(try read(.energyFlags), Column.energyFlags).compactMap(EnergyFlag.init(rawValue:)),
            domainIDs: [])
        return MeasuredWindow(
            id: try read(.id), status: RunStatus(rawValue: try read(.status)) ?? .failed,
            task: task.map(MLTask.init(rawValue:)), startedAt: try read(.startedAt),
            durationSeconds: MonotonicTime(nanoseconds: duration).seconds, completedInferences: try read(.completed),
            total: total, idlePowerWatts: try watts(.idlePowerUw),
            idleUncertaintyWatts: try watts(.idleUncertaintyUw), idleRoundingWatts: try watts(.idleRoundingUw),
            flags: try texts.list(try read(.flags), Column.flags))
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
                    \(MachineRow.processor) AS processor
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
