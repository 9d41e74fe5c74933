import Core
import Foundation
import Recording
import Reporting

/// A line of CSV for each window, written straight from its record: numbers and plain texts are copied, not decoded.
struct RunsCSV: Sendable {
    /// What the windows of one suite have in common.
    private enum SuiteText {
        case uuid, suite, label, source, machine, machineFingerprint, version, machineState

        func text(_ suite: StoredSuite) -> String {
            switch self {
            case .uuid: suite.uuid
            case .suite: suite.suite
            case .label: suite.label ?? ""
            case .source: suite.source.rawValue
            case .machine: suite.machine
            case .machineFingerprint: suite.machineFingerprint
            case .version: suite.version
            case .machineState: suite.machineState
            }
        }
    }

    /// How a column comes about. Texts are paths into the record.
    private enum Column {
        case id, startedAt
        case suite(SuiteText)
        /// A number or a string.
        case value(String)
        /// Strings, with blanks between them.
        case list(String)
        /// The members of an object, `name=value`.
        case members(String)
        /// JSON; empty of an empty object.
        case json(String)
        /// Objects in an array, a text of the values that the paths lead to, with signs between them.
        case objects(String, [String], signs: String)
        case energyKWh, per1000, netEnergy, netPer1000, meanPower
    }

    private static var columns: [(name: String, column: Column)] {
        let total = "energy.total"
        let domains = "energy.domains"
        return [
            ("run_id", .id), ("suite_run", .suite(.uuid)), ("suite", .suite(.suite)), ("source", .suite(.source)),
            ("machine", .suite(.machine)), ("machine_fingerprint", .suite(.machineFingerprint)),
            ("taskwatt_version", .suite(.version)), ("stage", .value("stage")), ("task", .value("workload.task")),
            ("repeat", .value("repeat")), ("status", .value("status")), ("started_at", .startedAt),
            ("duration_s", .value("energy.window.duration_s")),
            ("completed_inferences", .value("completed_inferences")),
            ("failed_inferences", .value("failed_inferences")), ("energy_j", .value("\(total).energy_j")),
            ("energy_uncertainty_95_j", .value("\(total).uncertainty_j")), ("energy_kwh", .energyKWh),
            ("kwh_per_1000_inferences", .per1000), ("net_energy_j", .netEnergy),
            ("net_kwh_per_1000_inferences", .netPer1000), ("mean_power_w", .meanPower),
            ("idle_power_w", .value("idle_power_w")),
            ("idle_power_standard_uncertainty_w", .value("idle_power_standard_uncertainty_w")),
            ("scope", .value("\(total).scope")), ("provenance", .value("\(total).provenance")),
            ("coverage", .value("\(total).coverage")), ("domains", .list("\(total).domain_ids")),
            ("domain_energies_j", .objects(domains, ["id", "energy_j"], signs: "=")),
            ("domain_uncertainties_95_j", .objects(domains, ["id", "uncertainty_j"], signs: "=")),
            ("domain_coverages", .objects(domains, ["id", "coverage"], signs: "=")),
            ("other_scopes_j", .objects("energy.other_scopes", ["scope", "energy_j", "coverage"], signs: "=:")),
            (
                "residuals_j",
                .objects("energy.reconciliations", ["outer", "inner", "residual_j", "verdict"], signs: "-=:")
            ),
            ("energy_flags", .list("\(total).flags")), ("run_flags", .list("flags")),
            ("plugin", .value("workload.plugin")), ("plugin_version", .value("workload.plugin_version")),
            ("engine", .value("workload.engine")), ("model", .value("workload.model")),
            ("model_sha256", .value("workload.model_sha256")),
            ("program_sha256", .value("workload.program_sha256")),
            ("parameter_count", .value("workload.parameter_count")),
            ("operations_per_inference", .value("workload.operations_per_inference")),
            ("dataset", .value("workload.dataset")), ("size", .value("workload.size")),
            ("device", .value("workload.device")), ("precision", .value("workload.precision")),
            ("batch", .value("workload.batch")), ("seed", .value("workload.seed")),
            ("parameters", .members("workload.parameters")), ("latency_mean_s", .value("latency.mean_s")),
            ("latency_median_s", .value("latency.median_s")), ("latency_p95_s", .value("latency.p95_s")),
            ("latency_min_s", .value("latency.min_s")), ("latency_max_s", .value("latency.max_s")),
            ("metrics", .json("metrics")), ("other_cpu_share", .value("other_cpu_share")),
            ("steal_share", .value("steal_share")), ("sampler_interval_s", .value("energy.interval_s")),
            ("sampler_jitter_p95", .value("energy.jitter")), ("machine_state", .suite(.machineState)),
            ("procedure", .json("procedure")), ("machine_before", .json("machine_before")),
            ("machine_after", .json("machine_after")), ("error", .value("error")), ("label", .suite(.label)),
        ]
    }

    /// A column with the numbers of its paths among `paths`.
    private enum Step {
        case id, startedAt
        case suite(SuiteText)
        case value(Int)
        case list(Int)
        case members(Int)
        case json(Int)
        case objects(Int, JSONPaths, signs: [UInt8])
        case energyKWh, per1000, netEnergy, netPer1000, meanPower
    }

    let header: [String]
    private let steps: [Step]
    private let paths: JSONPaths
    /// Where the numbers that figures are computed of are.
    private let startedAt, duration, completed, failed, energy, uncertainty, coverage, scaled, energyFlags,
        idlePower: Int
    private var found: [Range<Int>] = []
    private var inner: [Range<Int>] = []
    private var text: [UInt8] = []

    init() {
        var known: [String] = []
        func slot(_ path: String) -> Int {
            if let index = known.firstIndex(of: path) { return index }
            known.append(path)
            return known.count - 1
        }
        header = Self.columns.map(\.name)
        steps = Self.columns.map { column in
            switch column.column {
            case .id: .id
            case .startedAt: .startedAt
            case .suite(let part): .suite(part)
            case .value(let path): .value(slot(path))
            case .list(let path): .list(slot(path))
            case .members(let path): .members(slot(path))
            case .json(let path): .json(slot(path))
            case .objects(let path, let inner, let signs):
                .objects(slot(path), JSONPaths(inner), signs: Array(signs.utf8))
            case .energyKWh: .energyKWh
            case .per1000: .per1000
            case .netEnergy: .netEnergy
            case .netPer1000: .netPer1000
            case .meanPower: .meanPower
            }
        }
        startedAt = slot("started_at_unix_s")
        duration = slot("energy.window.duration_s")
        completed = slot("completed_inferences")
        failed = slot("failed_inferences")
        energy = slot("energy.total.energy_j")
        uncertainty = slot("energy.total.uncertainty_j")
        coverage = slot("energy.total.coverage")
        scaled = slot("energy.total.scaled_energy_j")
        energyFlags = slot("energy.total.flags")
        idlePower = slot("idle_power_w")
        paths = JSONPaths(known)
    }

    /// - Returns: false if the record is not JSON, or lacks what every record has.
    mutating func write(
        _ run: RunPage.Run, _ suite: StoredSuite, records: UnsafeRawBufferPointer, to writer: inout CSVWriter
    ) -> Bool {
        var scanner = JSONScanner(bytes: records, range: run.record)
        guard paths.find(in: &scanner, &found), scanner.next == nil, let figures = Figures(self, records) else {
            return false
        }
        // Of a window that no meter saw nothing is known, and that is no 0 J.
        if figures.energy == nil { (found[energy], found[uncertainty]) = (0..<0, 0..<0) }
        // Nor of what stands for a failure and not for a window.
        if figures.isEmpty { for slot in [duration, completed, failed, coverage] { found[slot] = 0..<0 } }
        let values = JSONText(bytes: records)
        for step in steps {
            switch step {
            case .id: writer.field(Double(run.id))
            case .startedAt: writer.field(time: figures.startedAt)
            case .suite(let part): writer.field(part.text(suite))
            case .value(let slot):
                if let plain = values.plain(found[slot]) {
                    writer.field(plain)
                } else {
                    values.append(found[slot], to: &text)
                    flush(&writer)
                }
            case .list(let slot):
                values.appendList(found[slot], to: &text)
                flush(&writer)
            case .members(let slot):
                values.appendMembers(found[slot], to: &text)
                flush(&writer)
            case .json(let slot):
                // `{}` has two bytes.
                writer.field(UnsafeRawBufferPointer(rebasing: records[found[slot].count > 2 ? found[slot] : 0..<0]))
            case .objects(let slot, let paths, let signs):
                values.appendObjects(found[slot], paths, signs, &inner, to: &text)
                flush(&writer)
            case .energyKWh: writer.field(figures.energy.map { $0 / 3.6e6 })
            case .per1000: writer.field(figures.per1000.flatMap { factor in figures.energy.map { $0 * factor } })
            case .netEnergy: writer.field(figures.net)
            case .netPer1000: writer.field(figures.per1000.flatMap { factor in figures.net.map { $0 * factor } })
            case .meanPower:
                // Over the time that was seen.
                writer.field(
                    figures.energy.flatMap { Energy(joules: $0).over(figures.seen)?.watts })
            }
        }
        writer.endRow()
        return true
    }

    /// Writes what was put together in `text`, whose memory all fields share.
    private mutating func flush(_ writer: inout CSVWriter) {
        text.withUnsafeBytes { writer.field($0) }
        text.removeAll(keepingCapacity: true)
    }

    /// The numbers that other figures are computed of.
    private struct Figures {
        var startedAt: Double
        /// What makes the energy that of the whole window, each meter by its own coverage.
        var scale = 1.0
        /// Of the window, the seconds that the energy is of.
        var seen: Double
        /// Whether there was no window: `RunRecord.isEmpty`.
        var isEmpty: Bool
        /// `nil` where nothing was seen.
        var energy: Double?
        /// Less the idle baseline, over what was seen.
        var net: Double?
        /// Times joules: kWh per 1,000 inferences. Under 99 % of coverage nothing is extrapolated.
        var per1000: Double?

        init?(_ csv: RunsCSV, _ records: UnsafeRawBufferPointer) {
            let values = JSONText(bytes: records)
            func number(_ slot: Int) -> Double? { values.number(csv.found[slot]) }
            guard
                let startedAt = number(csv.startedAt), let duration = number(csv.duration),
                let energy = number(csv.energy), let coverage = number(csv.coverage),
                let completed = number(csv.completed), Bounds.unixSeconds.contains(startedAt),
                Bounds.seconds.contains(duration), Bounds.joules.contains(energy), Bounds.share.contains(coverage),
                Bounds.inferences.contains(Int(saturating: completed))
            else { return nil }
            self.startedAt = startedAt
            isEmpty = duration == 0 && coverage == 0
            if coverage > 0 { scale = 1 / coverage }
            if let scaled = number(csv.scaled), scaled > 0, energy > 0 { scale = scaled / energy }
            // As `TotalEnergy.seconds(seenOf:)`, whose flags are an array of plain names.
            var flags: [UInt8] = []
            if coverage < 1 { values.appendList(csv.found[csv.energyFlags], to: &flags) }
            let isIncomplete = flags.split(separator: UInt8(ascii: " ")).contains {
                $0.elementsEqual(EnergyFlag.incomplete.rawValue.utf8)
            }
            seen = isIncomplete && coverage > 0 ? duration : coverage > 0 ? duration / scale : 0
            guard coverage > 0 else { return }
            self.energy = energy
            net = number(csv.idlePower).map { energy - $0 * seen }
            if completed > 0, coverage >= TotalEnergy.leastCoverage { per1000 = 1000 / completed / 3.6e6 * scale }
        }
    }
}
