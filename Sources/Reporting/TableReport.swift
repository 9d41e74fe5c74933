package import Core
package import Recording

/// The table of kWh per 1,000 inferences, in the paper's layout.
package struct TableReport: Sendable, Hashable, Codable {
    /// One task. Runs of different scope, provenance, size, plugin, set-up or machine never mix in one mean, so a task can
    /// have several rows. A machine whose hardware changed is another one.
    package struct Row: Sendable, Hashable, Codable {
        package var task: MLTask
        /// The paper's name for the task.
        package var title: String
        package var mean: Double
        /// Sample standard deviation over all runs of all models; `nil` of one run.
        package var std: Double?
        package var n: Int
        package var models: [String]
        package var scope: TotalScope
        package var provenance: Provenance
        package var size: String?
        package var plugin: String
        /// Device, precision, batch and the plugin's parameters.
        package var setup: [String: String]
        package var machine: String
        package var machineFingerprint: String
        /// The half-width of the 95 % interval of the mean; of one run, that of its own measurement.
        package var uncertainty: Double
        /// The median of the variation between repeats of one model on one dataset, relative; `nil` without repeats.
        package var runToRunCV: Double?
        /// The least coverage of the runs.
        package var coverage: Double
        /// How many of the runs are flagged, by flag.
        package var flags: [String: Int]
        /// The gross energy of the other scopes that were measured, in kWh per 1,000 inferences, by scope.
        package var otherScopes: [String: Double]
        /// What each scope holds beyond the one inside it, over all runs of the row.
        package var reconciliations: [Reconciliation]
        package var paperMean: Double?
        package var paperRatio: Double?

        enum CodingKeys: String, CodingKey {
            case task, title, n, models, scope, provenance, size, plugin, setup, machine, coverage, flags
            case reconciliations
            case otherScopes = "other_scopes_kwh"
            case mean = "mean_kwh"
            case std = "std_kwh"
            case machineFingerprint = "machine_fingerprint"
            case uncertainty = "mean_uncertainty_95_kwh"
            case runToRunCV = "run_to_run_cv"
            case paperMean = "paper_mean_kwh"
            case paperRatio = "paper_ratio"
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(task, forKey: .task)
            try container.encode(title, forKey: .title)
            try container.encode(mean, forKey: .mean)
            // `null`, not left out: a reader sees that there is none.
            try container.encode(std, forKey: .std)
            try container.encode(n, forKey: .n)
            try container.encode(models, forKey: .models)
            try container.encode(scope, forKey: .scope)
            try container.encode(provenance, forKey: .provenance)
            try container.encode(size, forKey: .size)
            try container.encode(plugin, forKey: .plugin)
            try container.encode(setup, forKey: .setup)
            try container.encode(machine, forKey: .machine)
            try container.encode(machineFingerprint, forKey: .machineFingerprint)
            try container.encode(uncertainty, forKey: .uncertainty)
            try container.encode(runToRunCV, forKey: .runToRunCV)
            try container.encode(coverage, forKey: .coverage)
            try container.encode(flags, forKey: .flags)
            try container.encode(otherScopes, forKey: .otherScopes)
            try container.encode(reconciliations, forKey: .reconciliations)
            try container.encode(paperMean, forKey: .paperMean)
            try container.encode(paperRatio, forKey: .paperRatio)
        }
    }

    /// Gross energy is as measured; net is less the idle baseline.
    package var isNet: Bool
    package var rows: [Row]
    /// Runs that are not in the table, by the reason.
    package var leftOut: [String: Int]
    /// Of net figures, how many idle baselines were measured while something else ran.
    package var contendedBaselines: Int

    enum CodingKeys: String, CodingKey {
        case rows
        case isNet = "net"
        case leftOut = "left_out"
        case contendedBaselines = "contended_baselines"
    }

    /// What a table is made of.
    package struct Options: Sendable, Hashable {
        package var isNet = false
        /// Only this suite's runs; `nil` for the whole record.
        package var suiteRun: String?
        package var task: MLTask?

        package init() {}
    }

    /// Makes the table of a record.
    package init(_ store: Store, _ options: Options = Options()) throws(StoreError) {
        isNet = options.isNet
        var groups: [GroupKey: [Measured]] = [:]
        var leftOut: [String: Int] = [:]
        let idle = options.isNet ? try Self.baselines(store, options) : (degrees: [:], contended: [])
        var suites: Set<String> = []
        let filter = RunFilter(suiteRun: options.suiteRun, stage: .query, task: options.task)
        var page = try store.runs(filter)
        while let last = page.last {
            for run in page {
                guard let workload = run.record.workload else { continue }
                switch Measured.of(run, net: options.isNet) {
                case .measured(let measured):
                    let total = run.record.energy.total
                    suites.insert(run.suiteRun)
                    let key = GroupKey(
                        task: workload.task, scope: total.scope, provenance: total.provenance, size: workload.size,
                        plugin: workload.plugin, setup: Self.setup(workload),
                        machine: run.machine, fingerprint: run.machineFingerprint)
                    groups[key, default: []].append(measured)
                case .leftOut(let reason): leftOut[reason, default: 0] += 1
                }
            }
            page = try store.runs(filter, after: last.id)
        }
        self.leftOut = leftOut
        contendedBaselines = idle.contended.intersection(suites).count
        rows = groups.map { key, runs in Self.row(key, runs, idle.degrees) }.sorted(by: Self.isBefore)
    }

    private static func setup(_ workload: WorkloadDescription) -> [String: String] {
        var setup = workload.parameters.mapValues(\.text)
        setup["device"] = workload.device
        setup["precision"] = workload.precision
        setup["batch"] = String(workload.batch)
        return setup
    }

    /// The degrees of freedom of each suite's idle baseline, and the suites whose baseline was contended. It was measured in blocks of about a second, so its length
    /// tells how many there were.
    private static func baselines(_ store: Store, _ options: Options) throws(StoreError) -> (
        degrees: [String: Double], contended: Set<String>
    ) {
        let filter = RunFilter(suiteRun: options.suiteRun, stage: .idle)
        var degrees: [String: Double] = [:]
        var contended: Set<String> = []
        var page = try store.runs(filter)
        while let last = page.last {
            for run in page {
                let blocks = run.record.energy.window.durationSeconds.rounded()
                degrees[run.suiteRun] = max(1, blocks - 1)
                if run.record.flags.contains(.contended) { contended.insert(run.suiteRun) }
            }
            page = try store.runs(filter, after: last.id)
        }
        return (degrees, contended)
    }

    private struct GroupKey: Hashable {
        var task: MLTask
        var scope: TotalScope
        var provenance: Provenance
        var size: String?
        var plugin: String
        var setup: [String: String]
        var machine: String
        var fingerprint: String
    }

    /// One run's figure, in kWh per 1,000 inferences throughout.
    private struct Measured {
        var kilowattHours: Double
        /// The standard uncertainty that is common to all runs of these meters.
        var accuracy: Double
        /// What edges and resolution add: the variance of one run beside its accuracy.
        var ownVariance: Double
        /// The standard uncertainty of the idle energy taken off, which is common to all runs with that baseline.
        var idle: Double
        /// The suite that the run and its baseline belong to.
        var suiteRun: String
        var model: String
        var dataset: String
        var coverage: Double
        var flags: [String]
        /// kWh per 1,000 inferences of the other scopes, gross.
        var otherScopes: [TotalScope: Double]
        var reconciliations: [Reconciliation]

        enum Outcome {
            case measured(Measured)
            case leftOut(String)
        }

        private static func otherScopes(_ run: RunRecord) -> [TotalScope: Double] {
            let seen = run.energy.otherScopes.filter(\.isSeen)
            return Dictionary(
                seen.map { other in
                    let per1000 = 1000 / Double(run.completedInferences) / other.coverage
                    return (other.scope, other.energy.kilowattHours * per1000)
                }, uniquingKeysWith: { first, _ in first })
        }

        static func of(_ stored: StoredRun, net: Bool) -> Outcome {
            let run = stored.record
            let total = run.energy.total
            guard run.status == .completed else { return .leftOut(run.status.rawValue) }
            guard run.completedInferences > 0 else { return .leftOut("no inference completed") }
            guard total.isSeen else { return .leftOut("coverage under 99 %") }
            guard !run.flags.contains(.suspended) else { return .leftOut("the machine slept") }
            // What was seen stands for the whole: at most 1 % more, and the coverage is in the row.
            let per1000 = 1000 / Double(run.completedInferences) / 3.6e6 / total.coverage
            var joules = total.energy.joules
            var accuracy = total.accuracyUncertainty.joules
            let standard = total.uncertainty.joules / normalCoverageFactor
            let ownVariance = standard * standard - accuracy * accuracy
            var idleUncertainty = 0.0
            if net {
                guard let idle = run.idlePower else { return .leftOut("no idle baseline") }
                let gross = joules
                let seen = run.energy.window.durationSeconds * total.coverage
                joules -= idle.watts * seen
                idleUncertainty = (run.idlePowerUncertainty?.watts ?? 0) * seen
                // Accuracy is common to the two readings, so it scales with their difference.
                accuracy = gross > 0 ? accuracy * abs(joules) / gross : 0
            }
            return .measured(
                Measured(
                    kilowattHours: joules * per1000, accuracy: accuracy * per1000,
                    ownVariance: ownVariance * per1000 * per1000, idle: idleUncertainty * per1000,
                    suiteRun: stored.suiteRun, model: run.workload?.model ?? run.workload?.plugin ?? "",
                    dataset: run.workload?.dataset ?? "", coverage: total.coverage, flags: run.flags.map(\.rawValue),
                    otherScopes: Self.otherScopes(run), reconciliations: run.energy.reconciliations))
        }
    }

    /// The mean of each other scope over the runs that have it.
    private static func otherScopes(_ runs: [Measured]) -> [String: Double] {
        var means: [String: Double] = [:]
        for scope in TotalScope.allCases {
            means[scope.rawValue] = Statistics.mean(runs.compactMap { $0.otherScopes[scope] })
        }
        return means
    }

    private static func reconciliations(_ runs: [Measured]) -> [Reconciliation] {
        let pairs = Dictionary(grouping: runs.flatMap(\.reconciliations)) { [$0.outer, $0.inner] }
        return pairs.sorted { $0.key.map(\.rawValue).joined() > $1.key.map(\.rawValue).joined() }
            .compactMap { Reconciliation(sumOf: $0.value) }
    }

    private static func row(_ key: GroupKey, _ runs: [Measured], _ baselines: [String: Double]) -> Row {
        let values = runs.map(\.kilowattHours)
        let mean = Statistics.mean(values) ?? 0
        let std = Statistics.sampleStandardDeviation(values)
        let variations = Dictionary(grouping: runs) { [$0.model, $0.dataset] }.values.compactMap { runs -> Double? in
            let values = runs.map(\.kilowattHours)
            guard let std = Statistics.sampleStandardDeviation(values), let mean = Statistics.mean(values), mean > 0
            else { return nil }
            return std / mean
        }
        var flags: [String: Int] = [:]
        for flag in runs.flatMap(\.flags) { flags[flag, default: 0] += 1 }
        let paper = PaperTable.rows[key.task]?.mean
        return Row(
            task: key.task, title: key.task.title, mean: mean, std: std, n: values.count,
            models: Set(runs.map(\.model)).sorted(),
            scope: key.scope, provenance: key.provenance, size: key.size, plugin: key.plugin, setup: key.setup,
            machine: key.machine, machineFingerprint: key.fingerprint, uncertainty: interval(runs, std: std, baselines),
            runToRunCV: Statistics.median(variations), coverage: runs.map(\.coverage).min() ?? 0, flags: flags,
            otherScopes: otherScopes(runs), reconciliations: reconciliations(runs),
            paperMean: paper, paperRatio: mean > 0 ? paper.map { mean / $0 } : nil)
    }

    /// The half-width of the 95 % interval of a mean (GUM, JCGM 100:2008, G.4).
    ///
    /// The spread of the repeats holds edges and resolution already; of one run they are its own. What is the same in all
    /// repeats joins it: the accuracy of the meters, and of net figures the idle baseline, once for each suite that has its
    /// own. The degrees of freedom are Welch and Satterthwaite's; accuracy has no spread, so it has as many as one likes.
    private static func interval(_ runs: [Measured], std: Double?, _ baselines: [String: Double]) -> Double {
        let n = Double(runs.count)
        let accuracy = Statistics.mean(runs.map(\.accuracy)) ?? 0
        var variance = accuracy * accuracy
        // The sum of u⁴/ν.
        var fourth = 0.0
        if let std {
            let spread = std * std / n
            variance += spread
            fourth += spread * spread / (n - 1)
        } else {
            variance += runs.map(\.ownVariance).reduce(0, +)
        }
        for (suiteRun, members) in Dictionary(grouping: runs, by: \.suiteRun) {
            let idle = members.map(\.idle).reduce(0, +) / n
            variance += idle * idle
            if let degrees = baselines[suiteRun] { fourth += idle * idle * idle * idle / degrees }
        }
        guard variance > 0 else { return 0 }
        let degrees = variance * variance / fourth
        // Above this Student's t is the normal distribution in six digits.
        let factor = degrees < 1e7 ? Statistics.studentT95(degrees) : normalCoverageFactor
        return factor * variance.squareRoot()
    }

    private static func isBefore(_ a: Row, _ b: Row) -> Bool {
        let order = MLTask.paperTasks
        let (x, y) = (order.firstIndex(of: a.task) ?? order.count, order.firstIndex(of: b.task) ?? order.count)
        if x != y { return x < y }
        if a.task != b.task { return a.task.rawValue < b.task.rawValue }
        if a.provenance.rank != b.provenance.rank { return a.provenance.rank < b.provenance.rank }
        if a.machine != b.machine { return a.machine < b.machine }
        if a.scope != b.scope { return a.scope.rawValue < b.scope.rawValue }
        if a.size != b.size { return (a.size ?? "") < (b.size ?? "") }
        if a.machineFingerprint != b.machineFingerprint { return a.machineFingerprint < b.machineFingerprint }
        if a.plugin != b.plugin { return a.plugin < b.plugin }
        return a.setupText < b.setupText
    }
}

extension TableReport.Row {
    var setupText: String { setup.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }
}
