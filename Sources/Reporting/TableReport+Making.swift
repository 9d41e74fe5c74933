import Core
package import Recording

extension TableReport {
    /// Makes the table of a record.
    package init(_ store: any RecordReader, _ options: Options = Options()) async throws(StoreError) {
        let machines = try await store.machines(options.filter.machine)
        let classes = MachineClasses(machines, isPooling: MachineClasses.isPooling(options.by))
        let groups = try await TableGroups(store, options, classes)
        isNet = options.isNet
        by = options.by
        carbon = options.carbon
        leftOut = groups.leftOut
        failures = Failures(of: groups.rows.values.joined().map(\.sums))
        contendedBaselines = groups.answer.contended
        driftedBaselines = groups.answer.drifted
        autocorrelatedBaselines = groups.answer.autocorrelated
        method = groups.method
        changes = groups.changes
        outliersSearched = options.outliers ?? (groups.runs <= Self.mostRunsForOutliers)
        let outliers = outliersSearched ? try await groups.outliers(store) : [:]
        let peaks = DevicePeaks(machines)
        let order = options.by.contains(.task) ? options.by : [.task] + options.by
        let made = groups.rows.compactMap { key, groups in
            Self.row(key, groups, outliers[key] ?? [], options.carbon, peaks, classes)
        }
        boundIntervals = made.count(where: \.isBound)
        rows = made.map(\.row).sorted { Self.isBefore($0, $1, order) }
        let differences = Dictionary(grouping: rows, by: \.task).mapValues { RunDifferences($0.map(RunIdentity.init)) }
        for index in rows.indices {
            rows[index].difference = differences[rows[index].task]?.text(RunIdentity(rows[index]))
        }
        guard options.hasControl else { return }
        let shown = Set(groups.rows.values.joined().map(\.group.key.fingerprint))
        drifting = try await ControlHistory.checks(store).filter {
            $0.isDrifting && shown.contains($0.machineFingerprint)
        }
    }

    /// So many runs are read for what lies far off the others, if nothing else is asked for.
    static let mostRunsForOutliers = 100_000.0

    private static func row(
        _ key: RunGroups.Key, _ groups: [GroupSums], _ outliers: [Outlier], _ carbon: CarbonIntensity?,
        _ peaks: DevicePeaks, _ classes: MachineClasses
    ) -> (row: Row, isBound: Bool)? {
        let models = Dictionary(grouping: groups) { [$0.group.key.modelName, $0.group.key.dataset ?? ""] }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { ModelFigures($0.key.first ?? "", $0.key.last ?? "", $0.value) }
        guard let first = groups.first, let figure = MeanFigure(models) else { return nil }
        let sums = figure.sums
        let n = sums.count
        let operations = sums.operations.count == n ? sums.operations.total : nil
        let group = first.group
        let device = WorkloadDescription(
            task: key.task, plugin: key.plugin, device: group.key.device, precision: group.key.precision)
        let paper = PaperTable.rows[key.task]?.mean
        // A small model for tests is another than the paper's.
        let isPublished = key.size == nil || key.size == "full"
        let accuracies = Set(groups.flatMap(\.group.accuracies)).inOrder
        let members = classes.members(groups)
        let files = groups.compactMap { group in group.group.file.map { (group.group.key.modelName, $0) } }
        let row = Row(
            task: key.task, title: key.task.title, mean: figure.mean, std: figure.std, n: sums.runs,
            models: Set(models.map(\.model)).sorted(), datasets: Set(groups.compactMap(\.group.key.dataset)).sorted(),
            suites: Set(groups.map(\.group.key.suite)).sorted(), source: key.source, scope: key.scope,
            provenance: key.provenance, size: key.size, plugin: key.plugin, setup: key.setup,
            machine: members.count > 1 ? FigureText.count(members.count, "machine") : group.machine,
            machineFingerprint: members.count > 1 ? key.fingerprint : group.key.fingerprint,
            processor: group.processor,
            firstDay: FigureText.day(sums.firstTime), lastDay: FigureText.day(sums.lastTime),
            // A log states no uncertainty: of runs that are all the same, zero would be a claim.
            uncertainty: figure.interval.flatMap { key.source == .taskwatt || $0 > 0 ? $0 : nil },
            accuracies: accuracies,
            relativeAccuracy: figure.accuracy > 0 && figure.mean != 0
                ? 3.0.squareRoot() * figure.accuracy / abs(figure.mean) : nil,
            isAccuracyStated: accuracies.areStated,
            sessions: key.source == .taskwatt ? figure.sessions : nil, runToRunCV: sums.repeatVariation,
            betweenSessionsCV: figure.betweenSessions, doubts: doubts(sums),
            gross: sums.gross / n, net: sums.nets.count == n ? sums.nets.mean : nil,
            power: sums.seconds > 0 ? sums.joules / sums.seconds : nil,
            latency: sums.latency.count == n ? sums.latency.total / sums.completed : nil,
            operations: operations.map { $0 / sums.completed },
            gopsPerWatt: sums.joules > 0 ? operations.map { $0 / sums.joules / 1e9 } : nil,
            operation: operations.flatMap {
                OperationCost(
                    operations: $0, seconds: sums.seconds, joules: sums.joules, netJoules: netJoules(sums),
                    precision: group.key.precision, peak: peaks.peak(of: device, on: group.key.fingerprint))
            },
            carbon: carbon.map { figure.mean * $0.gramsPerKilowattHour },
            coverage: sums.coverage, flags: sums.flags, outliers: outliers,
            otherScopes: Dictionary(
                sums.otherScopes.map { ($0.key.rawValue, $0.value.total / $0.value.count) }
            ) { first, _ in first },
            reconciliations: reconciliations(sums), paperMean: paper,
            paperRatio: figure.mean > 0 && isPublished ? paper.map { figure.mean / $0 } : nil, engine: key.engine,
            modelSHA256: Dictionary(files) { $1 },
            programSHA256: groups.last { $0.group.program != nil }?.group.program,
            suiteLabels: Set(groups.compactMap(\.group.key.label)).sorted(),
            equipment: classes[group.key.fingerprint]?.text, machines: members,
            outlyingMachines: classes.outlying(groups))
        return (row, figure.isBound)
    }

    /// kWh per 1,000 inferences are so many joules of one for each.
    static let joulesOfInference = RunObservation.joulesOfInference

    /// Net joules of all runs; `nil` where one of them has none, or they are no more than what hides them.
    private static func netJoules(_ sums: RunSums) -> Double? {
        guard sums.nets.count == sums.count else { return nil }
        // What the scatter of the runs hides is no net energy of an operation, nor what the uncertainty of the idle baseline does. Two
        // runs say little of scatter (t is 12.7): the ratio of it to anything would be one of noise.
        let scatter = sums.nets.deviation.map { deviation in
            Statistics.studentT95(sums.nets.count - 1) * deviation / sums.nets.count.squareRoot()
                * joulesOfInference * sums.completed
        }
        return sums.netJoules > sums.hidden + (scatter ?? 0) ? sums.netJoules : nil
    }

    /// How many series of repeats speak against being independent draws, by how.
    private static func doubts(_ sums: RunSums) -> [String: Int] {
        let counts = [Statistics.SeriesDoubt.drift: sums.drifts, .correlation: sums.correlations].filter {
            $0.value > 0
        }
        return Dictionary(counts.map { ($0.key.rawValue, Int(saturating: $0.value)) }) { first, _ in first }
    }

    private static func reconciliations(_ sums: RunSums) -> [Reconciliation] {
        sums.reconciliations.sorted {
            $0.key.outer.rawValue + $0.key.inner.rawValue > $1.key.outer.rawValue + $1.key.inner.rawValue
        }
        .map { scopes, pair in
            Reconciliation(
                outer: scopes.outer, inner: scopes.inner, residual: Energy(joules: pair.residual),
                reading: pair.readingVariance, outerAccuracy: Energy(joules: pair.outerAccuracy),
                innerAccuracy: Energy(joules: pair.innerAccuracy), outerEnergy: Energy(joules: pair.outerEnergy))
        }
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
        let place = row.task.place
        // Two digits, or the tenth task would come before the second.
        return [place.index < 10 ? "0\(place.index)" : "\(place.index)", place.name]
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
        case .equipment: [equipment ?? ""]
        case .plugin: [plugin]
        case .size: [size ?? ""]
        case .date: firstDay == lastDay ? [firstDay] : ["\(firstDay) – \(lastDay)"]
        }
    }
}

extension TableReport.Failures {
    /// `nil` where none failed.
    init?(of sums: [RunSums]) {
        func sum(_ value: (RunSums) -> Double) -> Int { Int(saturating: sums.reduce(0) { $0 + value($1) }) }
        inferences = sum(\.failed)
        guard inferences > 0 else { return nil }
        of = sum { $0.failed + $0.completed }
        runs = sum(\.failedRuns)
    }
}
