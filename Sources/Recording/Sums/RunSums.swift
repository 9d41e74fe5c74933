package import Core

/// What a row of the table needs of any number of runs, in a size that does not grow with them: added to one run at a time, and merged
/// without loss. Energies are in kWh per 1,000 inferences where nothing else is said.
///
/// Of one session and group it is kept as it grows; closed, it stands for a session that is over, and can be merged with others.
package struct RunSums: Sendable, Hashable {
    /// Sums of what two scopes, one inside the other, measured in the same windows; see `Reconciliation`.
    package struct Pair: Sendable, Hashable {
        package var residual = 0.0
        package var readingVariance = 0.0
        package var outerAccuracy = 0.0
        package var innerAccuracy = 0.0
        package var outerEnergy = 0.0
    }

    package struct ScopePair: Sendable, Hashable {
        package var outer: TotalScope
        package var inner: TotalScope
    }

    /// How many, and what they are together.
    package struct Sum: Sendable, Hashable {
        package var count = 0.0
        package var total = 0.0
    }

    /// The runs' energies, gross or net as asked for, in their order.
    package var series = SeriesSums()
    package var gross = 0.0
    /// Of the runs that have an idle baseline.
    package var nets = Moments()

    // MARK: Sessions

    /// The means of the sessions, each once whatever its number of runs.
    package var sessions = Moments()
    /// Which sessions they are: sums of sets without a common member add up, and those of equal sets are equal.
    package var sessionSet: UInt64 = 0
    /// Σ n² of the sessions, and the n of the one with the fewest and of the one with the most runs.
    package var squaredRuns = 0.0
    package var fewestRuns = Double.infinity
    package var mostRuns = 0.0
    /// Σ ν (s/m)² and Σ ν of the series of repeats.
    package var variation = 0.0
    package var variationDegrees = 0.0
    /// How many series rise or fall, and in how many each value is like the one before.
    package var drifts = 0.0
    package var correlations = 0.0

    // MARK: Standard uncertainties, summed over the runs; see `RunObservation`

    package var accuracy = 0.0
    package var common = 0.0
    package var idle = 0.0
    package var idleRounding = 0.0
    /// The degrees of freedom of the first run's idle power.
    package var idleDegrees = Double.infinity
    /// Runs whose edges could not be set on an update of the meter.
    package var staleEdges = 0.0

    // MARK: Sums over the runs

    /// Gross joules, of the whole windows.
    package var joules = 0.0
    package var seconds = 0.0
    package var completed = 0.0
    package var failed = 0.0
    package var failedRuns = 0.0
    /// Operations of all inferences, of the runs that know them.
    package var operations = Sum()
    /// Seconds of all inferences, of the runs that were timed.
    package var latency = Sum()
    /// Joules that the uncertainty of the idle baseline may hide.
    package var hidden = 0.0
    /// Joules less the idle baseline, of the runs that have one.
    package var netJoules = 0.0

    // MARK: Extremes

    /// Seconds since 1970.
    package var firstTime = Double.infinity
    package var lastTime = -Double.infinity
    package var firstRun = Int64.max
    package var lastRun = Int64.min
    package var coverage = Double.infinity
    package var fewestInferences = Double.infinity
    package var mostInferences = 0.0
    /// Seconds of the idle baselines.
    package var shortestBaseline = Double.infinity
    package var longestBaseline = 0.0

    // MARK: By name

    package var flags: [String: Int] = [:]
    /// Runs that are in no mean, by the reason.
    package var leftOut: [String: Int] = [:]
    /// Gross energy of the other scopes, of the runs that have them.
    package var otherScopes: [TotalScope: Sum] = [:]
    package var reconciliations: [ScopePair: Pair] = [:]
    /// Taskwatt's.
    package var versions: Set<String> = []

    package init() {}

    /// The runs in the mean.
    package var count: Double { series.count }
    package var runs: Int { Int(saturating: series.count) }
}

extension RunSums {
    /// - Parameter session: the UUID of the suite's run.
    package init(session: String) { sessionSet = Self.number(of: session) }

    /// A number that sums of sets can be made of: FNV-1a, and then mixed (`splitmix64`), since sums of what differs in a few bits
    /// may be equal.
    package static func number(of session: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in session.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return hash ^ (hash >> 31)
    }

    /// Adds a run of one session, in the order of the record.
    ///
    /// - Parameter baseline: the degrees of freedom and the seconds of the session's idle baseline, as far as they are known.
    package mutating func add(_ run: RunObservation, baseline: (degrees: Double?, seconds: Double?)) {
        let window = run.window
        let inferences = Double(window.completedInferences)
        if series.count == 0 {
            idleDegrees = window.idleDegreesOfFreedom ?? baseline.degrees ?? .infinity
        }
        series.add(run.kilowattHours)
        gross += run.gross
        if let net = run.net {
            nets.add(net)
            netJoules += net * RunObservation.joulesOfInference * inferences
        }
        accuracy += run.accuracy
        common += run.common
        idle += run.idle
        idleRounding += run.idleRounding
        if window.total.flags.contains(.staleEdges) { staleEdges += 1 }
        joules += window.total.energy.joules * window.total.scale
        seconds += window.durationSeconds
        completed += inferences
        let failures = Double(max(0, window.failedInferences))
        failed += failures
        if failures > 0 { failedRuns += 1 }
        if let each = window.operations {
            operations.count += 1
            operations.total += each * inferences
        }
        if let mean = window.meanLatency {
            latency.count += 1
            latency.total += mean * inferences
        }
        hidden += normalTwoSided * (window.idleUncertaintyWatts ?? 0) * window.durationSeconds
        firstTime = min(firstTime, window.startedAt)
        lastTime = max(lastTime, window.startedAt)
        firstRun = min(firstRun, window.id)
        lastRun = max(lastRun, window.id)
        coverage = min(coverage, window.total.coverage)
        fewestInferences = min(fewestInferences, inferences)
        mostInferences = max(mostInferences, inferences)
        if let seconds = baseline.seconds {
            shortestBaseline = min(shortestBaseline, seconds)
            longestBaseline = max(longestBaseline, seconds)
        }
        for flag in window.flags { flags[flag, default: 0] += 1 }
        for (scope, energy) in run.otherScopes {
            otherScopes[scope, default: Sum()].count += 1
            otherScopes[scope, default: Sum()].total += energy
        }
        for pair in run.reconciliations {
            reconciliations[ScopePair(outer: pair.outer, inner: pair.inner), default: Pair()].add(pair)
        }
        versions.insert(window.version)
    }

    /// Counts a run that is in no mean.
    package mutating func leaveOut(_ reason: String) { leftOut[reason, default: 0] += 1 }

    /// What the session is as a whole, so that it can be merged with others.
    package var closed: RunSums {
        var closed = self
        guard count > 0 else {
            closed.sessionSet = 0
            return closed
        }
        closed.sessions = Moments()
        closed.sessions.add(series.mean)
        closed.squaredRuns = count * count
        (closed.fewestRuns, closed.mostRuns) = (count, count)
        if let deviation = series.moments.deviation, series.mean > 0 {
            let relative = deviation / series.mean
            closed.variation = (count - 1) * relative * relative
            closed.variationDegrees = count - 1
        }
        let doubts = Statistics.doubts(of: series)
        closed.drifts = doubts.contains(.drift) ? 1 : 0
        closed.correlations = doubts.contains(.correlation) ? 1 : 0
        return closed
    }

    /// Adds other sessions; both are closed, and have none in common.
    package mutating func merge(_ other: RunSums) {
        if series.count == 0 { idleDegrees = other.idleDegrees }
        series.append(other.series)
        gross += other.gross
        nets.merge(other.nets)
        sessions.merge(other.sessions)
        sessionSet &+= other.sessionSet
        squaredRuns += other.squaredRuns
        fewestRuns = min(fewestRuns, other.fewestRuns)
        mostRuns = max(mostRuns, other.mostRuns)
        variation += other.variation
        variationDegrees += other.variationDegrees
        drifts += other.drifts
        correlations += other.correlations
        accuracy += other.accuracy
        common += other.common
        idle += other.idle
        idleRounding += other.idleRounding
        staleEdges += other.staleEdges
        joules += other.joules
        seconds += other.seconds
        completed += other.completed
        failed += other.failed
        failedRuns += other.failedRuns
        operations.add(other.operations)
        latency.add(other.latency)
        hidden += other.hidden
        netJoules += other.netJoules
        firstTime = min(firstTime, other.firstTime)
        lastTime = max(lastTime, other.lastTime)
        firstRun = min(firstRun, other.firstRun)
        lastRun = max(lastRun, other.lastRun)
        coverage = min(coverage, other.coverage)
        fewestInferences = min(fewestInferences, other.fewestInferences)
        mostInferences = max(mostInferences, other.mostInferences)
        shortestBaseline = min(shortestBaseline, other.shortestBaseline)
        longestBaseline = max(longestBaseline, other.longestBaseline)
        if !other.flags.isEmpty { flags.merge(other.flags) { $0.addingSaturated($1) } }
        if !other.leftOut.isEmpty { leftOut.merge(other.leftOut) { $0.addingSaturated($1) } }
        for (scope, sum) in other.otherScopes { otherScopes[scope, default: Sum()].add(sum) }
        for (scopes, pair) in other.reconciliations { reconciliations[scopes, default: Pair()].add(pair) }
        if !versions.isSuperset(of: other.versions) { versions.formUnion(other.versions) }
    }

    /// The variation between repeats of one model on one dataset in one session, relative: √(Σ ν (s/m)² / Σ ν).
    package var repeatVariation: Double? {
        variationDegrees > 0 ? (variation / variationDegrees).squareRoot() : nil
    }
}

extension RunSums.Sum {
    package mutating func add(_ other: RunSums.Sum) {
        count += other.count
        total += other.total
    }
}

extension RunSums.Pair {
    mutating func add(_ pair: Reconciliation) {
        residual += pair.residual.joules
        readingVariance += pair.readingVariance
        outerAccuracy += pair.outerAccuracy.joules
        innerAccuracy += pair.innerAccuracy.joules
        outerEnergy += pair.outerEnergy.joules
    }

    package mutating func add(_ other: RunSums.Pair) {
        residual += other.residual
        readingVariance += other.readingVariance
        outerAccuracy += other.outerAccuracy
        innerAccuracy += other.innerAccuracy
        outerEnergy += other.outerEnergy
    }
}

/// The factor of what an idle baseline's uncertainty may hide.
private let normalTwoSided = 1.96
