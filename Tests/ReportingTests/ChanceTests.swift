import Core
import TestSupport
import Testing

/// Rules that call something by its odds, against draws of which the truth is known. Seeds are fixed, so that a test fails where a
/// rule changes and not by chance.
@Suite("Rules of chance")
struct ChanceTests {
    /// Whether Newton's method finds what SciPy 1.17.1 has: `scipy.stats.t.ppf(0.99, ν)` and `norm.ppf(1 - 0.05 / 2 / 1000)`.
    @Test(
        "t of 2 %, as the idle drift takes it",
        arguments: [(1, 31.82051595), (2, 6.96455673), (4, 3.74694739), (118, 2.35837), (1e9, 2.32634787)])
    func student(degrees: Double, t: Double) {
        #expect(isClose(Statistics.studentT(exceededWith: 0.02, degreesOfFreedom: degrees), t, relative: 1e-5))
    }

    @Test("Something is named in 5 % of clean sets of any size", arguments: [5, 6, 7, 10, 15, 20, 21, 30, 60, 100])
    func cleanSets(n: Int) {
        var random = SeededRandom(seed: UInt64(n))
        let draws = n > 50 ? 1000 : 3000
        let named = (0..<draws).count { _ in !Statistics.outliers(random.series(n)).isEmpty }
        // Three deviations of the binomial distribution up; one that names next to nothing is no rule either.
        let rate = Double(named) / Double(draws)
        #expect(rate > 0.03 && rate < (n > 50 ? 0.071 : 0.062), "\(rate)")
    }

    /// A meter whose steps are three times the deviation: most values are the same, and some a step beside it.
    @Test("One step of a coarse meter is no outlier", arguments: [5, 10, 30])
    func coarse(n: Int) {
        var random = SeededRandom(seed: 3)
        let named = (0..<1000).count { _ in
            !Statistics.outliers((0..<n).map { _ in (random.normal(0.2, 1 / 3)).rounded() }).isEmpty
        }
        #expect(named < 62, "\(named)")
    }

    private static func coverage(_ n: Int, _ correlation: Double, draws: Int = 2000) -> (share: Double, width: Double) {
        var random = SeededRandom(seed: UInt64(n) * 31 + UInt64(correlation * 10))
        var (held, width) = (0, 0.0)
        for _ in 0..<draws {
            let values = random.series(n, correlation: correlation)
            guard let half = Statistics.uncertaintyOfMean(values)?.halfWidth, let mean = Statistics.mean(values) else {
                continue
            }
            if abs(mean) <= half { held += 1 }
            width += half / Double(draws)
        }
        return (Double(held) / Double(draws), width)
    }

    @Test("The interval of independent values holds in 95 %", arguments: [2, 3, 10, 29, 30, 60])
    func independent(n: Int) {
        let (share, width) = Self.coverage(n, 0)
        #expect(share > 0.935 && share < 0.975, "\(share)")
        // Of 30 and more the looking for correlation costs some width: 1.1 times.
        if n >= 30 { #expect(width < 1.15 * 2.05 / Double(n).squareRoot(), "\(width)") }
    }

    /// Without it 74 % hold at ρ = 0.5, and 48 % at 0.8.
    @Test(
        "Correlated ones are told from independent ones", arguments: [(30, 0.5, 0.9), (60, 0.5, 0.9), (60, 0.8, 0.88)])
    func correlated(n: Int, correlation: Double, least: Double) {
        let (share, _) = Self.coverage(n, correlation)
        #expect(share > least && share < 0.98, "\(share)")
    }

    @Test(
        "Of steady and independent series 5 % are said to drift, and 5 % to hang together",
        arguments: [5, 8, 10, 20, 29])
    func falseAlarms(n: Int) {
        var random = SeededRandom(seed: UInt64(n) + 400)
        let doubts = (0..<2000).map { _ in Statistics.doubts(of: random.series(n)) }
        for doubt in Statistics.SeriesDoubt.allCases {
            let share = Double(doubts.count { $0.contains(doubt) }) / 2000
            #expect(share < 0.066 && (share > 0.02 || n < 8), "\(doubt): \(share)")
        }
    }

    @Test("Of long ones nothing is said where the interval takes it into account, and much beyond")
    func longSeries() {
        var random = SeededRandom(seed: 8)
        func named(_ n: Int, _ correlation: Double) -> Int {
            (0..<300).count { _ in
                Statistics.doubts(of: random.series(n, correlation: correlation)).contains(.correlation)
            }
        }
        #expect(named(30, 0) < 9 && named(60, 0.5) < 9)
        #expect(named(30, 0.9) > 200 && named(120, 0.95) > 240)
        let short = (0..<300).count { _ in !Statistics.doubts(of: random.series(20, correlation: 0.8)).isEmpty }
        #expect(short > 250, "short ones have no such interval: \(short)")
    }

    @Test("A rise of four deviations is seen in ten values, and none in values that are all the same")
    func drifts() {
        var random = SeededRandom(seed: 11)
        let seen = (0..<300).count { _ in
            let values = random.series(10).enumerated().map { $0.element + 4 * Double($0.offset) / 9 }
            return Statistics.doubts(of: values).contains(.drift)
        }
        #expect(seen > 250, "\(seen)")
        #expect(Statistics.doubts(of: Array(repeating: 0.1 + 0.2, count: 40)).isEmpty)
        #expect(Statistics.doubts(of: [1, 2, 3, 4, 5]) == [.drift], "a perfect line")
        #expect(Statistics.doubts(of: [1, 2, 3, 4]).isEmpty, "of fewer than five nothing can be said")
    }
}

/// The idle power: its uncertainty, and whether it moved.
@Suite("Idle power")
struct IdlePowerTests {
    private static func meter(
        _ kind: MeterKind = .gauge, period: Double = 1, averaging: Double = 0, resolution: Double = 1e6
    ) -> MeterDescription {
        MeterDescription(
            id: "m", name: "m", scope: .wall, kind: kind, provenance: .measured, source: "test", periodSeconds: period,
            averagingSeconds: averaging, resolution: resolution, plausiblePower: Power(watts: 3000), silicon: "m")
    }

    private static func idle(_ watts: [Double], _ meters: [MeterDescription] = []) -> IdlePower {
        IdlePower(
            power: Power(watts: Statistics.mean(watts) ?? 0), blocks: watts.map { ($0, 1) }, meters: meters)
    }

    /// q/√12 of 1 W is 0.2887 W, whatever the number of blocks.
    @Test("A steady power on a meter that rounds is no surer than its rounding")
    func rounding() throws {
        let steady = Self.idle(Array(repeating: 50, count: 60), [Self.meter()])
        #expect(steady.uncertainty == Power(microwatts: 288_675) && steady.rounding == steady.uncertainty)
        #expect(isClose(steady.halfWidth, 1.959964 * 0.288675, relative: 1e-6))
        #expect(Self.idle(Array(repeating: 50, count: 60), [Self.meter(.counter)]).uncertainty == .zero)
        // Now one value, now its neighbour: that is no noise yet that would round up and down by itself.
        let between = Self.idle((0..<60).map { $0.isMultiple(of: 2) ? 50 : 51 }, [Self.meter()])
        #expect(between.rounding > Power(watts: 0.28))
        // Noise of more than a step is: what rounding there is, is in the scatter.
        var random = SeededRandom(seed: 2)
        let noisy = Self.idle((0..<60).map { _ in random.normal(50, 1.5).rounded() }, [Self.meter()])
        #expect(noisy.rounding < Power(watts: 0.001))
    }

    @Test("Degrees of freedom are counted in blocks, and a reading that is seen twice is one")
    func blocks() {
        let three = IdlePower(power: Power(watts: 10), blocks: [(9, 2), (10, 2), (11, 1.9)], meters: [])
        #expect(three.degreesOfFreedom == 2, "not the 5 of 5.9 s")
        let seconds = (0..<60).map { (watts: Double(50 + $0 / 5), seconds: 1.0) }
        #expect(IdlePower.independent(seconds, [Self.meter(period: 5)]) == (0..<6).map { 50.5 + Double(2 * $0) })
        #expect(IdlePower.independent(seconds, [Self.meter(averaging: 15)]).count == 2)
        #expect(IdlePower.independent(seconds, [Self.meter(period: 1)]).count == 30)
        #expect(IdlePower.independent(seconds, [Self.meter(period: 0.1)]).count == 60)
    }

    @Test("A block holds two readings of the slowest meter, and all of them make up the time")
    func lengths() {
        #expect(IdlePower.blocks(of: 60, meters: [Self.meter(period: 5)]) == Array(repeating: 10, count: 6))
        #expect(IdlePower.blocks(of: 60, meters: [Self.meter(period: 0.001)]).count == 60)
        #expect(IdlePower.blocks(of: 2.5, meters: []).count == 3)
        #expect(IdlePower.blocks(of: 0.2, meters: []) == [0.2])
        #expect(IdlePower.blocks(of: 0, meters: []).isEmpty)
    }

    /// What two blocks share of a slow counter's step makes them alike: of blocks of two steps a fifth of the variance is hidden.
    @Test("Blocks of a slow counter are less sure than their scatter says")
    func sharedSteps() throws {
        let blocks = (0..<10).map { (watts: $0.isMultiple(of: 2) ? 49.0 : 51, seconds: 10.0) }
        func u(_ meter: MeterDescription) throws -> Double {
            try #require(IdlePower(power: Power(watts: 50), blocks: blocks, meters: [meter]).uncertainty?.watts)
        }
        let gauge = try u(Self.meter(period: 5, resolution: 0))
        #expect(isClose(try u(Self.meter(.counter, period: 5)), gauge * 1.2.squareRoot(), relative: 1e-5))
        #expect(isClose(try u(Self.meter(.counter, period: 0.001)), gauge, relative: 1e-4))
    }

    /// 2 %, or less; three standard uncertainties were 4 % of three blocks, and by the square root more.
    @Test("A power that did not move is said to have moved in 2 % of pairs", arguments: [3, 10, 60])
    func drift(n: Int) {
        var random = SeededRandom(seed: UInt64(n))
        let draws = 2000
        let moved = (0..<draws).count { _ in
            let (a, b) = (random.series(n).map { 50 + $0 }, random.series(n).map { 50 + $0 })
            return Self.idle(a).differs(from: Self.idle(b))
        }
        let share = Double(moved) / Double(draws)
        #expect(share < 0.03 && share > 0.004, "\(share)")
    }

    @Test("A step of a coarse meter is no drift, and two steps are one")
    func coarseDrift() {
        let fifty = Self.idle(Array(repeating: 50, count: 60), [Self.meter()])
        #expect(!Self.idle(Array(repeating: 51, count: 60), [Self.meter()]).differs(from: fifty))
        #expect(Self.idle(Array(repeating: 52, count: 60), [Self.meter()]).differs(from: fifty))
    }

    @Test("The interval of an autocorrelated baseline holds", arguments: [(30, 0.5, 0.9), (60, 0.8, 0.88)])
    func autocorrelated(n: Int, correlation: Double, least: Double) {
        var random = SeededRandom(seed: 21)
        let held = (0..<1500).count { _ in
            let watts = random.series(n, correlation: correlation).map { 50 + $0 }
            let idle = Self.idle(watts)
            return abs(idle.power.watts - 50) <= idle.halfWidth ?? 0
        }
        #expect(Double(held) / 1500 > least, "\(held)")
    }

    @Test("A record from before has its degrees of freedom from its length")
    func oldRecord() {
        let old = run(150, stage: .idle, seconds: 3.1, idle: 50, idleUncertainty: 0.5)
        #expect(old.idle?.degreesOfFreedom == 2 && old.idle?.rounding == .zero)
        #expect(run(idle: 50, idleUncertainty: 0.5).idle?.degreesOfFreedom == nil)
    }
}
