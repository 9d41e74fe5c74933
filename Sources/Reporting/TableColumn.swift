package import Core

/// A column beside the task and the paper's two, mean and std, which always come first.
package typealias TableColumn = Column<TableReport>

extension TableReport: Tabular {}

extension Column where Table == TableReport {
    // MARK: Always there

    static var task: Self {
        Column(
            "task", "task of the paper, or one of yours", path: "task", exact: { row, _ in row.task.rawValue },
            cell: {
                row, _ in row.markedTitle
            })
    }

    static var mean: Self {
        .energy(
            "mean", "mean over all runs", field: "mean_kwh_per_1000", path: "mean_kwh",
            head: { "\($1.prefix)\($0.isNet ? "net kWh" : "kWh"): mean" },
            uncertainty: { row, _ in row.uncertainty ?? row.std },
            { $0.mean })
    }

    static var std: Self {
        .spread(
            "std", "sample standard deviation over all runs", field: "std_kwh_per_1000", path: "std_kwh",
            uncertainty: { $0.uncertainty }, { $0.std })
    }

    // MARK: The figure's worth

    static var n: Self { .count("n", "runs in the mean", path: "n") { $0.n } }

    static var interval: Self {
        .spread(
            "interval", "half-width of the 95 % interval of the mean; empty where a model has one run", title: "± 95 %",
            field: "mean_uncertainty_95_kwh_per_1000", path: "mean_uncertainty_95_kwh"
        ) { $0.uncertainty }
    }

    static var sessions: Self {
        Column(
            "sessions", "what the interval is of: one session, or several", title: "of", path: "sessions",
            exact: { row, _ in row.sessions.map { String($0) } },
            cell: { row, _ in row.uncertainty == nil ? nil : row.intervalScope })
    }

    static var cv: Self {
        .share(
            "cv", "run-to-run variation within a session, pooled over models, datasets and sessions", title: "run CV",
            field: "run_to_run_cv", path: "run_to_run_cv"
        ) { $0.runToRunCV }
    }

    static var between: Self {
        .share(
            "between", "variation between the means of sessions", title: "session CV", field: "between_sessions_cv",
            path: "between_sessions_cv"
        ) { $0.betweenSessionsCV }
    }

    static var accuracy: Self {
        Column(
            "accuracy", "accuracy of the meters, which is in the interval, or `not stated`", field: "relative_accuracy",
            path: "relative_accuracy", alignment: .right,
            // An empty cell would say nothing.
            exact: { row, _ in row.isAccuracyStated ? CSVWriter.number(row.relativeAccuracy) : TableReport.Row.unstated
            },
            cell: { row, _ in row.accuracyText })
    }

    static var coverage: Self {
        .share("coverage", "least share of a window that the meters saw", path: "coverage") { $0.coverage }
    }

    static var flags: Self {
        Column("flags", "runs with a flag, by flag", path: "flags") { row, _ in counts(row.flags) }
    }

    static var outliers: Self {
        Column("outliers", "runs far off the others, by number", field: "outlier_runs", path: "outliers") { row, _ in
            row.outliers.map { String($0.run) }.joined(separator: " ")
        }
    }

    // MARK: What the runs are of

    static var scope: Self {
        Column("scope", "which part of the machine was metered", path: "scope") { row, _ in row.scope.rawValue }
    }

    static var provenance: Self {
        Column("provenance", "measured, derived, estimated or simulated", path: "provenance") { row, _ in
            row.provenance.rawValue
        }
    }

    static var source: Self {
        Column("source", "who measured it: taskwatt, paper, codecarbon", path: "source") { row, _ in
            row.source.rawValue
        }
    }

    static var models: Self { .names("models", "models in the mean", title: "model", path: "models") { $0.models } }

    static var datasets: Self {
        .names("datasets", "datasets in the mean", title: "dataset", path: "datasets") { $0.datasets }
    }

    static var size: Self { Column("size", "size of the models, full or tiny", path: "size") { row, _ in row.size } }

    static var device: Self {
        Column("device", "device that computed", path: "setup.device") { row, _ in row.setup["device"] }
    }

    static var precision: Self {
        Column("precision", "precision that it computed in", path: "setup.precision") { row, _ in
            row.setup["precision"].map { $0 + (row.setup["quantization"].map { " (\($0))" } ?? "") }
        }
    }

    static var batch: Self {
        Column("batch", "queries answered at once", path: "setup.batch", alignment: .right) { row, _ in
            row.setup["batch"]
        }
    }

    static var plugin: Self { Column("plugin", "plugin that ran it", path: "plugin") { row, _ in row.plugin } }

    static var machine: Self {
        // Of several with one name, people are told which.
        Column("machine", "machine that ran it", path: "machine") { row, table in table.machine(row) }
    }

    static var equipment: Self {
        Column("class", "equipment of the machine: a name and a short hash", path: "machine_class") { row, _ in
            row.equipment
        }
    }

    static var suite: Self { .names("suite", "suites that the runs are of", path: "suites") { $0.suites } }

    static var label: Self { .names("label", "what you called the suites", path: "labels") { $0.suiteLabels } }

    static var engine: Self {
        Column("engine", "engine that computed, with its version", path: "engine") { row, _ in row.engine }
    }

    static var date: Self {
        Column("date", "days of the first and the last run") { row, _ in row.labels(.date).joined() }
    }

    static var setup: Self {
        Column(
            "with", "parameters, and the first digits of hashes, that tell rows of one task apart", path: "with"
        ) { row, table in table.difference(row) }
    }

    /// A parameter of the plugins.
    static func parameter(_ name: String) -> Self {
        Column(name, "", path: "setup.\(name)") { row, _ in row.setup[name] }
    }

    // MARK: Figures

    static var gross: Self {
        .energy(
            "gross", "mean as measured", title: "gross kWh", field: "gross_kwh_per_1000", path: "gross_kwh",
            uncertainty: { row, table in table.isNet ? nil : row.uncertainty }, { $0.gross })
    }

    static var net: Self {
        .energy(
            "net", "mean less the idle baseline", title: "net kWh", field: "net_kwh_per_1000", path: "net_kwh",
            uncertainty: { row, table in table.isNet ? row.uncertainty : nil }, { $0.net })
    }

    static var power: Self { .figure("power", "mean power", unit: "W", field: "power_w", path: "power_w") { $0.power } }

    static var latency: Self {
        .figure(
            "latency", "mean time of an inference, as the plugin timed it", unit: "s", field: "latency_s",
            path: "latency_s"
        ) { $0.latency }
    }

    static var operations: Self {
        .figure(
            "operations", "operations of an inference", unit: "GOP", field: "operations_per_inference",
            path: "operations_per_inference", exact: { $0.operations }, { $0.operations.map { $0 / 1e9 } })
    }

    static var gopsPerWatt: Self {
        .figure("gops_per_w", "operations per energy", unit: "GOP/s/W", path: "gops_per_w") { $0.gopsPerWatt }
    }

    static var netGopsPerWatt: Self {
        .figure(
            "net_gops_per_w", "operations per net energy", unit: "GOP/s/W", title: "net GOP/s/W",
            path: "operation.net_gops_per_w"
        ) { $0.operation?.netGopsPerWatt }
    }

    static var joulesPerGop: Self {
        .figure(
            "joules_per_gop", "energy of 10⁹ operations", unit: "J", title: "J/GOP", path: "operation.joules_per_gop"
        ) { $0.operation?.joulesPerGop }
    }

    static var netJoulesPerGop: Self {
        .figure(
            "net_joules_per_gop", "net energy of 10⁹ operations", unit: "J", title: "net J/GOP",
            path: "operation.net_joules_per_gop"
        ) { $0.operation?.netJoulesPerGop }
    }

    static var peak: Self {
        Column(
            "peak", "what the device can do at most, who says so, and in which precision", path: "operation.peak"
        ) { row, _ in row.operation?.peak.map { "\($0.device): \($0.title)" } }
    }

    static var peakGopsPerWatt: Self {
        .figure(
            "peak_gops_per_w", "operations per energy of the device's peak", unit: "GOP/s/W", title: "peak GOP/s/W",
            path: "operation.peak_gops_per_w"
        ) { $0.operation?.peakGopsPerWatt }
    }

    static var peakShare: Self {
        .share(
            "peak_share", "part of the peak's speed that was reached", title: "of peak", path: "operation.peak_share",
            digits: 1
        ) { $0.operation?.peakShare }
    }

    static var landauer: Self {
        .multiple(
            "landauer_ratio", "energy of an operation, divided by Landauer's bound for the bits of an operand",
            title: "× Landauer", path: "operation.landauer_ratio"
        ) { $0.operation?.landauerRatio }
    }

    static var netLandauer: Self {
        .multiple(
            "net_landauer_ratio", "net energy of an operation, divided by Landauer's bound", title: "net × Landauer",
            path: "operation.net_landauer_ratio"
        ) { $0.operation?.netLandauerRatio }
    }

    package static var carbon: Self {
        .figure(
            "carbon", "CO2 equivalents of 1,000 inferences", unit: "g CO2e", field: "g_co2e_per_1000", path: "g_co2e"
        ) { $0.carbon }
    }

    static var paper: Self {
        .energy("paper", "the paper's mean", field: "paper_mean_kwh_per_1000", path: "paper_mean_kwh") { $0.paperMean }
    }

    static var ratio: Self {
        .figure("ratio", "mean divided by the paper's", title: "× paper", field: "paper_ratio", path: "paper_ratio") {
            $0.paperRatio
        }
    }

    // MARK: For machines alone

    private static var isNet: Self { .exact("net") { _, table in table.isNet ? "true" : "false" } }
    private static var reconciliations: Self {
        .exact("residuals", path: "reconciliations") { row, _ in
            row.reconciliations.map { pair in
                let pairing = "\(pair.outer.rawValue)-\(pair.inner.rawValue)"
                return "\(pairing)=\(CSVWriter.number(pair.share)):\(pair.verdict.rawValue)"
            }.joined(separator: " ")
        }
    }

    private static func counts(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    // MARK: Lists

    /// What stands before and after the columns that tell rows apart, whatever is asked for.
    static var always: (before: [Self], after: [Self]) { ([task], [mean, std]) }

    /// What says which runs a row is of, in the order in which it is added to tell rows of one task apart.
    static var identifying: [Self] {
        [
            models, setup, size, scope, provenance, machine, source, datasets, device, precision, batch, plugin, engine,
            label, suite, date,
        ]
    }

    /// What a user may ask for.
    package static var allCases: [Self] {
        [
            n, interval, sessions, cv, between, accuracy, scope, provenance, source, models, datasets, size, device,
            precision, batch, plugin, machine, equipment, suite, label, date, engine, setup, gross, net, power, latency,
            operations, gopsPerWatt, netGopsPerWatt, joulesPerGop, netJoulesPerGop, peak, peakGopsPerWatt, peakShare,
            landauer, netLandauer, carbon, paper, ratio, coverage, flags, outliers,
        ]
    }

    /// All of CSV, where no columns are asked for. Programs know them by name and some by place: what is new goes to the end.
    static var csv: [Self] {
        [
            task, .exact("title", path: "title") { row, _ in row.title }, mean, std, n, interval, isNet, scope,
            provenance,
            models, size, .exact("machine", path: "machine") { row, _ in row.machine },
            .exact("machine_fingerprint", path: "machine_fingerprint") { row, _ in row.machineFingerprint }, cv,
            coverage,
            paper, ratio, plugin, .exact("setup", path: "setup") { row, _ in row.setupText }, flags,
            .exact("other_scopes_kwh_per_1000", path: "other_scopes_kwh") { row, _ in
                row.otherScopes.sorted { $0.key > $1.key }.map { "\($0.key)=\(CSVWriter.number($0.value))" }
                    .joined(separator: " ")
            }, reconciliations, source, datasets,
            .exact("suites", path: "suites") { row, _ in row.suites.joined(separator: " ") },
            .exact("first_day", path: "first_day") { row, _ in row.firstDay },
            .exact("last_day", path: "last_day") { row, _ in row.lastDay }, gross, net, power, latency, operations,
            gopsPerWatt, carbon, .exact("processor", path: "processor") { row, _ in row.processor }, outliers, accuracy,
            .exact("accuracy_sources", path: "accuracies") { row, _ in row.accuracySources }, sessions, between,
            .exact("series_doubts", path: "series_doubts") { row, _ in counts(row.doubts) }, engine,
            .exact("model_sha256", path: "model_sha256") { row, _ in
                row.modelSHA256.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            }, .exact("program_sha256", path: "program_sha256") { row, _ in row.programSHA256 },
            .exact("labels", path: "labels") { row, _ in row.suiteLabels.joined(separator: " ") }, joulesPerGop,
            netJoulesPerGop, netGopsPerWatt, landauer, netLandauer, peak, peakGopsPerWatt, peakShare,
            .exact("class", path: "machine_class") { row, _ in row.equipment },
            .exact("machines", path: "machines") { row, _ in row.machines.joined(separator: " ") },
        ]
    }
}

extension Column where Table == TableReport {
    /// Columns by the names that a user gives, separated by commas; `all` is each of them.
    ///
    /// - Throws: `UnknownName`.
    package static func parse(_ text: String) throws(UnknownName) -> [TableColumn] {
        let all = allCases
        var columns: [TableColumn] = []
        for name in text.split(separator: ",").map({ $0.trimmed.lowercased() }) where !name.isEmpty {
            // Those that are always there may be named too.
            if (always.before + always.after).contains(where: { $0.name == name }) { continue }
            let named = name == "all" ? all : all.filter { $0.name == name }
            if named.isEmpty {
                throw UnknownName(what: "column", name: name, known: all.map(\.name) + ["all"])
            }
            columns += named.filter { !columns.contains($0) }
        }
        return columns
    }
}

/// A name that stands for nothing, with those that do.
package struct UnknownName: UserFacingError, Sendable, Hashable {
    package var what: String
    package var name: String
    package var known: [String]

    package var userError: UserError { .unknown(what, name, known: known) }
}

extension Substring {
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
