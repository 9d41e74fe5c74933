import Core
package import Recording

extension TableReport {
    /// Makes the table of a record.
    package init(_ store: any RecordReader, _ options: Options = Options()) async throws(StoreError) {
        let groups = try await RunGroups(store, options)
        isNet = options.isNet
        by = options.by
        carbon = options.carbon
        leftOut = groups.leftOut
        failures = Failures(of: groups.groups.values.flatMap { $0 }.map(\.window))
        contendedBaselines = groups.baselines.contended.count
        driftedBaselines = groups.baselines.drifted.count
        autocorrelatedBaselines = groups.baselines.autocorrelated.count
        method = groups.method
        let accuracies = try await MeterAccuracies(store, groups.groups.values.joined())
        changes = groups.changes
        let peaks = try await DevicePeaks(store)
        let order = options.by.contains(.task) ? options.by : [.task] + options.by
        rows = groups.groups.compactMap { key, runs in
            Self.row(key, runs, groups.baselines, accuracies.of(runs), options.carbon, peaks)
        }.sorted { Self.isBefore($0, $1, order) }
    }

    private static func row(
        _ key: RunGroups.Key, _ runs: [RunFigure], _ baselines: RunGroups.Baselines, _ accuracies: [MeterAccuracy],
        _ carbon: CarbonIntensity?, _ peaks: DevicePeaks
    ) -> Row? {
        guard let first = runs.first, let figure = MeanFigure(runs, baselines.degrees) else { return nil }
        let series = RunGroups.series(runs)
        let variations = series.compactMap { runs -> Double? in
            let values = runs.map(\.kilowattHours)
            guard let std = Statistics.sampleStandardDeviation(values), let mean = Statistics.mean(values), mean > 0
            else { return nil }
            return std / mean
        }
        var flags: [String: Int] = [:]
        for flag in runs.flatMap(\.window.flags) { flags[flag, default: 0] += 1 }
        let times = runs.map(\.window.startedAt)
        let inferences = runs.reduce(0.0) { $0 + Double($1.window.completedInferences) }
        let operations = total(runs) { run in
            run.window.operations.map { $0 * Double(run.window.completedInferences) }
        }
        let joules = runs.reduce(0.0) { $0 + $1.window.total.energy.joules * $1.window.total.scale }
        let seconds = runs.reduce(0.0) { $0 + $1.window.durationSeconds }
        let latencies = total(runs) { run in
            run.window.meanLatency.map { $0 * Double(run.window.completedInferences) }
        }
        let nets = runs.compactMap(\.net)
        // What the uncertainty of the idle baseline hides is no net energy of an operation.
        let hidden = runs.reduce(0.0) { $0 + 1.96 * ($1.window.idleUncertaintyWatts ?? 0) * $1.window.durationSeconds }
        // Nor what the scatter of the runs does, of which two say little (t is 12.7): the ratio of it to anything would be one of noise.
        let scatter = Statistics.sampleStandardDeviation(nets).map { deviation in
            Statistics.studentT95(Double(nets.count - 1)) * deviation / Double(nets.count).squareRoot()
                * joulesOfInference * inferences
        }
        let netJoules = total(runs) { run in
            run.net.map { $0 * joulesOfInference * Double(run.window.completedInferences) }
        }.flatMap { $0 > hidden + (scatter ?? 0) ? $0 : nil }
        let device = WorkloadDescription(
            task: key.task, plugin: key.plugin, device: first.window.device, precision: first.window.precision)
        let paper = PaperTable.rows[key.task]?.mean
        // A small model for tests is another than the paper's.
        let isPublished = key.size == nil || key.size == "full"
        let files = runs.compactMap { run in run.window.modelSHA256.map { (run.model, $0) } }
        return Row(
            task: key.task, title: key.task.title, mean: figure.mean, std: figure.std, n: runs.count,
            models: Set(runs.map(\.model)).sorted(), datasets: Set(runs.compactMap(\.window.dataset)).sorted(),
            suites: Set(runs.map(\.window.suite)).sorted(), source: key.source, scope: key.scope,
            provenance: key.provenance, size: key.size, plugin: key.plugin, setup: key.setup,
            machine: first.window.machine, machineFingerprint: key.fingerprint, processor: first.window.processor,
            firstDay: times.min().map(FigureText.day) ?? "", lastDay: times.max().map(FigureText.day) ?? "",
            // A log states no uncertainty: of runs that are all the same, zero would be a claim.
            uncertainty: figure.interval.flatMap { key.source == .taskwatt || $0 > 0 ? $0 : nil },
            accuracies: accuracies,
            relativeAccuracy: figure.accuracy > 0 && figure.mean != 0
                ? 3.0.squareRoot() * figure.accuracy / abs(figure.mean) : nil,
            isAccuracyStated: accuracies.areStated,
            sessions: key.source == .taskwatt ? figure.sessions : nil, runToRunCV: Statistics.median(variations),
            betweenSessionsCV: figure.betweenSessions, doubts: doubts(series),
            gross: Statistics.mean(runs.map(\.gross)) ?? 0,
            net: nets.count == runs.count ? Statistics.mean(nets) : nil,
            power: seconds > 0 ? joules / seconds : nil, latency: latencies.map { $0 / inferences },
            operations: operations.map { $0 / inferences },
            gopsPerWatt: joules > 0 ? operations.map { $0 / joules / 1e9 } : nil,
            operation: operations.flatMap {
                OperationCost(
                    operations: $0, seconds: seconds, joules: joules, netJoules: netJoules,
                    precision: first.window.precision, peak: peaks.peak(of: device, on: key.fingerprint))
            },
            carbon: carbon.map { figure.mean * $0.gramsPerKilowattHour },
            coverage: runs.map(\.window.total.coverage).min() ?? 0, flags: flags, outliers: outliers(series),
            otherScopes: otherScopes(runs), reconciliations: reconciliations(runs), paperMean: paper,
            paperRatio: figure.mean > 0 && isPublished ? paper.map { figure.mean / $0 } : nil, engine: key.engine,
            modelSHA256: Dictionary(files) { $1 },
            programSHA256: runs.last { $0.window.programSHA256 != nil }?.window.programSHA256,
            suiteLabels: Set(runs.compactMap(\.window.label)).sorted())
    }

    /// kWh per 1,000 inferences are so many joules of one for each.
    static let joulesOfInference = 3.6e6 / 1000

    /// A sum over all runs; `nil` where one of them does not have it.
    private static func total(_ runs: [RunFigure], _ value: (RunFigure) -> Double?) -> Double? {
        let values = runs.compactMap(value)
        return values.count == runs.count ? values.reduce(0, +) : nil
    }

    /// How many series of repeats speak against being independent draws, by how.
    private static func doubts(_ series: [[RunFigure]]) -> [String: Int] {
        var counts: [String: Int] = [:]
        for runs in series {
            for doubt in Statistics.doubts(of: runs.map(\.kilowattHours)) { counts[doubt.rawValue, default: 0] += 1 }
        }
        return counts
    }

    private static func outliers(_ series: [[RunFigure]]) -> [Outlier] {
        series.flatMap { runs in
            Statistics.outliers(runs.map(\.kilowattHours)).map { place in
                let run = runs[place.index]
                return Outlier(run: run.window.id, model: run.model, value: run.kilowattHours, score: place.score)
            }
        }.sorted { $0.run < $1.run }
    }

    /// The mean of each other scope over the runs that have it.
    private static func otherScopes(_ runs: [RunFigure]) -> [String: Double] {
        let all = runs.map(\.otherScopes)
        var means: [String: Double] = [:]
        for scope in TotalScope.allCases { means[scope.rawValue] = Statistics.mean(all.compactMap { $0[scope] }) }
        return means
    }

    private static func reconciliations(_ runs: [RunFigure]) -> [Reconciliation] {
        let pairs = Dictionary(grouping: runs.flatMap(\.reconciliations)) { [$0.outer, $0.inner] }
        return pairs.sorted { $0.key.map(\.rawValue).joined() > $1.key.map(\.rawValue).joined() }
            .compactMap { Reconciliation(sumOf: $0.value) }
    }

    /// The paper's order of tasks, a user's own after them; then what the table is by; then the rest, so that the order is
    /// always the same.
    private static func isBefore(_ a: Row, _ b: Row, _ order: [TableDimension]) -> Bool {
        for (x, y) in zip(order.map { rank(a, $0) }, order.map { rank(b, $0) }) where x != y {
            return x.lexicographicallyPrecedes(y)
        }
        let rest = [a, b].map { row -> [String] in
            var names = [
                String(row.provenance.rank), row.source.rawValue, row.machine, row.scope.rawValue, row.size ?? "",
                row.machineFingerprint, row.plugin, row.setupText, row.engine ?? "",
            ]
            names += row.models + row.datasets + row.modelSHA256.values.sorted()
            names.append(row.programSHA256 ?? "")
            return names
        }
        return rest[0].lexicographicallyPrecedes(rest[1])
    }

    private static func rank(_ row: Row, _ dimension: TableDimension) -> [String] {
        guard dimension == .task else { return row.labels(dimension) }
        let place = MLTask.paperTasks.firstIndex(of: row.task) ?? MLTask.paperTasks.count
        // Two digits, or the tenth task would come before the second.
        return [place < 10 ? "0\(place)" : "\(place)", row.task.rawValue]
    }
}

extension TableReport.Row {
    /// What the row is called by in one respect.
    func labels(_ dimension: TableDimension) -> [String] {
        switch dimension {
        case .task: [title]
        case .model: models
        case .dataset: datasets
        case .suite: suites
        case .label: suiteLabels
        case .engine: [engine ?? ""]
        case .parameter(let name): [setup[name] ?? ""]
        case .device: [setup["device"] ?? ""]
        case .precision: [setup["precision"] ?? ""]
        case .machine: [machine]
        case .plugin: [plugin]
        case .size: [size ?? ""]
        case .date: firstDay == lastDay ? [firstDay] : ["\(firstDay) – \(lastDay)"]
        }
    }
}

extension TableReport.Failures {
    /// `nil` where none failed.
    init?(of windows: [WindowFigures]) {
        // What is in a record may be any number.
        func sum(_ value: (WindowFigures) -> Int) -> Int {
            windows.reduce(0) { sum, window in
                let (total, overflow) = sum.addingReportingOverflow(max(0, value(window)))
                return overflow ? .max : total
            }
        }
        inferences = sum(\.failedInferences)
        guard inferences > 0 else { return nil }
        let all = inferences.addingReportingOverflow(sum(\.completedInferences))
        of = all.overflow ? .max : all.partialValue
        runs = windows.count { $0.failedInferences > 0 }
    }
}
