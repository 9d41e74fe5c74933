import Core
import Digests
import Foundation

/// One line of a log of CodeCarbon (`emissions.csv`, or its log of tasks), checked.
///
/// Energies are in kWh and durations in seconds there; powers in watts, emissions in kg of CO₂ equivalent.
struct CodeCarbonRow {
    /// Without these a line of the paper's logs says nothing.
    static let required = [
        "timestamp", "project_name", "run_id", "duration", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed",
    ]
    /// Without these a line of any version's says nothing. The logs of versions 1 have no `run_id` and no parts of the energy.
    static let leastRequired = ["timestamp", "duration", "energy_consumed"]

    /// Lower case: the name that the run has in the record.
    var runID: String
    /// Whether the log has the id; else it is made of the line, so that the line is known again.
    var hasOwnID: Bool
    /// Whether the id in the record is made, of the line or of an id that is no UUID.
    var hasMadeID: Bool
    var project: String
    /// Seconds since 1970 at the end. The log has local time without its zone; it is taken as UTC.
    var endedAt: Double
    var duration: Double
    var row: CSVTable.Row
    /// kWh.
    private(set) var energy: Double
    /// kWh; `nil` for what the line does not have. One that has the total alone, as of what a plug measured or of version 1, has
    /// none.
    private var parts: (cpu: Double?, gpu: Double?, ram: Double?) = (nil, nil, nil)

    private static let mostKilowattHours = Bounds.joules.upperBound / 3.6e6
    /// Many times what the largest node takes.
    private static let mostWatts = 100_000.0
    private static let longest = Bounds.seconds.upperBound

    /// - Parameters:
    ///   - model: what to call the model where the line has no `project_name`.
    ///   - takesAnyID: whether an id may be no UUID, as those that people give are.
    ///   - slashes: in which order the file has the days and months of its dates with slashes, where that is known.
    init(
        _ row: CSVTable.Row, model: String? = nil, takesAnyID: Bool = false, slashes: SlashDate.Order? = nil
    ) throws(ImportProblem) {
        self.row = row
        (runID, hasOwnID, hasMadeID) = try Self.id(row, takesAny: takesAnyID)
        guard let project = row["project_name"] ?? model else {
            throw row.problem("`project_name` is empty; give the model by --model")
        }
        self.project = project
        let time = try row.text("timestamp")
        guard let endedAt = Self.time(time, slashes) else {
            if SlashDate(time)?.isOpen == true {
                throw row.problem(
                    "`timestamp` is \"\(time.prefix(40))\", which can mean two days, and no line of the file decides: write it "
                        + "like 2023-10-02T20:20:22")
            }
            throw row.problem("`timestamp` is \"\(time.prefix(40))\", which is not a time like 2023-10-02T20:20:22")
        }
        self.endedAt = endedAt
        duration = try row.quantity("duration", upTo: Self.longest)
        guard duration > 0 else { throw row.problem("`duration` is 0") }
        func kilowattHours(_ column: String) throws(ImportProblem) -> Double {
            try row.quantity(column, upTo: Self.mostKilowattHours)
        }
        func part(_ column: String) throws(ImportProblem) -> Double? {
            row[column] == nil ? nil : try kilowattHours(column)
        }
        energy = try kilowattHours("energy_consumed")
        parts = (cpu: try part("cpu_energy"), gpu: try part("gpu_energy"), ram: try part("ram_energy"))
        if parts == (nil, nil, nil) { return }
        // CodeCarbon adds the three up, in some versions times the data centre's PUE.
        let sum = (parts.cpu ?? 0) + (parts.gpu ?? 0) + (parts.ram ?? 0)
        let pue = try row.optionalNumber("pue") ?? 1
        // A spreadsheet writes the digits that it shows, of all alike.
        let columns = ["energy_consumed", "cpu_energy", "gpu_energy", "ram_energy"]
        let rounding = columns.map(row.rounding).filter { $0 > 0 }.min() ?? 0
        let slack = max(energy, sum) * 1e-6 + 1e-9 + rounding * 4 * max(1, pue)
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
                "`energy_consumed` in `duration` makes \(Int64(saturating: power)) W, which is impossible: are the columns shifted?"
            )
        }
        for column in CodeCarbonColumns.metrics.keys.sorted() {
            if let value = try row.optionalNumber(column), value < 0 {
                throw row.problem("`\(column)` is \(value): it cannot be negative")
            }
        }
    }

    static func runID(_ row: CSVTable.Row) throws(ImportProblem) -> String {
        try uuid(try row.text("run_id"), "run_id", row)
    }

    /// The run's id. Versions 1 call it `experiment_id`, which later is that of several runs.
    private static func id(
        _ row: CSVTable.Row, takesAny: Bool
    ) throws(ImportProblem) -> (String, isOwn: Bool, isMade: Bool) {
        let column = row.has("run_id") ? "run_id" : "experiment_id"
        let id = row[column].flatMap { $0.lowercased() == "nan" ? nil : $0 }
        if let id, !takesAny || isUUID(id) || Double(id) != nil || time(id) != nil {
            // A number or a time is of another column.
            return (try uuid(id, column, row), true, false)
        }
        do throws(DigestError) {
            let of = id.map { ["codecarbon", column, $0] } ?? (["codecarbon"] + row.fields)
            return (try RunName.uuid(of: of.joined(separator: "\u{1F}")), id != nil, true)
        } catch {
            throw row.problem("no id can be made of the line: \(error)")
        }
    }

    private static func isUUID(_ id: String) -> Bool { parsed(id) != nil }

    private static func parsed(_ id: String) -> UUID? {
        // As Python's `uuid4().hex` has it too.
        var text = Substring(id)
        if id.count == 32 {
            for place in [20, 16, 12, 8] { text.insert("-", at: text.index(text.startIndex, offsetBy: place)) }
        }
        return UUID(uuidString: String(text))
    }

    private static func uuid(_ id: String, _ column: String, _ row: CSVTable.Row) throws(ImportProblem) -> String {
        guard let uuid = parsed(id) else {
            throw row.problem("`\(column)` is \"\(id.prefix(40))\", which is not a UUID: are the columns shifted?")
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
        let run = RunRecord(
            stage: stage, repeatIndex: repeatIndex, workload: workload, startedAt: endedAt - duration,
            energy: WindowEnergy(
                window: Window(start: MonotonicTime(nanoseconds: 0), end: MonotonicTime(seconds: duration)),
                total: total, otherScopes: [], domains: domains, intervalSeconds: 0, jitter: nil),
            completedInferences: inferences, metrics: try metrics)
        if let problem = run.outOfBounds { throw row.problem("\(problem): are the columns shifted?") }
        return run
    }

    /// The CPU's power is a model's or a constant unless RAPL could be read, which the log does not say; the memory's is
    /// always a model's; the GPU's is NVML's.
    private var domains: [DomainEnergy] {
        func domain(_ name: String, _ scope: MeterScope, _ provenance: Provenance, _ energy: Double) -> DomainEnergy {
            DomainEnergy(
                id: "codecarbon/\(name)", name: name, scope: scope, kind: provenance == .measured ? .counter : .gauge,
                provenance: provenance, energy: Self.energy(energy), uncertainty: .zero, accuracyUncertainty: .zero,
                coverage: 1, flags: [], inTotal: true)
        }
        // Of a machine without GPUs the log has 0 for theirs.
        let gpu = row["gpu_model"] != nil ? parts.gpu : parts.gpu.flatMap { $0 > 0 ? $0 : nil }
        return [
            parts.cpu.map { domain("cpu", .package, .estimated, $0) },
            gpu.map { domain("gpu", .accelerator, .measured, $0) },
            parts.ram.map { domain("ram", .dram, .estimated, $0) },
        ].compactMap { $0 }
    }

    private static func energy(_ kilowattHours: Double) -> Energy { Energy(joules: kilowattHours * 3.6e6) }

    /// The rest of the line's figures, which are kept as they are.
    private var metrics: [String: Double] {
        get throws(ImportProblem) {
            var metrics: [String: Double] = [:]
            for (column, name) in CodeCarbonColumns.metrics { metrics[name] = try row.optionalNumber(column) }
            return metrics
        }
    }

    /// `2023-10-02T20:20:22`, with a fraction and a zone where there are; of the hour one digit will do, and seconds may be
    /// missing, as spreadsheets write it. German ones make `02.10.2023 20:20` of it, American ones `10/2/2023 8:20:22 PM`.
    ///
    /// - Parameter slashes: the order of day and month with slashes, where the time itself does not tell: it is not guessed.
    static func time(_ text: String, _ slashes: SlashDate.Order? = nil) -> Double? {
        var text = SlashDate(text)?.text(slashes) ?? text
        if let match = text.prefixMatch(of: /(\d\d?)\.(\d\d?)\.(\d{4}|\d\d)(?=,? \d)/) {
            func two(_ number: Substring) -> String { number.count == 1 ? "0\(number)" : String(number) }
            let year = match.3.count == 2 ? "20\(match.3)" : String(match.3)
            let rest = text[match.range.upperBound...].drop { $0 == "," }
            text = "\(year)-\(two(match.2))-\(two(match.1))\(rest)"
        }
        guard
            let match = text.wholeMatch(
                of: /(\d{4})-(\d\d)-(\d\d)[T ](\d\d?):(\d\d)(?::(\d\d)([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?/)
        else { return nil }
        var parts = tm()
        parts.tm_year = (Int32(match.1) ?? 0) - 1900
        parts.tm_mon = (Int32(match.2) ?? 0) - 1
        parts.tm_mday = Int32(match.3) ?? 0
        parts.tm_hour = Int32(match.4) ?? 0
        parts.tm_min = Int32(match.5) ?? 0
        parts.tm_sec = match.6.flatMap { Int32($0) } ?? 0
        let asked = parts
        var seconds = Double(timegm(&parts))
        // timegm makes the 1st of March of the 30th of February.
        guard parts.tm_mon == asked.tm_mon, parts.tm_mday == asked.tm_mday, parts.tm_hour == asked.tm_hour else {
            return nil
        }
        if let fraction = match.7, let value = Double("0.\(fraction.dropFirst())") { seconds += value }
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
