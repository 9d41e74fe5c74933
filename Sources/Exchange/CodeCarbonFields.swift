import Core
import Digests
import Reporting

/// A window as CodeCarbon would have written it; what it cannot be known by is empty.
struct CodeCarbonFields {
    private let run: ExportedRun
    /// Energies and durations are multiplied by it: 1 for what was consumed.
    private let factor: Double
    /// The log's own of what came from a log; else a UUID made of the suite's and the window's number, so that every export
    /// has the same.
    private let runID: String

    /// - Throws: `DigestError` where no UUID can be made.
    init(_ run: ExportedRun, factor: Double = 1) throws(DigestError) {
        self.run = run
        runID = run.source == .taskwatt ? try RunName.uuid(run.suiteRun, run.id) : run.suiteRun
        self.factor = factor
    }

    func text(_ column: String) -> String {
        let record = run.record
        let metric = CodeCarbonColumns.metrics[column].flatMap { record.metrics[$0] }
        switch column {
        case "timestamp": return Self.time(record.startedAt + record.energy.window.durationSeconds)
        case "project_name": return record.workload?.model ?? record.workload?.plugin ?? ""
        case "run_id": return runID
        case "experiment_id": return state(column) ?? (run.source == .taskwatt ? run.suiteRun : "")
        case "duration": return CSVWriter.number(record.energy.window.durationSeconds * factor)
        case "emissions", "water_consumed": return CSVWriter.number(metric.map { $0 * factor })
        case "energy_consumed": return CSVWriter.number(record.energy.total.energy.kilowattHours * factor)
        case "cpu_energy": return energy(.package)
        case "gpu_energy": return energy(.accelerator)
        case "ram_energy": return energy(.dram)
        case "cpu_power": return power(metric, .package)
        case "gpu_power": return power(metric, .accelerator)
        case "ram_power": return power(metric, .dram)
        case "codecarbon_version": return run.source == .taskwatt ? "" : record.workload?.pluginVersion ?? ""
        case "pue": return state(column) ?? "1"
        case "tracking_mode": return state(column) ?? "machine"
        case "os": return state(column) ?? state("kernel").map { "Linux-\($0)" } ?? ""
        default: return CSVWriter.number(metric).nonEmpty ?? machine(column) ?? state(column) ?? ""
        }
    }

    // MARK: Energy

    /// What the total adds up of a scope, in kWh. Of a total that does not add up components it is not known.
    private func energy(_ scope: MeterScope) -> String {
        CSVWriter.number(joules(scope).map { $0 / 3.6e6 * factor })
    }

    private func joules(_ scope: MeterScope) -> Double? {
        let energy = run.record.energy
        let parts = energy.domains.filter { energy.total.domainIDs.contains($0.id) }
        guard energy.total.scope == .components, !parts.isEmpty else { return nil }
        return parts.filter { $0.scope == scope }.map(\.energy.joules).reduce(0, +)
    }

    private func power(_ metric: Double?, _ scope: MeterScope) -> String {
        let seconds = run.record.energy.window.durationSeconds
        return CSVWriter.number(metric ?? joules(scope).flatMap { seconds > 0 ? $0 / seconds : nil })
    }

    // MARK: The machine

    private func state(_ name: String) -> String? { run.machineState[name]?.text.nonEmpty }

    private func machine(_ column: String) -> String? {
        let inventory = run.inventory
        // What came from a log has the log's names.
        if let text = inventory[column]?.text.nonEmpty { return text }
        let names = (inventory["accelerators"]?.elements ?? []).compactMap { $0["name"]?.text }
        switch column {
        case "cpu_count": return inventory["cpu"]?["threads"]?.text
        case "cpu_model": return inventory["cpu"]?["model"]?.text
        case "gpu_count": return inventory["accelerators"].map { _ in String(names.count) }
        case "gpu_model":
            let counts = Dictionary(grouping: names) { $0 }.mapValues(\.count)
            return counts.sorted { $0.key < $1.key }.map { "\($0.value) x \($0.key)" }.joined(separator: " + ")
        case "ram_total_size":
            return inventory["installed_memory_bytes"]?.integerValue.map {
                CSVWriter.number(Double($0) / 1_073_741_824)
            }
        default: return nil
        }
    }

    /// As CodeCarbon writes it, without a zone; it is UTC.
    private static func time(_ unixSeconds: Double) -> String { String(CSVWriter.time(unixSeconds).prefix(19)) }
}

extension JSONValue {
    fileprivate subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self, let value = members[name], value != .null else { return nil }
        return value
    }

    fileprivate var elements: [JSONValue] { if case .array(let values) = self { values } else { [] } }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
