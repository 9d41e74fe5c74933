import Core
import Recording

/// GET /v1/runs, one each: a window in short; `/v1/runs/{id}` has all of it.
struct RunListing: Sendable, Hashable, Codable {
    var id: Int64
    var suiteRun: String
    var suite: String
    var machine: String
    var source: RecordSource
    var stage: RunStage
    var repeatIndex: Int?
    var task: MLTask?
    var plugin: String?
    var model: String?
    var dataset: String?
    var device: String?
    var size: String?
    var startedAt: Double
    var duration: Double
    var status: RunStatus
    var error: String?
    var completedInferences: Int
    var energy: Energy
    /// `RunRecord.kilowattHoursPer1000`.
    var kilowattHours: Double?
    var scope: TotalScope
    var provenance: Provenance
    var coverage: Double
    var flags: [RunFlag]

    init(_ run: StoredRun) {
        let (record, total, workload) = (run.record, run.record.energy.total, run.record.workload)
        (id, suiteRun, suite, machine, source) = (run.id, run.suiteRun, run.suite, run.machine, run.source)
        (stage, repeatIndex, startedAt) = (record.stage, record.repeatIndex, record.startedAt)
        (task, plugin, model) = (workload?.task, workload?.plugin, workload?.model)
        (dataset, device, size) = (workload?.dataset, workload?.device, workload?.size)
        (status, error, flags) = (record.status, record.error, record.flags)
        duration = record.energy.window.durationSeconds
        completedInferences = record.completedInferences
        (energy, scope, provenance, coverage) = (total.energy, total.scope, total.provenance, total.coverage)
        kilowattHours = record.kilowattHoursPer1000
    }

    enum CodingKeys: String, CodingKey {
        case id, suite, machine, source, stage, task, plugin, model, dataset, device, size, status, error, scope
        case provenance, coverage, flags
        case suiteRun = "suite_run"
        case repeatIndex = "repeat"
        case startedAt = "started_at_unix_s"
        case duration = "duration_s"
        case completedInferences = "completed_inferences"
        case energy = "energy_j"
        case kilowattHours = "kwh_per_1000"
    }
}
