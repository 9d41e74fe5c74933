import Core
import Recording

/// A mean over runs with its uncertainty, in kWh per 1,000 inferences.
struct MeanFigure {
    var mean: Double
    /// Sample standard deviation of all runs; `nil` of one.
    var std: Double?
    /// What another session, or another series of repeats, would change; `nil` where a model has one run alone.
    var random: CombinedUncertainty?
    /// Of net figures, what the scatter of the idle baselines adds that `random` does not hold.
    var idle: CombinedUncertainty
    /// The standard uncertainty that is common to all runs beside accuracy: rounding, edges of a locked phase.
    var common: Double
    /// What is anywhere between two bounds with the same chance, as rounding is: half the width of that, which holds 95 %, in place of
    /// 1.96 standard uncertainties.
    private var commonHalfWidth: Double
    private var idleRoundingHalfWidth: Double
    /// Half a step of a coarse meter, where five runs or more of the one model all lie in two neighbouring steps: its mean is off by no
    /// more, however much their spread and so few runs would allow.
    private var halfStep: Double?
    /// That of the meters' accuracy, common to all runs.
    var accuracy: Double
    /// The models and datasets by the sessions that they ran in.
    var blocks: [SessionBlock]
    /// Of all models together.
    var sums: RunSums

    /// The mean of exactly these models and datasets: its uncertainty is that of measuring them again.
    ///
    /// Models that ran in one session have the spread of their repeats there; those that ran in several have that of the
    /// sessions' means. Blocks of models that ran in different sessions add up as they are, for what one session is like it is
    /// to all that ran in it. What is the same in all runs joins once, undivided: accuracy, rounding, and of net figures the
    /// idle baseline of a session that is the only one.
    init?(_ models: [ModelFigures]) {
        var whole = models.first?.sums ?? RunSums()
        for model in models.dropFirst() { whole.merge(model.sums) }
        let n = whole.count
        guard n > 0 else { return nil }
        mean = whole.series.mean
        std = whole.series.moments.deviation
        blocks = Dictionary(grouping: models, by: \.sessionSet).sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { SessionBlock(models: $0.value, of: n) }
        let parts = blocks.compactMap(\.random)
        random = parts.count < blocks.count ? nil : parts.count == 1 ? parts[0] : CombinedUncertainty(together: parts)
        idle = CombinedUncertainty(
            blocks.filter { $0.sessionCount == 1 }.map { block in
                CombinedUncertainty(
                    standard: block.models.reduce(0) { $0 + $1.sums.idle } / n,
                    degrees: block.models.first?.sums.idleDegrees ?? .infinity)
            })
        let rounding = whole.idleRounding / n
        let resolution = models.reduce(0.0) { $0 + $1.sums.count / n * Self.rounding($1.sums) }
        common = (rounding * rounding + resolution * resolution).squareRoot()
        idleRoundingHalfWidth = 0.95 * 3.0.squareRoot() * rounding
        commonHalfWidth = idleRoundingHalfWidth + 0.95 * 3.0.squareRoot() * resolution
        halfStep = models.count == 1 ? models.first.flatMap { Self.halfStep($0.sums) } : nil
        accuracy = whole.accuracy / n
        sums = whole
    }

    /// - Parameter baselines: the degrees of freedom of each suite's idle baseline.
    init?(_ runs: [RunObservation], _ baselines: [String: Double]) { self.init(runs.byModel(baselines)) }

    /// What the rounding of a coarse meter leaves in the mean of one model's runs, each of which has u = q/√12 of it. Of fewer than five
    /// runs their scatter is not known well enough.
    ///
    /// Rounding makes q²/12 of the scatter where that is large, and less where few runs lie mostly on one step; what is taken off was
    /// found by simulation, so that intervals hold 95 % for every scatter (5, 7, 10 and 15 runs: at least 93.6 %; 30: 93.4 %).
    private static func rounding(_ sums: RunSums) -> Double {
        guard let q = step(sums), let s = sums.series.moments.deviation else { return sums.common / sums.count }
        let ofRounding = (sums.count < 16 ? 1 / 16.0 : 1 / 12) * q * q
        return Statistics.roundingUncertainty(step: q, relativeScatter: (s * s - ofRounding) / (q * q))
    }

    /// The step that a coarse meter's runs are rounded to, where it is told from their figures; `nil` of fewer than five. What edges leave
    /// (`stale-edges`) is common to all runs too and is no rounding: no scatter averages it out.
    private static func step(_ sums: RunSums) -> Double? {
        let u = sums.common / sums.count
        guard u > 0, sums.count >= 5, sums.staleEdges == 0 else { return nil }
        return u * 12.0.squareRoot()
    }

    private static func halfStep(_ sums: RunSums) -> Double? {
        guard let step = step(sums), sums.series.most - sums.series.least < 1.01 * step else { return nil }
        return step / 2
    }

    /// Whether the interval may be wider than that of the runs one by one, since only sums of them are there.
    var isBound: Bool { blocks.contains(where: \.isBound) }

    /// The half-width of the 95 % interval; `nil` where a model has one run alone.
    var interval: Double? { random.map { min(width($0), widthWithinOneStep ?? .infinity) } }

    /// Whether it is a step of the meter that says how wide the interval is, and not the spread of the runs.
    var isWithinOneStep: Bool {
        guard let random, let within = widthWithinOneStep else { return false }
        return within <= width(random)
    }

    /// As all parts together make it. No interval is wider than those of the parts one after the other.
    private func width(_ random: CombinedUncertainty) -> Double {
        let rest = [random, idle, CombinedUncertainty(standard: accuracy)]
        let whole = CombinedUncertainty(rest + [CombinedUncertainty(standard: common)]).halfWidth
        return min(whole, CombinedUncertainty(rest).halfWidth + commonHalfWidth)
    }

    private var widthWithinOneStep: Double? {
        halfStep.map {
            $0 + idleRoundingHalfWidth + CombinedUncertainty([idle, CombinedUncertainty(standard: accuracy)]).halfWidth
        }
    }

    /// In how many sessions the model ran that ran in the fewest.
    var sessions: Int { blocks.map(\.sessionCount).min() ?? 0 }

    /// The deviation between the sessions' means, relative to the mean; `nil` where no model ran in several.
    var betweenSessions: Double? {
        let several = blocks.filter { $0.sessionCount > 1 }
        let degrees = several.reduce(0) { $0 + $1.sessionCount - 1 }
        guard degrees > 0, mean > 0 else { return nil }
        let squares = several.reduce(0.0) { sum, block in
            let deviation = block.deviation / block.share
            return sum + Double(block.sessionCount - 1) * deviation * deviation
        }
        return (squares / Double(degrees)).squareRoot() / mean
    }
}

/// Models and datasets of a mean that ran in the same sessions.
struct SessionBlock {
    var models: [ModelFigures]
    var sessionCount: Int
    /// Empty where they are not known one by one.
    var sessions: Set<String>
    /// The part that these models have in the mean, 0 to 1.
    var share: Double
    /// What the uncertainty of these models' part adds to the mean's; `nil` where a model has one run alone.
    var random: CombinedUncertainty?
    /// By session, how far the mean of this block, as a part of the whole, was off all sessions'; of one session nothing.
    var offsets: [String: Double] = [:]
    /// The sample deviation of them.
    var deviation = 0.0
    /// By session, its share in the block's runs.
    var weights: [String: Double] = [:]
    /// Whether the uncertainty is only known to be no larger than this.
    var isBound = false

    /// - Parameter n: all runs of the mean.
    init(models: [ModelFigures], of n: Double) {
        self.models = models
        sessionCount = models.first?.sessionCount ?? 0
        sessions = models.first?.names ?? []
        share = models.reduce(0) { $0 + $1.sums.count } / n
        if sessionCount <= 1 {
            random = Self.withinOneSession(models, n)
        } else if models.allSatisfy({ $0.sessions != nil }) {
            compareSessions(n)
        } else if models.count == 1, let model = models.first {
            compareSessions(of: model.sums)
        } else {
            boundSessions()
        }
    }

    /// The repeats are a sample, and the models and datasets are not, so the variance is that of a stratified mean,
    /// Σ (n_g/n)² u_g² (Cochran, *Sampling Techniques*, 5.3). The spread of the repeats holds edges and resolution already.
    private static func withinOneSession(_ models: [ModelFigures], _ n: Double) -> CombinedUncertainty? {
        let parts = models.compactMap { model in
            Statistics.uncertaintyOfMean(model.sums.series).map {
                CombinedUncertainty($0).scaled(by: model.sums.count / n)
            }
        }
        return parts.count == models.count ? CombinedUncertainty(parts) : nil
    }

    /// From two sessions on it is their means that are the sample, with one degree of freedom less than there are, whatever
    /// the spread inside them: to decide by a test which of the two to take holds in 81 to 91 % only.
    private mutating func compareSessions(_ n: Double) {
        var parts: [String: Double] = [:]
        for model in models {
            for (name, session) in model.sessions ?? [:] {
                parts[name, default: 0] += session.count * (session.mean - model.sums.series.mean) / n
                weights[name, default: 0] += session.count / (n * share)
            }
        }
        // A session of few runs is off by as much as one of many, where sessions differ.
        for (session, part) in parts { offsets[session] = part / (weights[session] ?? 1) }
        deviation = Statistics.sampleStandardDeviation(offsets.sorted { $0.key < $1.key }.map(\.value)) ?? 0
        let squares = weights.values.reduce(0) { $0 + $1 * $1 }
        random = CombinedUncertainty(
            standard: deviation * squares.squareRoot(), degrees: Double(sessionCount - 1))
    }

    /// The same of one model, of which the sums say all that it takes.
    private mutating func compareSessions(of sums: RunSums) {
        deviation = share * (sums.sessions.deviation ?? 0)
        random = CombinedUncertainty(
            standard: deviation * sums.squaredRuns.squareRoot() / sums.count, degrees: Double(sessionCount - 1))
    }

    /// An upper bound of the same, of several models whose sums do not say how far they go together.
    ///
    /// A session's offset is Σ p_gs d_gs, with the share p that a model's runs have in those of the session, and d, what its mean there is
    /// off its mean of all. The length of a sum of vectors is at most the sum of their lengths (Minkowski), no p is larger than the
    /// most runs of its model in a session by that and the fewest of each other one, and the sessions' weights are sums over the models
    /// too. Where each model has as many runs in each session, and what sessions do they do to all models, the bound is the value.
    private mutating func boundSessions() {
        isBound = true
        let count = models.reduce(0) { $0 + $1.sums.count }
        let fewest = models.reduce(0) { $0 + $1.sums.fewestRuns }
        var length = 0.0
        var weight = 0.0
        for model in models {
            let sums = model.sums
            let part = sums.mostRuns / (sums.mostRuns + fewest - sums.fewestRuns)
            let off = sums.sessions.mean - sums.series.mean
            let squares = sums.sessions.squares + sums.sessions.count * off * off
            length += part * (squares / (sums.sessions.count - 1)).squareRoot()
            weight += sums.squaredRuns.squareRoot() / count
        }
        deviation = share * length
        random = CombinedUncertainty(standard: deviation * weight, degrees: Double(sessionCount - 1))
    }
}
