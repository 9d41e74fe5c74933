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

    private struct Place: Hashable {
        var group: Int64
        var day: Int?
    }

    init(
        _ store: any RecordReader, _ options: TableReport.Options, _ classes: MachineClasses
    ) async throws(StoreError) {
        query = SumsQuery(options.filter, isNet: options.isNet, isByDay: options.by.contains(.date))
        answer = try await store.sums(query)
        for group in answer.groups {
            leftOut.merge(group.sums.leftOut) { $0.addingSaturated($1) }
        }
        if answer.damaged > 0 { leftOut[RunGroups.damaged] = answer.damaged }
        var editions = RunEditions()
        let groups = answer.groups
        // Their places are put in order: a group's sums are some hundreds of bytes.
        let measured = groups.indices.filter {
            groups[$0].sums.count > 0 && groups[$0].sums.firstRun <= groups[$0].sums.lastRun
        }
        let order = measured.map { (run: groups[$0].sums.firstRun, group: groups[$0].group.id, place: $0) }
            .sorted { $0 < $1 }
        for (_, _, place) in order {
            let group = groups[place]
            let key = editions.key(
                RunGroups.Key(group.group.key, group.day.map(String.init) ?? "", options.by, classes),
                RunEditions.Part(
                    machine: group.group.machine, model: group.group.key.modelName,
                    meters: classes.meters(group.group.key.meters),
                    program: group.group.program, file: group.group.file, runs: group.sums.firstRun...group.sums.lastRun
                ))
            rows[key, default: []].append(group)
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

    /// What the runs of a series have in common beside their session.
    private struct SeriesName: Hashable {
        var row: RunGroups.Key
        var model: String
        var dataset: String
    }

    private struct Series: Hashable {
        var name: Int
        var session: Int64
    }

    /// Runs far off the others of their model and dataset in their session, by rows. All windows are read for it: neither a median nor
    /// the median of deviations from it can be made of sums.
    func outliers(_ store: any RecordReader) async throws(StoreError) -> [RunGroups.Key: [TableReport.Outlier]] {
        // By numbers, and all values in one array: there may be a million windows, in as many series as there are sessions.
        var names: [SeriesName] = []
        var numbers: [SeriesName: Int] = [:]
        var places: [Place: (name: Int, isOwn: Bool)] = [:]
        for (row, groups) in rows {
            for group in groups {
                let key = group.group.key
                let name = SeriesName(row: row, model: key.modelName, dataset: key.dataset ?? "")
                let number = numbers[name] ?? names.count
                if number == names.count {
                    names.append(name)
                    numbers[name] = number
                }
                places[Place(group: group.group.id, day: group.day)] = (number, key.source == .taskwatt)
            }
        }
        var series: [Series: Int] = [:]
        var values: [(series: Int, name: Int, run: Int64, value: Double)] = []
        values.reserveCapacity(Int(saturating: runs))
        try await store.eachValue(query) { value in
            guard let place = places[Place(group: value.group, day: query.day(of: value))] else { return }
            // How imported logs came about is not known: theirs are taken for one session.
            let own = Series(name: place.name, session: place.isOwn ? value.session : 0)
            let number = series[own] ?? series.count
            series[own] = number
            values.append((number, place.name, value.run, value.kilowattHours))
        }
        values.sort { ($0.series, $0.run) < ($1.series, $1.run) }
        var found: [RunGroups.Key: [TableReport.Outlier]] = [:]
        var rest = values[...]
        while let first = rest.first {
            let runs = Array(rest.prefix { $0.series == first.series })
            rest = rest.dropFirst(runs.count)
            for place in Statistics.outliers(runs.map(\.value)) {
                let run = runs[place.index]
                let name = names[run.name]
                found[name.row, default: []].append(
                    TableReport.Outlier(run: run.run, model: name.model, value: run.value, score: place.score))
            }
        }
        return found.mapValues { $0.sorted { $0.run < $1.run } }
    }
}
