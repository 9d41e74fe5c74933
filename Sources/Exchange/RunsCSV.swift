import Core
import Foundation
import Recording
import Reporting

/// A line of CSV for each window, made of its columns.
struct RunsCSV: Sendable {
    private struct Line {
        var run: RunPage.Run
        var row: RunRow
        var suite: StoredSuite
        var figures: Figures
    }

    private typealias Cell = @Sendable (Line, inout CellTexts, inout CSVWriter) -> Void

    // MARK: The columns

    private static let columns: [(name: String, cell: Cell)] = [
        ("run_id", whole { $0.run.id }), ("suite_run", text { $0.suite.uuid }), ("suite", text { $0.suite.suite }),
        ("source", text { $0.suite.source.rawValue }), ("machine", text { $0.suite.machine }),
        ("machine_fingerprint", text { $0.suite.machineFingerprint }),
        ("taskwatt_version", text { $0.suite.version }), ("stage", text { $0.row.stage }),
        ("task", text { $0.row.task }), ("repeat", whole { $0.row.repeat.map(Int64.init) }),
        ("status", text { $0.row.status }), ("started_at", { $2.field(time: $0.row.startedAt) }),
        ("duration_s", decimal(9) { $0.figures.isEmpty ? nil : $0.row.durationNs }),
        ("completed_inferences", whole { $0.figures.isEmpty ? nil : Int64($0.row.completed) }),
        ("failed_inferences", whole { $0.figures.isEmpty ? nil : Int64($0.row.failed) }),
        ("energy_j", decimal(6) { $0.figures.energy == nil ? nil : $0.row.energyUj }),
        ("energy_uncertainty_95_j", decimal(6) { $0.figures.energy == nil ? nil : $0.row.uncertaintyUj }),
        ("energy_kwh", figure { $0.energy.map { $0 / 3.6e6 } }),
        (
            "kwh_per_1000_inferences",
            figure { figures in figures.per1000.flatMap { factor in figures.energy.map { $0 * factor } } }
        ),
        ("net_energy_j", figure { $0.net }),
        (
            "net_kwh_per_1000_inferences",
            figure { figures in figures.per1000.flatMap { factor in figures.net.map { $0 * factor } } }
        ),
        // Over the time that was seen.
        ("mean_power_w", figure { figures in figures.energy.flatMap { Energy(joules: $0).over(figures.seen)?.watts } }),
        ("idle_power_w", decimal(6) { $0.row.idlePowerUw }),
        ("idle_power_standard_uncertainty_w", decimal(6) { $0.row.idleUncertaintyUw }),
        ("scope", text { $0.row.scope }), ("provenance", text { $0.row.provenance }),
        ("coverage", number { $0.figures.isEmpty ? nil : $0.row.coverage }), ("domains", list { $0.row.domainIds }),
        ("domain_energies_j", meters { CellTexts.append($0.energyUj, places: 6, to: &$1) }),
        ("domain_uncertainties_95_j", meters { CellTexts.append($0.uncertaintyUj, places: 6, to: &$1) }),
        ("domain_coverages", meters { CellTexts.append($0.coverage, to: &$1) }),
        (
            "other_scopes_j",
            each(\.otherScopes) { scope, text in
                text.append(contentsOf: "\(scope.scope.rawValue)=".utf8)
                CellTexts.append(scope.energy.microjoules, places: 6, to: &text)
                text.append(UInt8(ascii: ":"))
                CellTexts.append(scope.coverage, to: &text)
            }
        ),
        (
            "residuals_j",
            each(\.reconciliations) { pair, text in
                text.append(contentsOf: "\(pair.outer.rawValue)-\(pair.inner.rawValue)=".utf8)
                CellTexts.append(pair.residual.microjoules, places: 6, to: &text)
                text.append(contentsOf: ":\(pair.verdict.rawValue)".utf8)
            }
        ),
        ("energy_flags", list { $0.row.energyFlags }), ("run_flags", list { $0.row.flags }),
        ("plugin", text { $0.row.plugin }), ("plugin_version", text { $0.row.pluginVersion }),
        ("engine", text { $0.row.engine }), ("model", text { $0.row.model }),
        ("model_sha256", text { $0.row.modelSha256 }), ("program_sha256", text { $0.row.programSha256 }),
        ("parameter_count", whole { $0.row.parameterCount }),
        ("operations_per_inference", number { $0.row.operationsPerInference }), ("dataset", text { $0.row.dataset }),
        ("size", text { $0.row.size }), ("device", text { $0.row.device }), ("precision", text { $0.row.precision }),
        ("batch", whole { $0.row.batch.map(Int64.init) }), ("seed", whole { $0.row.seed }),
        ("parameters", { $2.field($1.members($0.row.parameters)) }), ("latency_mean_s", number { $0.row.latencyMeanS }),
        ("latency_median_s", number { $0.row.latencyMedianS }), ("latency_p95_s", number { $0.row.latencyP95S }),
        ("latency_min_s", number { $0.row.latencyMinS }), ("latency_max_s", number { $0.row.latencyMaxS }),
        ("metrics", object { $0.row.metrics }), ("other_cpu_share", number { $0.row.otherCpuShare }),
        ("steal_share", number { $0.row.stealShare }), ("sampler_interval_s", number { $0.row.intervalS }),
        ("sampler_jitter_p95", number { $0.row.jitter }), ("machine_state", text { $0.suite.machineState }),
        ("procedure", object { $0.run.procedure }), ("machine_before", object { $0.run.machineBefore }),
        ("machine_after", object { $0.run.machineAfter }), ("error", text { $0.row.error }),
        ("label", text { $0.suite.label }),
    ]

    private static func text(_ value: @escaping @Sendable (Line) -> String?) -> Cell {
        { line, _, writer in writer.field(value(line) ?? "") }
    }

    private static func whole(_ value: @escaping @Sendable (Line) -> Int64?) -> Cell {
        decimal(0, value)
    }

    /// A whole number of millionths or billionths.
    private static func decimal(_ places: Int, _ value: @escaping @Sendable (Line) -> Int64?) -> Cell {
        { line, texts, writer in
            texts.write(to: &writer) { CellTexts.append(value(line), places: places, to: &$0) }
        }
    }

    private static func number(_ value: @escaping @Sendable (Line) -> Double?) -> Cell {
        { line, texts, writer in texts.write(to: &writer) { CellTexts.append(value(line), to: &$0) } }
    }

    private static func figure(_ value: @escaping @Sendable (Figures) -> Double?) -> Cell {
        { line, _, writer in writer.field(value(line.figures)) }
    }

    /// Strings, with blanks between them.
    private static func list(_ value: @escaping @Sendable (Line) -> String) -> Cell {
        { line, texts, writer in writer.field(texts.list(value(line))) }
    }

    /// JSON; empty of an empty object.
    private static func object(_ value: @escaping @Sendable (Line) -> String?) -> Cell {
        { line, _, writer in
            let text = value(line) ?? ""
            writer.field(text.utf8.count > 2 ? text : "")
        }
    }

    /// `id=value` of each meter.
    private static func meters(_ value: @escaping @Sendable (RunPage.Meter, inout [UInt8]) -> Void) -> Cell {
        { line, texts, writer in
            texts.write(to: &writer) { text in
                for meter in line.run.meters {
                    if !text.isEmpty { text.append(UInt8(ascii: " ")) }
                    text.append(contentsOf: meter.id.utf8)
                    text.append(UInt8(ascii: "="))
                    value(meter, &text)
                }
            }
        }
    }

    private static func each<Part>(
        _ parts: any KeyPath<RunPage.Run, [Part]> & Sendable, _ write: @escaping @Sendable (Part, inout [UInt8]) -> Void
    ) -> Cell {
        { line, texts, writer in
            texts.write(to: &writer) { text in
                for part in line.run[keyPath: parts] {
                    if !text.isEmpty { text.append(UInt8(ascii: " ")) }
                    write(part, &text)
                }
            }
        }
    }

    // MARK: Writing

    static let header = columns.map(\.name)

    private var texts = CellTexts()

    /// - Returns: false if what the window holds cannot be.
    mutating func write(_ run: RunPage.Run, _ suite: StoredSuite, to writer: inout CSVWriter) -> Bool {
        guard let figures = Figures(run.row, texts.list(run.row.energyFlags)) else { return false }
        let line = Line(run: run, row: run.row, suite: suite, figures: figures)
        for column in Self.columns { column.cell(line, &texts, &writer) }
        writer.endRow()
        return true
    }

    /// The numbers that other figures are computed of.
    private struct Figures {
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

        /// - Parameter flags: of the total, with blanks between them.
        init?(_ row: RunRow, _ flags: String) {
            let (energy, duration, coverage) = (row.energy.joules, row.durationSeconds, row.coverage)
            guard Bounds.unixSeconds.contains(row.startedAt), Bounds.seconds.contains(duration),
                Bounds.joules.contains(energy), Bounds.share.contains(coverage),
                Bounds.inferences.contains(row.completed)
            else { return nil }
            isEmpty = duration == 0 && coverage == 0
            if coverage > 0 { scale = 1 / coverage }
            if let scaled = row.scaledUj, scaled > 0, energy > 0 { scale = Energy(microjoules: scaled).joules / energy }
            // As `TotalEnergy.seconds(seenOf:)`.
            let isIncomplete =
                coverage < 1 && flags.split(separator: " ").contains { $0 == EnergyFlag.incomplete.rawValue }
            seen = isIncomplete && coverage > 0 ? duration : coverage > 0 ? duration / scale : 0
            guard coverage > 0 else { return }
            self.energy = energy
            net = row.idlePower.map { energy - $0.watts * seen }
            if row.completed > 0, coverage >= Thresholds.leastCoverage {
                per1000 = 1000 / Double(row.completed) / 3.6e6 * scale
            }
        }
    }
}
