import Core
import Recording

/// How far values of one kind scatter about their means, relative to these, pooled over several means.
struct RepeatSpread {
    /// The sum of squares, and its degrees of freedom.
    private(set) var squares = 0.0
    private(set) var degrees = 0.0
    /// The harmonic mean of how many repeats were behind each value; 1 of single repeats.
    private var reciprocals = 0.0

    init() {}

    /// - Parameter series: values that have a mean in common each. Where that is not above zero there is no relative deviation.
    init(_ series: [[Double]]) {
        for values in series {
            guard values.count > 1, let mean = Statistics.mean(values), mean > 0 else { continue }
            squares += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (mean * mean)
            degrees += Double(values.count - 1)
        }
    }

    /// How far the means of sessions scatter.
    ///
    /// - Parameter sessions: by model, the repeats of each session.
    init(sessionsOf models: [[[Double]]]) {
        self.init(models.map { $0.compactMap { Statistics.mean($0) } })
        let counts = models.filter { $0.count > 1 }.joined().map { 1 / Double($0.count) }
        reciprocals = Statistics.mean(counts) ?? 0
    }

    static func + (a: RepeatSpread, b: RepeatSpread) -> RepeatSpread {
        var sum = RepeatSpread()
        sum.squares = a.squares + b.squares
        sum.degrees = a.degrees + b.degrees
        if sum.degrees > 0 {
            sum.reciprocals = (a.reciprocals * a.degrees + b.reciprocals * b.degrees) / sum.degrees
        }
        return sum
    }

    /// `nil` where nothing was repeated.
    var variance: Double? { degrees > 0 ? squares / degrees : nil }

    /// What a mean of so many repeats in one session has beyond these sessions' means, of the variance within: less averaging
    /// where there are fewer repeats than there were.
    func excess(ofRepeats count: Double) -> Double { max(0, 1 / count - reciprocals) }
}

/// What the record knows of a row's models on their machine, beside the runs that are compared.
struct RunHistory {
    var repeats = RepeatSpread()
    var sessions = RepeatSpread()

    init() {}

    /// - Parameters:
    ///   - runs: of one row.
    ///   - known: the sessions that are compared.
    init(_ runs: [RunObservation], without known: Set<String>) {
        let others = runs.filter { !known.contains($0.session) && $0.window.source == .taskwatt }
        let models = Dictionary(grouping: others) { [$0.model, $0.dataset] }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { RunGroups.series($0.value).map { $0.map(\.kilowattHours) } }
        repeats = RepeatSpread(Array(models.joined()))
        sessions = RepeatSpread(sessionsOf: models)
    }
}
