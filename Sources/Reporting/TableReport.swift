package import Core
package import Recording

/// The table of kWh per 1,000 inferences, in the paper's layout.
package struct TableReport: Sendable, Hashable, Codable {
    /// One task. Runs of different source, scope, provenance, size, plugin, set-up or machine never mix in one mean, so a task
    /// can have several rows. A machine whose hardware changed is another one. Energies are in kWh per 1,000 inferences.
    package struct Row: Sendable, Hashable, Codable {
        package var task: MLTask
        /// The paper's name for the task.
        package var title: String
        /// Gross or net, as the table says.
        package var mean: Double
        /// Sample standard deviation over all runs of all models; `nil` of one run.
        package var std: Double?
        package var n: Int
        package var models: [String]
        package var datasets: [String]
        package var suites: [String]
        package var source: RecordSource
        package var scope: TotalScope
        package var provenance: Provenance
        package var size: String?
        package var plugin: String
        /// Device, precision, batch and the plugin's parameters.
        package var setup: [String: String]
        package var machine: String
        package var machineFingerprint: String
        package var processor: String?
        /// The day of the first and of the last run, in the local time zone of whoever made the table.
        package var firstDay: String
        package var lastDay: String
        /// The half-width of the 95 % interval of the mean of exactly these models; `nil` where one of them has a single run, of
        /// which nothing tells how it would come out again.
        package var uncertainty: Double?
        /// How well the meters of the total measure, each; what is stated is in the interval.
        package var accuracies: [MeterAccuracy]
        /// Of the mean, relative: the accuracies that are stated, weighted by energy. `nil` where none is.
        package var relativeAccuracy: Double?
        /// Whether an accuracy of every meter of the total is in the interval.
        package var isAccuracyStated: Bool
        /// In how many sessions (runs of a suite) each model ran, of the one that ran in the fewest: what the interval is of. Of
        /// one it is that of repeating within this session. `nil` of imported logs, of which it is not known.
        package var sessions: Int?
        /// The variation between repeats of one model on one dataset in one session, relative: √(Σ ν (s/m)² / Σ ν) over these series;
        /// `nil` without repeats.
        package var runToRunCV: Double?
        /// The variation between the means of sessions, relative; `nil` of one session.
        package var betweenSessionsCV: Double?
        /// How many series of repeats drift or hang together, by `Statistics.SeriesDoubt`.
        package var doubts: [String: Int]
        package var gross: Double
        /// `nil` where a run has no idle baseline.
        package var net: Double?
        /// Gross mean power in watts.
        package var power: Double?
        /// Mean seconds of one inference, as the plugin timed it.
        package var latency: Double?
        /// Operations of one inference; `nil` where they are not known of every run.
        package var operations: Double?
        /// GOP/s/W, which is operations a nanojoule, of gross energy.
        package var gopsPerWatt: Double?
        /// What an operation costs; `nil` where the operations are not known of every run.
        package var operation: OperationCost?
        /// g CO2e per 1,000 inferences, where an intensity is given.
        package var carbon: Double?
        /// The least coverage of the runs.
        package var coverage: Double
        /// How many of the runs are flagged, by flag.
        package var flags: [String: Int]
        /// Runs far off the others of their model and dataset; they are in the mean.
        package var outliers: [Outlier]
        /// The gross energy of the other scopes that were measured, by scope.
        package var otherScopes: [String: Double]
        /// What each scope holds beyond the one inside it, over all runs of the row.
        package var reconciliations: [Reconciliation]
        package var paperMean: Double?
        package var paperRatio: Double?
        /// The engine and its version.
        package var engine: String?
        /// Of the files of each model, where the plugin tells it, and of the plugin's own program.
        package var modelSHA256: [String: String]
        package var programSHA256: String?
        /// What the user calls the suites.
        package var suiteLabels: [String]
        /// The class of the machine by its equipment: a name and a short hash; `nil` of one that the record does not describe.
        package var equipment: String?
        /// The machines, by their names.
        package var machines: [String]
        /// Machines far off the others of the row; they are in the mean.
        package var outlyingMachines: [OutlyingMachine]
        /// The settings and hashes that tell it from the other rows of its task, as the column `with` has them; `nil` of an older daemon.
        package var difference: String?
    }

    /// A machine whose mean is far off those of the others of its class.
    package struct OutlyingMachine: Sendable, Hashable, Codable {
        package var machine: String
        package var fingerprint: String
        package var model: String
        /// Gross or net, as the table says, in kWh per 1,000 inferences, as the median.
        package var mean: Double
        package var median: Double
        /// How many machines there are.
        package var of: Int
        /// The modified z-score.
        package var score: Double

        enum CodingKeys: String, CodingKey {
            case machine, model, of, score
            case fingerprint = "machine_fingerprint"
            case mean = "mean_kwh"
            case median = "median_kwh"
        }
    }

    /// A name that came to stand for something else between two runs, which are therefore in two rows.
    package struct Change: Sendable, Hashable, Codable {
        /// Such as `the model bert of fill-mask`.
        package var what: String
        /// The numbers of the last run with the one and the first with the other.
        package var before: Int64
        package var after: Int64
    }

    /// A run far off the others of its model and dataset.
    package struct Outlier: Sendable, Hashable, Codable {
        /// Its number in the record.
        package var run: Int64
        package var model: String
        /// kWh per 1,000 inferences.
        package var value: Double
        /// The modified z-score.
        package var score: Double

        enum CodingKeys: String, CodingKey {
            case run, model, score
            case value = "kwh"
        }
    }

    /// How the runs of the table were measured.
    package struct Method: Sendable, Hashable, Codable {
        /// Repeats of one model on one dataset, the fewest and the most.
        package var repeats: [Int] = []
        /// Completed inferences of a run, the fewest and the most.
        package var inferences: [Int] = []
        package var batches: [String] = []
        /// Seconds, the fewest and the most.
        package var baselines: [Double] = []
        package var versions: [String] = []
    }

    /// What failed, of how many inferences in how many runs.
    package struct Failures: Sendable, Hashable, Codable {
        package var inferences: Int
        package var of: Int
        package var runs: Int
    }

    /// Gross energy is as measured; net is less the idle baseline.
    package var isNet: Bool
    package var rows: [Row]
    /// What keeps rows apart beside what always does, in the order that they are sorted by.
    package var by: [TableDimension]
    package var carbon: CarbonIntensity?
    package var method: Method
    /// Runs that are not in the table, by the reason.
    package var leftOut: [String: Int]
    /// Inferences of the table's runs that failed; `nil` where none did.
    package var failures: Failures?
    /// How many idle baselines were measured while something else ran.
    package var contendedBaselines: Int
    /// After how many suites the idle power was another than before.
    package var driftedBaselines: Int
    package var changes: [Change]
    /// How many idle baselines have blocks that hang together more than their uncertainty takes into account.
    package var autocorrelatedBaselines: Int
    /// Whether runs far off the others were looked for, which takes all runs one by one.
    package var outliersSearched = true
    /// How many intervals are upper bounds: of several models in more sessions than are looked at one by one, sums do not say how far
    /// the models go together.
    package var boundIntervals = 0
    /// Machines of the table whose latest run of the suite `control` is unlike their earlier ones.
    package var drifting: [ControlCheck] = []

    enum CodingKeys: String, CodingKey {
        case rows, by, carbon, method, failures, changes
        case outliersSearched = "outliers_searched"
        case boundIntervals = "bound_intervals"
        case drifting = "drifting_machines"
        case isNet = "net"
        case leftOut = "left_out"
        case contendedBaselines = "contended_baselines"
        case driftedBaselines = "drifted_baselines"
        case autocorrelatedBaselines = "autocorrelated_baselines"
    }

    /// What a table is made of.
    package struct Options: Sendable, Hashable {
        package var isNet = false
        /// Which runs; what Taskwatt measured, if nothing else is said.
        package var filter = RunFilter(source: .taskwatt)
        package var by: [TableDimension] = [.task]
        package var carbon: CarbonIntensity?
        /// Whether runs far off the others are looked for; `nil`: where there are not too many runs for that.
        package var outliers: Bool?
        /// Whether the suite `control` is looked at.
        package var hasControl = true

        package init() {}

        /// Only this suite's runs; `nil` for the whole record.
        package var suiteRun: String? {
            get { filter.suiteRun }
            set { filter.suiteRun = newValue }
        }

        package var task: MLTask? {
            get { filter.task }
            set { filter.task = newValue }
        }
    }
}

extension TableReport.Row {
    enum CodingKeys: String, CodingKey {
        case task, title, n, models, datasets, suites, source, scope, provenance, size, plugin, setup, machine
        case processor, coverage, flags, outliers, reconciliations, accuracies, sessions
        case mean = "mean_kwh"
        case std = "std_kwh"
        case machineFingerprint = "machine_fingerprint"
        case firstDay = "first_day"
        case lastDay = "last_day"
        case uncertainty = "mean_uncertainty_95_kwh"
        case relativeAccuracy = "relative_accuracy"
        case isAccuracyStated = "accuracy_stated"
        case runToRunCV = "run_to_run_cv"
        case betweenSessionsCV = "between_sessions_cv"
        case doubts = "series_doubts"
        case gross = "gross_kwh"
        case net = "net_kwh"
        case power = "power_w"
        case latency = "latency_s"
        case operations = "operations_per_inference"
        case operation
        case gopsPerWatt = "gops_per_w"
        case carbon = "g_co2e"
        case otherScopes = "other_scopes_kwh"
        case paperMean = "paper_mean_kwh"
        case paperRatio = "paper_ratio"
        case engine
        case modelSHA256 = "model_sha256"
        case programSHA256 = "program_sha256"
        case suiteLabels = "labels"
        case equipment = "machine_class"
        case machines
        case outlyingMachines = "outlying_machines"
        case difference = "with"
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
        try container.encode(datasets, forKey: .datasets)
        try container.encode(suites, forKey: .suites)
        try container.encode(source, forKey: .source)
        try container.encode(scope, forKey: .scope)
        try container.encode(provenance, forKey: .provenance)
        try container.encode(size, forKey: .size)
        try container.encode(plugin, forKey: .plugin)
        try container.encode(setup, forKey: .setup)
        try container.encode(machine, forKey: .machine)
        try container.encode(machineFingerprint, forKey: .machineFingerprint)
        try container.encode(processor, forKey: .processor)
        try container.encode(firstDay, forKey: .firstDay)
        try container.encode(lastDay, forKey: .lastDay)
        try container.encode(uncertainty, forKey: .uncertainty)
        try container.encode(accuracies, forKey: .accuracies)
        try container.encode(relativeAccuracy, forKey: .relativeAccuracy)
        try container.encode(isAccuracyStated, forKey: .isAccuracyStated)
        try container.encode(sessions, forKey: .sessions)
        try container.encode(runToRunCV, forKey: .runToRunCV)
        try container.encode(betweenSessionsCV, forKey: .betweenSessionsCV)
        try container.encode(doubts, forKey: .doubts)
        try container.encode(gross, forKey: .gross)
        try container.encode(net, forKey: .net)
        try container.encode(power, forKey: .power)
        try container.encode(latency, forKey: .latency)
        try container.encode(operations, forKey: .operations)
        try container.encode(gopsPerWatt, forKey: .gopsPerWatt)
        try container.encode(operation, forKey: .operation)
        try container.encode(carbon, forKey: .carbon)
        try container.encode(coverage, forKey: .coverage)
        try container.encode(flags, forKey: .flags)
        try container.encode(outliers, forKey: .outliers)
        try container.encode(otherScopes, forKey: .otherScopes)
        try container.encode(reconciliations, forKey: .reconciliations)
        try container.encode(paperMean, forKey: .paperMean)
        try container.encode(paperRatio, forKey: .paperRatio)
        try container.encode(engine, forKey: .engine)
        try container.encode(modelSHA256, forKey: .modelSHA256)
        try container.encode(programSHA256, forKey: .programSHA256)
        try container.encode(suiteLabels, forKey: .suiteLabels)
        try container.encode(equipment, forKey: .equipment)
        try container.encode(machines, forKey: .machines)
        try container.encode(outlyingMachines, forKey: .outlyingMachines)
        try container.encode(difference, forKey: .difference)
    }

    var setupText: String { setup.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }
}
