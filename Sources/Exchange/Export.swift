import Core
import Foundation
package import Recording
import Reporting

/// An export of the record as CSV, a page at a time, so that any length needs the same memory.
package struct Export: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Every window, one a line.
        case runs
        /// Every sample, one a line.
        case samples
    }

    private let store: Store
    private let kind: Kind
    private let suiteRun: String?
    private var last: Int64 = 0
    private var hasHeader = false

    package init(_ kind: Kind, of store: Store, suiteRun: String? = nil) {
        self.kind = kind
        self.store = store
        self.suiteRun = suiteRun
    }

    /// The next piece of text; `nil` after the last.
    package mutating func next() throws(StoreError) -> String? {
        var writer = CSVWriter()
        if !hasHeader {
            writer.row(kind == .runs ? Self.runColumns : Self.sampleColumns)
            hasHeader = true
        }
        switch kind {
        case .runs:
            for run in try store.runs(RunFilter(suiteRun: suiteRun), after: last) {
                writer.row(Self.runFields(run))
                last = run.id
            }
        case .samples:
            for sample in try store.samples(suiteRun: suiteRun, after: last) {
                writer.row(Self.sampleFields(sample))
                last = sample.id
            }
        }
        return writer.text.isEmpty ? nil : writer.text
    }

    private static let sampleColumns = ["run_id", "meter", "time", "monotonic_s", "energy_j", "power_w"]

    private static func sampleFields(_ stored: StoredSample) -> [String] {
        let sample = stored.sample
        return [
            stored.run.map(String.init) ?? "", sample.meterID, CSVWriter.time(sample.wallTime),
            CSVWriter.number(sample.time.seconds), CSVWriter.number(sample.energy?.joules),
            CSVWriter.number(sample.power?.watts),
        ]
    }

    private static let runColumns = [
        "run_id", "suite_run", "suite", "machine", "machine_fingerprint", "taskwatt_version", "stage", "task",
        "repeat", "status", "started_at", "duration_s", "completed_inferences", "failed_inferences", "energy_j",
        "energy_uncertainty_95_j", "energy_kwh", "kwh_per_1000_inferences", "net_energy_j",
        "net_kwh_per_1000_inferences", "mean_power_w", "idle_power_w", "idle_power_standard_uncertainty_w", "scope",
        "provenance", "coverage", "domains", "domain_energies_j", "domain_coverages", "other_scopes_j", "residuals_j",
        "energy_flags",
        "run_flags", "plugin",
        "plugin_version", "engine", "model", "model_sha256", "parameter_count", "operations_per_inference", "dataset",
        "size", "device", "precision", "batch", "seed", "parameters", "latency_mean_s", "latency_median_s",
        "latency_p95_s", "metrics", "other_cpu_share", "steal_share", "sampler_interval_s", "sampler_jitter_p95",
        "machine_state",
        "error",
    ]

    private static func runFields(_ stored: StoredRun) -> [String] {
        let run = stored.record
        let total = run.energy.total
        let workload = run.workload
        let seconds = run.energy.window.durationSeconds
        let net = run.idlePower.map { total.energy.joules - $0.watts * seconds * total.coverage }
        var per1000: Double?
        // Under 99 % of coverage nothing is extrapolated.
        if run.completedInferences > 0, total.isSeen {
            per1000 = 1000 / Double(run.completedInferences) / 3.6e6 / total.coverage
        }
        let grossPer1000 = per1000.map { $0 * total.energy.joules }
        let netPer1000 = per1000.flatMap { factor in net.map { $0 * factor } }
        let domains = run.energy.domains.map { domain in "\(domain.id)=\(CSVWriter.number(domain.energy.joules))" }
        let number: (Double?) -> String = CSVWriter.number
        let coverages = run.energy.domains.map { "\($0.id)=\(number($0.coverage))" }
        let otherScopes = run.energy.otherScopes.map { other in
            "\(other.scope.rawValue)=\(number(other.energy.joules)):\(number(other.coverage))"
        }
        let residuals = run.energy.reconciliations.map { pair in
            "\(pair.outer.rawValue)-\(pair.inner.rawValue)=\(number(pair.residual.joules)):\(pair.verdict.rawValue)"
        }
        let identity: [String] = [
            String(stored.id), stored.suiteRun, stored.suite, stored.machine, stored.machineFingerprint, stored.version,
            run.stage.rawValue,
            workload?.task.rawValue ?? "", run.repeatIndex.map(String.init) ?? "", run.status.rawValue,
            CSVWriter.time(run.startedAt), number(seconds), String(run.completedInferences),
            String(run.failedInferences),
        ]
        let energy: [String] = [
            number(total.energy.joules), number(total.uncertainty.joules), number(total.energy.kilowattHours),
            number(grossPer1000), number(net), number(netPer1000), number(total.energy.over(seconds)?.watts),
            number(run.idlePower?.watts), number(run.idlePowerUncertainty?.watts), total.scope.rawValue,
            total.provenance.rawValue, number(total.coverage), total.domainIDs.joined(separator: " "),
            domains.joined(separator: " "), coverages.joined(separator: " "), otherScopes.joined(separator: " "),
            residuals.joined(separator: " "),
            total.flags.map(\.rawValue).joined(separator: " "), run.flags.map(\.rawValue).joined(separator: " "),
        ]
        let parameters = (workload?.parameters ?? [:]).sorted { $0.key < $1.key }
        let model: [String] = [
            workload?.plugin ?? "", workload?.pluginVersion ?? "", workload?.engine ?? "", workload?.model ?? "",
            workload?.modelSHA256 ?? "", workload?.parameterCount.map(String.init) ?? "",
            number(workload?.operationsPerInference), workload?.dataset ?? "", workload?.size ?? "",
            workload?.device ?? "",
            workload?.precision ?? "", workload.map { String($0.batch) } ?? "", workload?.seed.map(String.init) ?? "",
            parameters.map { "\($0.key)=\($0.value.text)" }.joined(separator: " "),
        ]
        let conditions: [String] = [
            number(run.latency?.mean), number(run.latency?.median), number(run.latency?.p95),
            metrics(run), number(run.otherCPUShare), number(run.stealShare), number(run.energy.intervalSeconds),
            number(run.energy.jitter), stored.machineState,
            run.error ?? "",
        ]
        return identity + energy + model + conditions
    }

    /// A JSON object with its names in order; empty of none.
    private static func metrics(_ run: RunRecord) -> String {
        if run.metrics.isEmpty { return "" }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Names and finite numbers: JSON holds both.
        return (try? encoder.encode(run.metrics)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
