import Core
import Recording
import TestSupport
import Testing

@testable import Reporting

/// The part of an interval that sessions make, of sums alone: equal to that of the runs where it can be, and never less.
@Suite("Sessions from sums")
struct SessionBoundTests {
    /// As it is defined, of the runs one by one: the sample deviation of the sessions' offsets, times √Σ w².
    private static func reference(_ runs: [RunObservation]) -> Double {
        let models = Dictionary(grouping: runs, by: \.model).values
        var offsets: [String: (sum: Double, count: Double)] = [:]
        for model in models {
            let mean = model.reduce(0) { $0 + $1.kilowattHours } / Double(model.count)
            for run in model {
                let known = offsets[run.session] ?? (0, 0)
                offsets[run.session] = (known.sum + run.kilowattHours - mean, known.count + 1)
            }
        }
        let values = offsets.values.map { $0.sum / $0.count }
        let weights = offsets.values.reduce(0) { $0 + $1.count * $1.count }.squareRoot() / Double(runs.count)
        return (Statistics.sampleStandardDeviation(values) ?? 0) * weights
    }

    /// Models in the same sessions, with numbers of runs as `counts` says.
    private static func draw(
        _ random: inout SeededRandom, models: Int, sessions: Int, counts: (Int, Int) -> Int
    ) -> [RunObservation] {
        let middles = (0..<sessions).map { _ in random.normal(0, 0.02) }
        return (0..<sessions).flatMap { session in
            (0..<models).flatMap { model in
                (0..<counts(model, session)).map { _ in
                    DrawnRuns.run(
                        Double(model + 1) + middles[session] + random.normal(0, 0.03), session: "\(session)",
                        model: "m\(model)")
                }
            }
        }
    }

    private static func withoutSessions(_ runs: [RunObservation]) -> [ModelFigures] {
        runs.byModel([:]).map { figures in
            var figures = figures
            figures.sessions = nil
            return figures
        }
    }

    @Test("Of one model the sums say all")
    func oneModel() throws {
        var random = SeededRandom(seed: 31)
        for _ in 0..<200 {
            let sessions = 2 + Int(random.next() % 6)
            let counts = (0..<sessions).map { _ in 1 + Int(random.next() % 9) }
            let runs = Self.draw(&random, models: 1, sessions: sessions) { _, session in counts[session] }
            let whole = try #require(MeanFigure(runs, [:]))
            let sums = try #require(MeanFigure(Self.withoutSessions(runs)))
            #expect(isClose(whole.random?.standard, Self.reference(runs), relative: 1e-7))
            #expect(isClose(sums.random?.standard, Self.reference(runs), relative: 1e-7))
            #expect(!sums.isBound && sums.sessions == sessions && sums.random?.degrees == Double(sessions - 1))
        }
    }

    @Test("Of several models with their sessions' means, they say all too")
    func means() throws {
        var random = SeededRandom(seed: 32)
        for _ in 0..<200 {
            let counts = (0..<12).map { _ in 1 + Int(random.next() % 9) }
            let runs = Self.draw(&random, models: 3, sessions: 4) { counts[$0 * 4 + $1] }
            let figure = try #require(MeanFigure(runs, [:]))
            #expect(isClose(figure.random?.standard, Self.reference(runs), relative: 1e-7) && !figure.isBound)
        }
    }

    @Test("Without them it is never less, whatever the numbers of runs")
    func bound() throws {
        var random = SeededRandom(seed: 33)
        for draw in 0..<500 {
            let isEven = draw % 2 == 0
            let counts = (0..<20).map { _ in isEven ? 3 : 1 + Int(random.next() % 12) }
            let runs = Self.draw(&random, models: 4, sessions: 5) { counts[$0 * 5 + $1] }
            let exact = try #require(MeanFigure(runs, [:]))
            let bound = try #require(MeanFigure(Self.withoutSessions(runs)))
            #expect(bound.isBound && bound.sessions == 5)
            let (least, most) = (exact.random?.standard ?? 0, bound.random?.standard ?? 0)
            #expect(most >= least * (1 - 1e-9), "\(most) \(least)")
            #expect((bound.interval ?? 0) >= (exact.interval ?? 0) * (1 - 1e-9))
            // Where what sessions do they do to all models, it is not much more.
            if isEven { #expect(most < 4 * least + 0.05) }
        }
    }

    @Test("Models that ran in other sessions are other blocks, by the sums too")
    func blocks() throws {
        var random = SeededRandom(seed: 34)
        let both = Self.draw(&random, models: 2, sessions: 3) { model, session in model == 1 && session == 2 ? 0 : 2 }
        let whole = try #require(MeanFigure(both, [:]))
        let sums = try #require(MeanFigure(Self.withoutSessions(both)))
        #expect(whole.blocks.count == 2 && sums.blocks.count == 2)
        #expect(isClose(sums.random?.standard, whole.random?.standard ?? 0, relative: 1e-7) && !sums.isBound)
    }
}
