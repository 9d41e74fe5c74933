import Core
import Recording

/// The sums of the windows that a table is made of, by its rows.
struct TableGroups {
    /// What goes into one mean, in the order of the first runs.
    var rows: [RunGroups.Key: [GroupSums]] = [:]
    var leftOut: [String: Int] = [:]
    /// Where a name came to stand for something else.
    var changes: [TableReport.Change] = []
    var answer: SumsAnswer
    private let query: SumsQuery
    /// The row of each group and day.
    private var keys: [Place: RunGroups.Key] = [:]

    private struct Place: Hashable {
        var group: Int64
        var day: Int?
    }

    init(_ store: any RecordReader, _ options: TableReport.Options) async throws(StoreError) {
        query = SumsQuery(options.filter, isNet: options.isNet, isByDay: options.by.contains(.date))
        answer = try await store.sums(query)
        for group in answer.groups {
            leftOut.merge(group.sums.leftOut) { $0.addingSaturated($1) }
        }
        if answer.damaged > 0 { leftOut[RunGroups.damaged] = answer.damaged }
        var editions = RunEditions()
        let measured = answer.groups.filter { $0.sums.count > 0 && $0.sums.firstRun <= $0.sums.lastRun }
        for group in measured.sorted(by: { ($0.sums.firstRun, $0.group.id) < ($1.sums.firstRun, $1.group.id) }) {
            let key = editions.key(
                RunGroups.Key(group, options.by),
                RunEditions.Part(
                    machine: group.group.machine, model: group.group.key.modelName, meters: group.group.key.meters,
                    program: group.group.program, file: group.group.file, runs: group.sums.firstRun...group.sums.lastRun
                ))
            rows[key, default: []].append(group)
            keys[Place(group: group.group.id, day: group.day)] = key
        }
        changes = editions.changes
    }

    var runs: Double { answer.groups.reduce(0) { $0 + $1.sums.count } }

    var method: TableReport.Method {
        let groups = rows.values.joined()
        func ends<Value: Comparable & Hashable>(_ least: Value?, _ most: Value?) -> [Value] {
            Set([least, most].compactMap(\.self)).sorted()
        }
        func whole(_ number: Double?) -> Int? { number.map { Int(saturating: $0) } }
        return TableReport.Method(
            repeats: ends(whole(groups.map(\.sums.fewestRuns).min()), whole(groups.map(\.sums.mostRuns).max())),
            inferences: ends(
                whole(groups.map(\.sums.fewestInferences).min()), whole(groups.map(\.sums.mostInferences).max())),
            batches: Set(groups.map { String($0.group.key.batch) }).sorted(),
            baselines: ends(
                groups.map(\.sums.shortestBaseline).min().flatMap { $0.isFinite ? Self.told($0) : nil },
                groups.map(\.sums.longestBaseline).max().flatMap { $0 > 0 ? Self.told($0) : nil }),
            versions: groups.reduce(into: Set()) { $0.formUnion($1.sums.versions) }.sorted())
    }

    /// Whole seconds, and of one that is shorter, tenths: it is not to look like none.
    private static func told(_ seconds: Double) -> Double {
        seconds < 1 ? max(0.1, (seconds * 10).rounded() / 10) : seconds.rounded()
    }

    // MARK: Outliers

    private struct Series: Hashable {
        var row: RunGroups.Key
        var model: String
        var dataset: String
        var session: String
    }

    /// Runs far off the others of their model and dataset in their session, by rows. All windows are read for it: neither a median nor
    /// the median of deviations from it can be made of sums.
    func outliers(
        _ store: any RecordReader, _ options: TableReport.Options
    ) async throws(StoreError) -> [RunGroups.Key: [TableReport
        .Outlier]]
    {
        var series: [Series: [(run: Int64, value: Double)]] = [:]
        try await store.eachGrouped(options.filter) { window, group in
            guard let row = keys[Place(group: group, day: query.day(of: window))],
                case .measured(let run) = RunFigure.of(window, net: options.isNet)
            else { return }
            series[Series(row: row, model: run.model, dataset: run.dataset, session: run.session), default: []]
                .append((run.id, run.kilowattHours))
        }
        var found: [RunGroups.Key: [TableReport.Outlier]] = [:]
        for (series, runs) in series {
            for place in Statistics.outliers(runs.map(\.value)) {
                let run = runs[place.index]
                found[series.row, default: []].append(
                    TableReport.Outlier(run: run.run, model: series.model, value: run.value, score: place.score))
            }
        }
        return found.mapValues { $0.sorted { $0.run < $1.run } }
    }
}

extension RunGroups.Key {
    init(_ sums: GroupSums, _ by: [TableDimension]) {
        let key = sums.group.key
        self.init(
            task: key.task, source: key.source, scope: key.scope, provenance: key.provenance, size: key.size,
            plugin: key.plugin, setup: key.setup, fingerprint: key.fingerprint, engine: key.engine,
            apart: by.map { dimension in
                switch dimension {
                case .model: key.modelName
                case .dataset: key.dataset ?? ""
                case .suite: key.suite
                case .label: key.label ?? ""
                case .date: sums.day.map(String.init) ?? ""
                // These are always apart.
                case .task, .device, .machine, .plugin, .size, .precision, .engine, .parameter: ""
                }
            })
    }
}
