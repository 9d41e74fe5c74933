package import Core
import GRDB

/// A window as the columns that it is searched, averaged and exported by: a row of `run`, whose schema says what is what.
package struct RunRow: Codable, Sendable, Hashable {
    /// `nil` of one that is not written yet.
    package var id: Int64?
    package var suiteRunId: Int64
    package var stage: String
    package var status: String
    package var `repeat`: Int?
    package var task: String?
    package var plugin: String?
    package var pluginVersion: String?
    package var model: String?
    package var dataset: String?
    package var size: String?
    package var device: String?
    package var precision: String?
    package var batch: Int?
    package var engine: String?
    package var modelSha256: String?
    package var programSha256: String?
    package var parameterCount: Int64?
    package var operationsPerInference: Double?
    package var seed: Int64?
    /// A JSON object.
    package var parameters: String?
    /// Seconds since 1970.
    package var startedAt: Double
    package var durationNs: Int64
    package var completed: Int
    package var failed: Int
    package var scope: String
    package var provenance: String
    package var energyUj: Int64
    package var uncertaintyUj: Int64
    package var accuracyUj: Int64
    package var commonUj: Int64
    package var scaledUj: Int64?
    package var coverage: Double
    /// JSON arrays of text.
    package var energyFlags: String
    package var domainIds: String
    package var otherScopes: Int
    package var intervalS: Double?
    package var jitter: Double?
    package var idlePowerUw: Int64?
    package var idleUncertaintyUw: Int64?
    package var idleDegreesOfFreedom: Double?
    package var idleRoundingUw: Int64?
    package var latencyMeanS: Double?
    package var latencyMedianS: Double?
    package var latencyP95S: Double?
    package var latencyMinS: Double?
    package var latencyMaxS: Double?
    /// A JSON object of numbers; `nil` of none.
    package var metrics: String?
    package var otherCpuShare: Double?
    package var stealShare: Double?
    /// A JSON array of text.
    package var flags: String
    package var error: String?

    enum CodingKeys: String, ColumnName {
        case id, suiteRunId, stage, status, `repeat`, task, plugin, pluginVersion, model, dataset, size, device,
            precision,
            batch, engine, modelSha256, programSha256, parameterCount, operationsPerInference, seed, parameters,
            startedAt, durationNs, completed, failed, scope, provenance, energyUj, uncertaintyUj, accuracyUj, commonUj,
            scaledUj, coverage, energyFlags, domainIds, otherScopes, intervalS, jitter, idlePowerUw, idleUncertaintyUw,
            idleDegreesOfFreedom, idleRoundingUw, latencyMeanS, latencyMedianS, latencyP95S, latencyMinS, latencyMaxS,
            metrics, otherCpuShare, stealShare, flags, error

        static let names = columnNames()
    }
}

extension RunRow: TableRow {
    static let databaseTableName = "run"

    /// - Parameter read: of all columns.
    init(_ read: RowReader<CodingKeys>) throws(DamagedRow) {
        self.init(
            id: try read(.id), suiteRunId: try read(.suiteRunId), stage: try read(.stage), status: try read(.status),
            repeat: try read(.repeat), task: try read(.task), plugin: try read(.plugin),
            pluginVersion: try read(.pluginVersion), model: try read(.model), dataset: try read(.dataset),
            size: try read(.size), device: try read(.device), precision: try read(.precision), batch: try read(.batch),
            engine: try read(.engine), modelSha256: try read(.modelSha256), programSha256: try read(.programSha256),
            parameterCount: try read(.parameterCount), operationsPerInference: try read(.operationsPerInference),
            seed: try read(.seed), parameters: try read(.parameters), startedAt: try read(.startedAt),
            durationNs: try read(.durationNs), completed: try read(.completed), failed: try read(.failed),
            scope: try read(.scope), provenance: try read(.provenance), energyUj: try read(.energyUj),
            uncertaintyUj: try read(.uncertaintyUj), accuracyUj: try read(.accuracyUj), commonUj: try read(.commonUj),
            scaledUj: try read(.scaledUj), coverage: try read(.coverage), energyFlags: try read(.energyFlags),
            domainIds: try read(.domainIds), otherScopes: try read(.otherScopes), intervalS: try read(.intervalS),
            jitter: try read(.jitter), idlePowerUw: try read(.idlePowerUw),
            idleUncertaintyUw: try read(.idleUncertaintyUw), idleDegreesOfFreedom: try read(.idleDegreesOfFreedom),
            idleRoundingUw: try read(.idleRoundingUw), latencyMeanS: try read(.latencyMeanS),
            latencyMedianS: try read(.latencyMedianS), latencyP95S: try read(.latencyP95S),
            latencyMinS: try read(.latencyMinS), latencyMaxS: try read(.latencyMaxS), metrics: try read(.metrics),
            otherCpuShare: try read(.otherCpuShare), stealShare: try read(.stealShare), flags: try read(.flags),
            error: try read(.error))
    }

    init(_ run: RunRecord, suiteRun: Int64) throws {
        let (energy, total, workload, latency) = (run.energy, run.energy.total, run.workload, run.latency)
        self.init(
            id: nil, suiteRunId: suiteRun, stage: run.stage.rawValue, status: run.status.rawValue,
            repeat: run.repeatIndex, task: workload?.task.rawValue, plugin: workload?.plugin,
            pluginVersion: workload?.pluginVersion, model: workload?.model, dataset: workload?.dataset,
            size: workload?.size, device: workload?.device, precision: workload?.precision, batch: workload?.batch,
            engine: workload?.engine, modelSha256: workload?.modelSHA256, programSha256: workload?.programSHA256,
            parameterCount: workload?.parameterCount, operationsPerInference: workload?.operationsPerInference,
            seed: workload?.seed, parameters: try workload.map { try RecordJSON.text($0.parameters) },
            startedAt: run.startedAt, durationNs: energy.window.end - energy.window.start,
            completed: run.completedInferences, failed: run.failedInferences, scope: total.scope.rawValue,
            provenance: total.provenance.rawValue, energyUj: total.energy.microjoules,
            uncertaintyUj: total.uncertainty.microjoules, accuracyUj: total.accuracyUncertainty.microjoules,
            commonUj: total.commonUncertainty.microjoules, scaledUj: total.scaledEnergy?.microjoules,
            coverage: total.coverage, energyFlags: try RecordJSON.text(total.flags),
            domainIds: try RecordJSON.text(total.domainIDs), otherScopes: energy.otherScopes.count,
            intervalS: energy.intervalSeconds, jitter: energy.jitter, idlePowerUw: run.idlePower?.microwatts,
            idleUncertaintyUw: run.idlePowerUncertainty?.microwatts,
            idleDegreesOfFreedom: run.idlePowerDegreesOfFreedom, idleRoundingUw: run.idlePowerRounding?.microwatts,
            latencyMeanS: latency?.mean, latencyMedianS: latency?.median, latencyP95S: latency?.p95,
            latencyMinS: latency?.minimum, latencyMaxS: latency?.maximum,
            metrics: run.metrics.isEmpty ? nil : try RecordJSON.text(run.metrics), otherCpuShare: run.otherCPUShare,
            stealShare: run.stealShare, flags: try RecordJSON.text(run.flags), error: run.error)
    }

    /// - Throws: `DamagedRow` where it holds what this version has no name for.
    func total(_ texts: inout DecodedTexts) throws(DamagedRow) -> TotalEnergy {
        guard let scope = TotalScope(rawValue: scope), let provenance = Provenance(rawValue: provenance) else {
            throw DamagedRow(run: id, reason: "its scope or provenance is none")
        }
        return TotalEnergy(
            energy: energy, uncertainty: uncertainty, accuracyUncertainty: Energy(microjoules: accuracyUj),
            commonUncertainty: Energy(microjoules: commonUj), scope: scope, provenance: provenance, coverage: coverage,
            scaledEnergy: scaledUj.map(Energy.init(microjoules:)),
            flags: try texts.list(energyFlags, CodingKeys.energyFlags).compactMap(EnergyFlag.init(rawValue:)),
            domainIDs: try texts.list(domainIds, CodingKeys.domainIds))
    }

    package var energy: Energy { Energy(microjoules: energyUj) }
    package var uncertainty: Energy { Energy(microjoules: uncertaintyUj) }
    package var idlePower: Power? { idlePowerUw.map(Power.init(microwatts:)) }
    package var durationSeconds: Double { Double(durationNs) / 1e9 }
}
