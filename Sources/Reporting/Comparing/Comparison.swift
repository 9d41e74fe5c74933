package import Core
package import Recording

/// Two choices of runs side by side, task by task: the ratio of their means, its interval, and whether chance alone explains
/// it.
package struct Comparison: Sendable, Hashable, Codable {
    package struct Side: Sendable, Hashable, Codable {
        /// kWh per 1,000 inferences.
        package var mean: Double
        /// The half-width of its 95 % interval; `nil` where a model has one run alone.
        package var uncertainty: Double?
        package var n: Int
        /// In how many sessions the model ran that ran in the fewest; `nil` of imported logs.
        package var sessions: Int?
        package var models: [String]
        package var scope: String
        package var provenance: String
        package var machine: String
        /// Whether an accuracy of every meter is in the interval.
        package var isAccuracyStated: Bool
        /// How many of the runs have each flag.
        package var flags: [String: Int]

        enum CodingKeys: String, CodingKey {
            case n, sessions, models, scope, provenance, machine, flags
            case mean = "mean_kwh"
            case uncertainty = "mean_uncertainty_95_kwh"
            case isAccuracyStated = "accuracy_stated"
        }
    }

    package struct Row: Sendable, Hashable, Codable {
        package var task: String
        package var title: String
        package var a: Side
        package var b: Side
        /// B / A; `nil` where one of the two is not above zero, as net means may be.
        package var ratio: Double?
        /// The ratio's 95 % interval; `nil` where nothing is known of the uncertainty.
        package var low: Double?
        package var high: Double?
        /// The probability of a ratio as far from 1 by chance.
        package var p: Double?
        /// Whether the interval leaves out 1.
        package var isSignificant: Bool?
        /// What the interval is of, a `RatioSpread.Basis`; `nil` without an interval.
        package var basis: String?
        /// What it takes for granted, a `RatioSpread.Assumption`.
        package var assumption: String?
        /// What the repeats alone tell, without the accuracy of the meters; `nil` where that cancels, or is not known.
        package var repeats: RatioInterval?
        /// What else the two sides differ in, such as `precision fp32, int8`.
        package var differences: [String]

        enum CodingKeys: String, CodingKey {
            case task, title, a, b, ratio, p, basis, assumption, repeats, differences
            case low = "ratio_low_95"
            case high = "ratio_high_95"
            case isSignificant = "significant"
        }
    }

    package var a: String
    package var b: String
    package var isNet: Bool
    package var rows: [Row]
    /// What may not be compared, a line each.
    package var refused: [String] = []
    /// What is on one side only.
    package var onlyInA: [String] = []
    package var onlyInB: [String] = []

    enum CodingKeys: String, CodingKey {
        case a, b, rows, refused
        case isNet = "net"
        case onlyInA = "only_in_a"
        case onlyInB = "only_in_b"
    }

    /// What is compared.
    package struct Request: Sendable, Hashable, Codable {
        package var a: RunSelection
        package var b: RunSelection
        package var isNet: Bool
        /// Whether figures of different provenance, scope or size may stand against each other.
        package var isMixed: Bool

        package init(a: RunSelection, b: RunSelection, isNet: Bool, isMixed: Bool) {
            self.a = a
            self.b = b
            self.isNet = isNet
            self.isMixed = isMixed
        }

        enum CodingKeys: String, CodingKey {
            case a, b
            case isNet = "net"
            case isMixed = "mixed"
        }
    }

    /// Compares two choices of a record's runs.
    ///
    /// - Throws: `ComparisonError` where a side has no runs, or `StoreError`.
    package init(_ store: any RecordReader, _ request: Request) async throws {
        a = request.a.label
        b = request.b.label
        isNet = request.isNet
        let first = try await Self.groups(store, request.a, request)
        let second = try await Self.groups(store, request.b, request)
        let both = Self.runs(first).intersection(Self.runs(second))
        guard both.isEmpty else { throw ComparisonError.sameRuns(a, b, both.count) }
        let sessions = (first + second).reduce(into: Set<String>()) { $0.formUnion($1.sessions) }
        let past = Past(store, request, sessions: sessions)
        rows = []
        let tasks = Set((first + second).map(\.key.task))
        for task in tasks.sorted(by: { $0.place < $1.place }) {
            try await pair(
                first.filter { $0.key.task == task }, second.filter { $0.key.task == task }, task, request.isMixed, past
            )
        }
    }

    private static func runs(_ groups: [ComparedGroup]) -> Set<Int64> {
        groups.reduce(into: []) { $0.formUnion($1.runs) }
    }

    /// What else the record has of the models that are compared; read once, where it is needed.
    private final class Past {
        private let store: any RecordReader
        private let request: Request
        private let sessions: Set<String>
        private var known: [MLTask: RunGroups] = [:]

        init(_ store: any RecordReader, _ request: Request, sessions: Set<String>) {
            self.store = store
            self.request = request
            self.sessions = sessions
        }

        func history(of group: ComparedGroup) async throws(StoreError) -> RunHistory {
            let task = group.key.task
            if known[task] == nil {
                var options = TableReport.Options()
                options.isNet = request.isNet
                options.task = task
                known[task] = try await RunGroups(store, options)
            }
            let kind = group.key.withoutEditions
            let alike = known[task]?.groups.filter { $0.key.withoutEditions == kind } ?? [:]
            let models = Set(group.side.models)
            let runs = alike.values.joined().filter { models.contains($0.model) && group.isOfSameFiles(as: $0) }
            return RunHistory(runs.sorted { $0.id < $1.id }, without: sessions)
        }
    }

    private static func groups(
        _ store: any RecordReader, _ selection: RunSelection, _ request: Request
    ) async throws -> [ComparedGroup] {
        var options = TableReport.Options()
        options.isNet = request.isNet
        options.filter = selection.filter
        if let name = selection.filter.suiteRun {
            guard let uuid = try await store.suiteRun(named: name) else { throw ComparisonError.noSuite(name) }
            options.filter.suiteRun = uuid
        }
        let groups = try await RunGroups(store, options)
        let accuracies = try await MeterAccuracies(store, groups.groups.values.joined())
        let compared = groups.groups.compactMap { ComparedGroup($0.key, $0.value, groups.baselines, accuracies) }
        guard !compared.isEmpty else {
            throw ComparisonError.noRuns(selection.label, leftOut: groups.leftOut)
        }
        return compared
    }

    /// Each group of A with the group of B that is most like it, the most alike first.
    private mutating func pair(
        _ first: [ComparedGroup], _ second: [ComparedGroup], _ task: MLTask, _ mixed: Bool, _ past: Past
    ) async throws(StoreError) {
        var (first, second) = (first, second)
        var made: [Row] = []
        var barred: String?
        while true {
            let pairs = first.indices.flatMap { i in second.indices.map { j in (i, j) } }
            let allowed = pairs.filter { i, j in mixed || first[i].bars(to: second[j]).isEmpty }
            guard
                let best = allowed.min(by: { x, y in
                    first[x.0].order(with: second[x.1]).lexicographicallyPrecedes(first[y.0].order(with: second[y.1]))
                })
            else {
                let bars = pairs.map { i, j in first[i].bars(to: second[j]) }
                barred = bars.min { ($0.count, $0.joined()) < ($1.count, $1.joined()) }?.joined(separator: ", ")
                break
            }
            made.append(try await Self.row(first.remove(at: best.0), second.remove(at: best.1), task, past))
        }
        rows += made
        if made.isEmpty, let barred {
            refused.append("\(task.title): \(barred); --mixed compares them anyway.")
        } else {
            onlyInA += first.map { "\(task.title) (\($0.name))" }
            onlyInB += second.map { "\(task.title) (\($0.name))" }
        }
    }

    private static func row(
        _ a: ComparedGroup, _ b: ComparedGroup, _ task: MLTask, _ past: Past
    ) async throws(StoreError) -> Row {
        var row = Row(
            task: task.rawValue, title: task.title, a: a.side, b: b.side,
            differences: a.bars(to: b) + a.differences(from: b))
        guard a.figure.mean > 0, b.figure.mean > 0 else { return row }
        let spread = try await RatioSpread(a, b) { () async throws(StoreError) in
            (try await past.history(of: a), try await past.history(of: b))
        }
        let isCommon = a.hasAccuracyInCommon(with: b)
        guard let ratio = MeanRatio(a.figure, b.figure, spread, accuracyIsCommon: isCommon) else { return row }
        row.ratio = ratio.value
        if let interval = ratio.interval {
            row.low = interval.low
            row.high = interval.high
            row.p = interval.p
            row.isSignificant = interval.low > 1 || interval.high < 1
            row.basis = spread.basis.rawValue
            row.assumption = spread.assumption?.rawValue
            var (x, y) = (a.figure, b.figure)
            (x.accuracy, y.accuracy) = (0, 0)
            row.repeats = RatioInterval(
                ofRepeats: MeanRatio(x, y, spread, accuracyIsCommon: true)?.interval, beside: interval)
        }
        return row
    }
}

/// Why two choices of runs cannot be compared.
package enum ComparisonError: UserFacingError, Sendable, Hashable {
    case noSuite(String)
    case noRuns(String, leftOut: [String: Int])
    case sameRuns(String, String, Int)

    package var userError: UserError {
        switch self {
        case .noSuite(let name):
            return UserError(
                .unknownName, "`\(name)` does not name one suite", remedy: "`taskwatt list` shows the UUID of each")
        case .noRuns(let label, let leftOut):
            let left = leftOut.sorted { $0.key < $1.key }.map { "\($0.value) left out: \($0.key)" }
            let reason = left.isEmpty ? "" : " (\(left.joined(separator: ", ")))"
            // What is no parameter may have been meant for another word.
            let kind = label.prefix { $0 != ":" }
            let isKind = RunSelection.kinds.contains(String(kind)) || kind.count == label.count
            let taken =
                isKind
                ? ""
                : "; `\(kind)` is read as a parameter, since it is none of \(RunSelection.kinds.joined(separator: ", "))"
            return UserError(
                .notFound, "no run fits \(label)\(reason)\(taken)",
                remedy: "`taskwatt table --columns all` shows what there is")
        case .sameRuns(let a, let b, let count):
            return UserError(
                .usage, "\(FigureText.count(count, "run")) would be on both sides: \(a) and \(b) overlap",
                remedy:
                    "`taskwatt list` shows the UUID of each suite, and `taskwatt run --label NAME` labels new ones"
            )
        }
    }
}
