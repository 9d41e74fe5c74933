import Core
import Recording

/// The runs of one model and dataset in a row, as sums.
struct ModelFigures {
    var model: String
    var dataset: String
    /// Of all sessions together.
    var sums: RunSums
    /// By the session; `nil` where only all together are known.
    var sessions: [String: GroupSums.Session]?
    /// How imported logs came about is not known: theirs are taken for one session.
    private var isImported: Bool

    var sessionCount: Int { isImported ? 1 : Int(saturating: sums.sessions.count) }
    /// Which sessions they are, as a number and as their number.
    var sessionSet: [UInt64] { isImported ? [0, 1] : [sums.sessionSet, UInt64(sessionCount)] }

    /// Of groups whose sessions have none in common.
    init(_ model: String, _ dataset: String, _ groups: [GroupSums]) {
        self.model = model
        self.dataset = dataset
        isImported = groups.first?.group.key.source != .taskwatt
        // Most models have one group, of which nothing is copied here.
        sums = groups.first?.sums ?? RunSums()
        for group in groups.dropFirst() { sums.merge(group.sums) }
        sessions = [:]
        for group in groups {
            guard let own = group.sessions else {
                sessions = nil
                continue
            }
            for session in own { sessions?[isImported ? "" : session.name, default: Self.none].add(session) }
        }
    }

    /// - Parameters:
    ///   - runs: of one model and dataset, in the order of the record.
    ///   - baselines: the degrees of freedom of each suite's idle baseline.
    init(_ runs: [RunObservation], _ baselines: [String: Double]) {
        model = runs.first?.model ?? ""
        dataset = runs.first?.dataset ?? ""
        isImported = runs.first.map { $0.window.source != .taskwatt } ?? false
        var order: [String] = []
        var made: [String: RunSums] = [:]
        for run in runs {
            if made[run.session] == nil { order.append(run.session) }
            made[run.session, default: RunSums(session: run.session)]
                .add(run, baseline: (baselines[run.window.suiteRun], nil))
        }
        sums = RunSums()
        sessions = [:]
        for session in order {
            guard let closed = made[session]?.closed else { continue }
            sums.merge(closed)
            sessions?[session] = GroupSums.Session(name: session, count: closed.count, mean: closed.series.mean)
        }
    }

    private static let none = GroupSums.Session(name: "", count: 0, mean: 0)

    var names: Set<String> { Set((sessions ?? [:]).keys) }
}

extension GroupSums.Session {
    /// More runs of the same session.
    fileprivate mutating func add(_ other: GroupSums.Session) {
        let whole = count + other.count
        if whole > 0 { mean += (other.mean - mean) * (other.count / whole) }
        count = whole
    }
}

extension [RunObservation] {
    /// By model and dataset, in the order of their names.
    func byModel(_ baselines: [String: Double]) -> [ModelFigures] {
        Dictionary(grouping: self) { [$0.model, $0.dataset] }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { ModelFigures($0.value, baselines) }
    }
}
