import Core
import Glibc
import Recording

/// What chance alone does to the logarithm of the ratio of two means, and where that is known from.
struct RatioSpread {
    /// What an interval of a ratio is of.
    enum Basis: String, Codable {
        /// Both sides ran in one and the same session.
        case oneSession = "one-session"
        /// Each side ran in a session of its own, and how far sessions differ is not known.
        case twoSessions = "two-sessions"
        /// Each in one, and how far sessions of this machine differ is known from others.
        case knownSessions = "known-sessions"
        /// Several sessions a side.
        case sessions
        /// The same sessions on both sides, compared one by one.
        case pairedSessions = "paired-sessions"
        /// Imported logs, of which it is not known.
        case logs
    }

    /// What was taken for granted of how far values scatter.
    enum Assumption: String, Codable {
        /// Both sides scatter alike, relative to their means: one of them has too few values to tell.
        case equalSpread = "equal-spread"
        /// As other runs of these models on this machine did.
        case asBefore = "as-before"
    }

    /// `nil` where nothing tells how far the values scatter.
    var uncertainty: CombinedUncertainty?
    var basis: Basis
    var assumption: Assumption?

    /// - Parameter history: of each side, what else the record has; asked for only where it is needed.
    init(
        _ a: ComparedGroup, _ b: ComparedGroup, history: () async throws(StoreError) -> (RunHistory, RunHistory)
    ) async throws(StoreError) {
        let (x, y) = (a.figure, b.figure)
        if a.isImported || b.isImported {
            basis = .logs
            try await repeats(a, b) { (RunHistory(), RunHistory()) }
        } else if x.blocks.count == 1, y.blocks.count == 1, x.sessions > 1, x.blocks[0].sessions == y.blocks[0].sessions
        {
            basis = .pairedSessions
            uncertainty = Self.paired(x, y)
        } else if max(x.sessions, y.sessions) > 1 {
            basis = .sessions
            sessions(a, b)
        } else if a.sessions == b.sessions {
            basis = .oneSession
            try await repeats(a, b, history)
        } else {
            basis = .twoSessions
            let (p, q) = try await history()
            // Two sessions tell next to nothing of how far sessions differ.
            if min(p.sessions.degrees, q.sessions.degrees) >= 2 {
                basis = .knownSessions
                known(a, b, p, q)
            } else {
                try await repeats(a, b) { (p, q) }
            }
        }
    }

    // MARK: Within a session

    /// Welch's test where both sides have three repeats of each model; else one relative spread for all.
    private mutating func repeats(
        _ a: ComparedGroup, _ b: ComparedGroup,
        _ history: () async throws(StoreError) -> (RunHistory, RunHistory)
    ) async throws(StoreError) {
        if let u = a.figure.random, let v = b.figure.random, min(a.leastRepeats, b.leastRepeats) >= 3 {
            uncertainty = Self.welch(u.scaled(by: 1 / a.figure.mean), v.scaled(by: 1 / b.figure.mean))
            return
        }
        var spread = a.spread + b.spread
        assumption = .equalSpread
        if spread.degrees == 0 {
            let (p, q) = try await history()
            // Where the two are of one model, and one machine, so are their histories.
            spread = a.isOfOneKind(with: b) ? p.repeats : p.repeats + q.repeats
            assumption = .asBefore
        }
        uncertainty = Self.pooled(spread.variance, spread.degrees, a.repeatFactor + b.repeatFactor)
        if uncertainty == nil { assumption = nil }
    }

    // MARK: Between sessions

    private mutating func sessions(_ a: ComparedGroup, _ b: ComparedGroup) {
        let (x, y) = (a.figure, b.figure)
        // Sides of models that ran in different sessions have an uncertainty each, and no one number of sessions.
        let isPlain = x.blocks.count == 1 && y.blocks.count == 1
        if min(x.sessions, y.sessions) >= 3 || !isPlain, let u = x.random, let v = y.random {
            uncertainty = Self.welch(u.scaled(by: 1 / x.mean), v.scaled(by: 1 / y.mean))
            return
        }
        guard isPlain else { return }
        var (squares, degrees) = (0.0, 0.0)
        let sides = [(a, b), (b, a)].map { side, other -> (factor: Double, excess: Double) in
            let block = side.figure.blocks[0]
            let own = Double(block.sessions.count - 1)
            squares += own * block.deviation * block.deviation / (side.figure.mean * side.figure.mean)
            degrees += own
            let factor = block.weights.isEmpty ? 1 : block.weights.values.reduce(0) { $0 + $1 * $1 }
            // A session of fewer repeats than those that tell how far sessions differ is less sure than they are.
            return (factor, factor * max(0, 1 / side.repeatsInSession - 1 / other.repeatsInSession))
        }
        let within = a.spread + b.spread
        let (factor, excess) = sides.reduce((0.0, 0.0)) { ($0.0 + $1.factor, $0.1 + $1.excess) }
        assumption = .equalSpread
        uncertainty = CombinedUncertainty(
            [Self.pooled(squares / degrees, degrees, factor), Self.pooled(within.variance, within.degrees, excess)]
                .compactMap(\.self))
    }

    /// Both sides ran in the same sessions, and what those are like cancels: the logarithms of the ratios in each.
    private static func paired(_ x: MeanFigure, _ y: MeanFigure) -> CombinedUncertainty? {
        let (a, b) = (x.blocks[0], y.blocks[0])
        let ratios = a.sessions.sorted().compactMap { session -> Double? in
            let (p, q) = (x.mean + (a.offsets[session] ?? 0), y.mean + (b.offsets[session] ?? 0))
            return p > 0 && q > 0 ? log(q / p) : nil
        }
        guard ratios.count == a.sessions.count else { return nil }
        return Statistics.uncertaintyOfMean(ratios).map(CombinedUncertainty.init)
    }

    private mutating func known(_ a: ComparedGroup, _ b: ComparedGroup, _ p: RunHistory, _ q: RunHistory) {
        assumption = .asBefore
        // The record of one row is the same for both sides.
        let isSame = a.isOfOneKind(with: b)
        let within = isSame ? a.spread + b.spread + p.repeats : a.spread + b.spread + p.repeats + q.repeats
        let excess = p.sessions.excess(ofRepeats: a.repeatsInSession) + q.sessions.excess(ofRepeats: b.repeatsInSession)
        let between =
            isSame
            ? [Self.pooled(p.sessions.variance, p.sessions.degrees, 2)]
            : [p.sessions, q.sessions].map { Self.pooled($0.variance, $0.degrees, 1) }
        uncertainty = CombinedUncertainty(
            (between + [Self.pooled(within.variance, within.degrees, excess)]).compactMap(\.self))
    }

    // MARK: Arithmetic

    /// ln(B/A) has the variance u_A²/A² + u_B²/B² (GUM 5.1.6), with Welch and Satterthwaite's degrees of freedom.
    private static func welch(_ a: CombinedUncertainty, _ b: CombinedUncertainty) -> CombinedUncertainty {
        CombinedUncertainty([a, b])
    }

    private static func pooled(_ variance: Double?, _ degrees: Double, _ factor: Double) -> CombinedUncertainty? {
        variance.map { CombinedUncertainty(standard: ($0 * factor).squareRoot(), degrees: degrees) }
    }
}
