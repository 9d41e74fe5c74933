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

    /// The mean of exactly these models and datasets: its uncertainty is that of measuring them again.
    ///
    /// Models that ran in one session have the spread of their repeats there; those that ran in several have that of the
    /// sessions' means. Blocks of models that ran in different sessions add up as they are, for what one session is like it is
    /// to all that ran in it. What is the same in all runs joins once, undivided: accuracy, rounding, and of net figures the
    /// idle baseline of a session that is the only one.
    ///
    /// - Parameter baselines: the degrees of freedom of each suite's idle baseline.
    init?(_ runs: [RunFigure], _ baselines: [String: Double]) {
        let values = runs.map(\.kilowattHours)
        guard let mean = Statistics.mean(values) else { return nil }
        self.mean = mean
        std = Statistics.sampleStandardDeviation(values)
        let n = Double(runs.count)
        let models = Dictionary(grouping: runs) { [$0.model, $0.dataset] }.values
        let bySessions = Dictionary(grouping: models) { Set($0.map(\.session)) }
        blocks = bySessions.map { SessionBlock(models: $0.value, sessions: $0.key, of: n) }
            .sorted { $0.order < $1.order }
        let parts = blocks.compactMap(\.random)
        random = parts.count < blocks.count ? nil : parts.count == 1 ? parts[0] : CombinedUncertainty(together: parts)
        let alone = Set(blocks.filter { $0.sessions.count == 1 }.flatMap { block in block.models.joined().map(\.id) })
        let singles = Dictionary(grouping: runs.filter { alone.contains($0.id) }, by: \.window.suiteRun)
        idle = CombinedUncertainty(
            singles.sorted { $0.key < $1.key }.map { suite, members in
                CombinedUncertainty(
                    standard: members.map(\.idle).reduce(0, +) / n,
                    degrees: members.first?.window.idleDegreesOfFreedom ?? baselines[suite] ?? .infinity)
            })
        let rounding = runs.map(\.idleRounding).reduce(0, +) / n
        let resolution = models.reduce(0.0) { $0 + Double($1.count) / n * Self.rounding($1) }
        common = (rounding * rounding + resolution * resolution).squareRoot()
        idleRoundingHalfWidth = 0.95 * 3.0.squareRoot() * rounding
        commonHalfWidth = idleRoundingHalfWidth + 0.95 * 3.0.squareRoot() * resolution
        halfStep = models.count == 1 ? Self.halfStep(runs) : nil
        accuracy = runs.map(\.accuracy).reduce(0, +) / n
    }

    /// What the rounding of a coarse meter leaves in the mean of one model's runs, each of which has u = q/√12 of it. Of fewer than five
    /// runs their scatter is not known well enough.
    ///
    /// Rounding makes q²/12 of the scatter where that is large, and less where few runs lie mostly on one step; what is taken off was
    /// found by simulation, so that intervals hold 95 % for every scatter (5, 7, 10 and 15 runs: at least 93.6 %; 30: 93.4 %).
    private static func rounding(_ runs: [RunFigure]) -> Double {
        guard let q = step(runs), let s = Statistics.sampleStandardDeviation(runs.map(\.kilowattHours)) else {
            return common(runs)
        }
        let ofRounding = (runs.count < 16 ? 1 / 16.0 : 1 / 12) * q * q
        return Statistics.roundingUncertainty(step: q, relativeScatter: (s * s - ofRounding) / (q * q))
    }

    private static func common(_ runs: [RunFigure]) -> Double {
        runs.map(\.common).reduce(0, +) / Double(runs.count)
    }

    /// The step that a coarse meter's runs are rounded to, where it is told from their figures; `nil` of fewer than five. What edges leave
    /// (`stale-edges`) is common to all runs too and is no rounding: no scatter averages it out.
    private static func step(_ runs: [RunFigure]) -> Double? {
        let u = common(runs)
        guard u > 0, runs.count >= 5, !runs.contains(where: { $0.window.total.flags.contains(.staleEdges) }) else {
            return nil
        }
        return u * 12.0.squareRoot()
    }

    private static func halfStep(_ runs: [RunFigure]) -> Double? {
        let values = runs.map(\.kilowattHours)
        guard let step = step(runs), let least = values.min(), let most = values.max(), most - least < 1.01 * step
        else { return nil }
        return step / 2
    }

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
    var sessions: Int { blocks.map(\.sessions.count).min() ?? 0 }

    /// The deviation between the sessions' means, relative to the mean; `nil` where no model ran in several.
    var betweenSessions: Double? {
        let several = blocks.filter { $0.sessions.count > 1 }
        let degrees = several.reduce(0) { $0 + $1.sessions.count - 1 }
        guard degrees > 0, mean > 0 else { return nil }
        let squares = several.reduce(0.0) { sum, block in
            let deviation = block.deviation / block.share
            return sum + Double(block.sessions.count - 1) * deviation * deviation
        }
        return (squares / Double(degrees)).squareRoot() / mean
    }
}

/// Models and datasets of a mean that ran in the same sessions.
struct SessionBlock {
    /// The runs of each model and dataset.
    var models: [[RunFigure]]
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

    /// - Parameter n: all runs of the mean.
    init(models: [[RunFigure]], sessions: Set<String>, of n: Double) {
        self.models = models
        self.sessions = sessions
        share = Double(models.reduce(0) { $0 + $1.count }) / n
        if sessions.count > 1 {
            compareSessions(n)
        } else {
            random = Self.withinOneSession(models, n)
        }
    }

    var order: String { sessions.sorted().joined() }

    /// The repeats are a sample, and the models and datasets are not, so the variance is that of a stratified mean,
    /// Σ (n_g/n)² u_g² (Cochran, *Sampling Techniques*, 5.3). The spread of the repeats holds edges and resolution already.
    private static func withinOneSession(_ models: [[RunFigure]], _ n: Double) -> CombinedUncertainty? {
        let parts = models.compactMap { runs in
            Statistics.uncertaintyOfMean(runs.map(\.kilowattHours)).map {
                CombinedUncertainty($0).scaled(by: Double(runs.count) / n)
            }
        }
        return parts.count == models.count ? CombinedUncertainty(parts) : nil
    }

    /// From two sessions on it is their means that are the sample, with one degree of freedom less than there are, whatever
    /// the spread inside them: to decide by a test which of the two to take holds in 81 to 91 % only.
    private mutating func compareSessions(_ n: Double) {
        var parts: [String: Double] = [:]
        for runs in models {
            guard let mean = Statistics.mean(runs.map(\.kilowattHours)) else { continue }
            for run in runs {
                parts[run.session, default: 0] += (run.kilowattHours - mean) / n
                weights[run.session, default: 0] += 1 / (n * share)
            }
        }
        // A session of few runs is off by as much as one of many, where sessions differ.
        for (session, part) in parts { offsets[session] = part / (weights[session] ?? 1) }
        deviation = Statistics.sampleStandardDeviation(offsets.sorted { $0.key < $1.key }.map(\.value)) ?? 0
        let squares = weights.values.reduce(0) { $0 + $1 * $1 }
        random = CombinedUncertainty(
            standard: deviation * squares.squareRoot(), degrees: Double(sessions.count - 1))
    }
}
