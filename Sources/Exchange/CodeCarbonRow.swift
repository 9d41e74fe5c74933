import Core
import Foundation

/// One line of a log of CodeCarbon (`emissions.csv`, or its log of tasks), checked.
///
/// Energies are in kWh and durations in seconds there; powers in watts, emissions in kg of CO₂ equivalent.
struct CodeCarbonRow {
    /// Without these a line says nothing.
    static let required = [
        "timestamp", "project_name", "run_id", "duration", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed",
    ]

    /// Lower case: the name that the run has in the record.
    var runID: String
    var project: String
    /// Seconds since 1970 at the end. The log has local time without its zone; it is taken as UTC.
    var endedAt: Double
    var duration: Double
    var row: CSVTable.Row
    private var energy: Double
    /// `nil` where the line has the total alone, as of what a plug measured.
    private var parts: (cpu: Double, gpu: Double, ram: Double)?

    /// More than any log holds, and little enough for 64 bits of microjoules.
    private static let mostKilowattHours = 1e6
    /// Many times what the largest node takes.
    private static let mostWatts = 100_000.0
    /// Thirty years.
    private static let longest = 1e9

    init(_ row: CSVTable.Row) throws(ImportProblem) {
        self.row = row
        runID = try Self.runID(row)
        project = try row.text("project_name")
        let time = try row.text("timestamp")
        guard let endedAt = Self.time(time) else {
            throw row.problem("`timestamp` is \"\(time.prefix(40))\", which is no time like 2023-10-02T20:20:22")
        }
        self.endedAt = endedAt
        duration = try row.quantity("duration", upTo: Self.longest)
        guard duration > 0 else { throw row.problem("`duration` is 0") }
        func kilowattHours(_ column: String) throws(ImportProblem) -> Double {
            try row.quantity(column, upTo: Self.mostKilowattHours)
        }
        energy = try kilowattHours("energy_consumed")
        if row["cpu_energy"] == nil, row["gpu_energy"] == nil, row["ram_energy"] == nil { return }
        let parts = (
            cpu: try kilowattHours("cpu_energy"), gpu: try kilowattHours("gpu_energy"),
            ram: try kilowattHours("ram_energy")
        )
        self.parts = parts
        // CodeCarbon adds the three up, in some versions times the data centre's PUE.
        let sum = parts.cpu + parts.gpu + parts.ram
        let pue = try row.number("pue") ?? 1
        let slack = max(energy, sum) * 1e-6 + 1e-9
        guard abs(energy - sum) <= slack || abs(energy - sum * pue) <= slack else {
            throw row.problem(
                "`energy_consumed` is \(energy), and cpu_energy + gpu_energy + ram_energy is \(sum): "
                    + "are the columns shifted, or was a figure edited?")
        }
    }

    /// What a log that a program wrote never has, and one does whose columns were moved by hand. The paper's own are not held
    /// to it: they are as they are.
    func checkPlausible() throws(ImportProblem) {
        let power = energy * 3.6e6 / duration
        guard power <= Self.mostWatts else {
            throw row.problem(
                "`energy_consumed` in `duration` makes \(Int(power)) W, which no machine takes: are the columns shifted?"
            )
        }
        for column in CodeCarbonColumns.metrics.keys.sorted() {
            if let value = try row.number(column), value < 0 {
                throw row.problem("`\(column)` is \(value): it cannot be negative")
            }
        }
    }

    static func runID(_ row: CSVTable.Row) throws(ImportProblem) -> String {
        let id = try row.text("run_id")
        guard let uuid = UUID(uuidString: id) else {
            throw row.problem("`run_id` is \"\(id.prefix(40))\", which is no UUID: are the columns shifted?")
        }
        return uuid.uuidString.lowercased()
    }

    /// As a window of the record. The clock that the window was timed with is not known: it begins at 0.
    func run(
        _ stage: RunStage, repeatIndex: Int? = nil, workload: WorkloadDescription, inferences: Int
    ) throws(ImportProblem) -> RunRecord {
        var workload = workload
        workload.pluginVersion = row["codecarbon_version"]
        let total = TotalEnergy(
            energy: Self.energy(energy), uncertainty: .zero, accuracyUncertainty: .zero, scope: .components,
            provenance: .estimated, coverage: 1, flags: [], domainIDs: domains.map(\.id))
        return RunRecord(
            stage: stage, repeatIndex: repeatIndex, workload: workload, startedAt: endedAt - duration,
            energy: WindowEnergy(
                window: Window(start: MonotonicTime(nanoseconds: 0), end: MonotonicTime(seconds: duration)),
                total: total, otherScopes: [], domains: domains, intervalSeconds: 0, jitter: nil),
            completedInferences: inferences, metrics: try metrics)
    }

    /// The CPU's power is a model's or a constant unless RAPL could be read, which the log does not say; the memory's is
    /// always a model's; the GPU's is NVML's.
    private var domains: [DomainEnergy] {
        guard let parts else { return [] }
        func domain(_ name: String, _ scope: MeterScope, _ provenance: Provenance, _ energy: Double) -> DomainEnergy {
            DomainEnergy(
                id: "codecarbon/\(name)", name: name, scope: scope, kind: provenance == .measured ? .counter : .gauge,
                provenance: provenance, energy: Self.energy(energy), uncertainty: .zero, accuracyUncertainty: .zero,
                coverage: 1, flags: [], inTotal: true)
        }
        let hasGPU = row["gpu_model"] != nil || parts.gpu > 0
        return [domain("cpu", .package, .estimated, parts.cpu)]
            + (hasGPU ? [domain("gpu", .accelerator, .measured, parts.gpu)] : [])
            + [domain("ram", .dram, .estimated, parts.ram)]
    }

    private static func energy(_ kilowattHours: Double) -> Energy { Energy(joules: kilowattHours * 3.6e6) }

    /// The rest of the line's figures, which are kept as they are.
    private var metrics: [String: Double] {
        get throws(ImportProblem) {
            var metrics: [String: Double] = [:]
            for (column, name) in CodeCarbonColumns.metrics { metrics[name] = try row.number(column) }
            return metrics
        }
    }

    /// `2023-10-02T20:20:22`, with a fraction and a zone where there are; of the hour one digit will do, as spreadsheets
    /// write it.
    static func time(_ text: String) -> Double? {
        guard
            let match = text.wholeMatch(
                of: /(\d{4})-(\d\d)-(\d\d)[T ](\d\d?):(\d\d):(\d\d)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?/)
        else { return nil }
        var parts = tm()
        parts.tm_year = (Int32(match.1) ?? 0) - 1900
        parts.tm_mon = (Int32(match.2) ?? 0) - 1
        parts.tm_mday = Int32(match.3) ?? 0
        parts.tm_hour = Int32(match.4) ?? 0
        parts.tm_min = Int32(match.5) ?? 0
        parts.tm_sec = Int32(match.6) ?? 0
        let asked = parts
        var seconds = Double(timegm(&parts))
        // timegm makes the 1st of March of the 30th of February.
        guard parts.tm_mon == asked.tm_mon, parts.tm_mday == asked.tm_mday, parts.tm_hour == asked.tm_hour else {
            return nil
        }
        if let fraction = match.7, let value = Double("0\(fraction)") { seconds += value }
        if let zone = match.8, zone != "Z" {
            let digits = zone.dropFirst().filter(\.isNumber)
            let offset = (Double(digits.prefix(2)) ?? 0) * 3600 + (Double(digits.suffix(2)) ?? 0) * 60
            seconds -= zone.hasPrefix("-") ? -offset : offset
        }
        return seconds
    }
}

// MARK: The machine

extension CodeCarbonRow {
    /// The GPUs, or else the CPU, name the machine.
    var machine: String { row["gpu_model"] ?? row["cpu_model"] ?? "unknown" }

    /// JSON of what the machine is made of. What varies from run to run is in the machine's state.
    var inventory: String { json(["cpu_model", "cpu_count", "gpu_model", "gpu_count", "ram_total_size"]) }

    /// JSON of where and how it ran.
    var machineState: String {
        json([
            "os", "python_version", "codecarbon_version", "tracking_mode", "country_name", "country_iso_code", "region",
            "cloud_provider", "cloud_region", "on_cloud", "longitude", "latitude", "experiment_id", "pue", "wue",
        ])
    }

    private func json(_ columns: [String]) -> String {
        var values: [String: JSONValue] = ["source": .string("codecarbon")]
        for column in columns {
            guard let text = row[column] else { continue }
            values[column] =
                CodeCarbonColumns.numbers.contains(column)
                ? Double(text).map { $0.isFinite ? .number($0) : .string(text) } ?? .string(text) : .string(text)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and finite numbers: JSON holds both.
        return (try? encoder.encode(values)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
