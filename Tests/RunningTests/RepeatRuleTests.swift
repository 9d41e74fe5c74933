import Core
import TestSupport
import Testing

@testable import Running

/// When repeats are enough.
@Suite("Repeats until an interval")
struct RepeatRuleTests {
    private static func rule(_ width: Double = 0.05, most: Int = 10, repeats: Int? = nil) -> RepeatRule {
        var suite = Suite(name: "s", repeats: 7, untilInterval: width, mostRepeats: most, entries: [])
        suite.entries = [Suite.Entry(task: .fillMask, amount: .count(1), repeats: repeats)]
        return RepeatRule(suite.entries[0], of: suite)
    }

    /// Takes runs of so many joules, until it is over.
    private static func take(_ runs: [RunRecord], _ rule: RepeatRule) -> [RunRecord] {
        var rule = rule
        var taken: [RunRecord] = []
        for run in runs where !rule.isOver {
            var run = run
            rule.take(&run, repeatIndex: taken.count + 1)
            taken.append(run)
        }
        return taken
    }

    @Test("t · s / (√n · mean), from two figures on")
    func interval() {
        #expect(RepeatRule.relativeInterval([]) == nil)
        #expect(RepeatRule.relativeInterval([5]) == nil)
        #expect(RepeatRule.relativeInterval([0, 0]) == nil)
        #expect(RepeatRule.relativeInterval([-1, -2]) == nil)
        // s = √2/2 · 2, mean 11: 12.7062 · 1.414214 / √2 / 11.
        #expect(isClose(RepeatRule.relativeInterval([10, 12]), 12.706_204_74 / 11, relative: 1e-8))
        #expect(RepeatRule.relativeInterval([3, 3, 3]) == 0)
    }

    @Test("Two that agree are no reason to stop, three are")
    func fewest() {
        let taken = Self.take(Array(repeating: run(100), count: 9), Self.rule())
        #expect(taken.map { $0.procedure?.repeatsEnd } == [nil, nil, .interval])
        #expect(taken.map { $0.procedure?.relativeInterval } == [nil, 0, 0])
    }

    @Test("A repeat that the table leaves out counts as one made, and not as a figure")
    func unfit() {
        let gap = run(1, coverage: 0.5, flags: [.lowCoverage])
        let void = run(1, flags: [.suspended])
        let none = run(1, inferences: 0)
        let taken = Self.take([run(100), gap, void, none, run(100), run(100), run(100)], Self.rule())
        #expect(taken.map { $0.procedure?.repeatsEnd } == [nil, nil, nil, nil, nil, .interval])
        let hopeless = Self.take(Array(repeating: gap, count: 9), Self.rule(most: 4))
        #expect(hopeless.map { $0.procedure?.repeatsEnd } == [nil, nil, nil, .most])
        #expect(hopeless.allSatisfy { $0.procedure?.relativeInterval == nil })
        // Energy is divided by what was seen: 99 J of 99 % are 100 J of all.
        #expect(Self.take([run(100), run(99, coverage: 0.99), run(100)], Self.rule(0.000_1)).count == 3)
    }

    @Test("An entry that says how many has so many")
    func entry() {
        let rule = Self.rule(repeats: 2)
        #expect(rule.expected == 2)
        #expect(rule.width == nil)
        #expect(Self.take([run(1), run(2), run(3)], rule).map { $0.procedure?.repeatsEnd } == [nil, .count])
        #expect(Self.rule().expected == nil)
        #expect(Self.rule(most: 1).width == 0.05)
    }

    @Test("An outlier is told by its repeat and stays in the figures")
    func outlier() {
        var rule = Self.rule(0.000_1, most: 8)
        let joules: [Double] = [900, 1000, 1100, 900, 1100, 1000, 1600]
        // The first repeat is none of the table's, so places and repeats differ.
        var gap = run(1, coverage: 0.5, flags: [.lowCoverage])
        rule.take(&gap, repeatIndex: 1)
        for (place, value) in joules.enumerated() {
            var taken = run(value)
            rule.take(&taken, repeatIndex: place + 2)
        }
        #expect(rule.isOver)
        #expect(rule.outliers == ["repeat 8 is an outlier: 16 J an inference, where the median is 10 J; it is kept"])
        #expect(Self.rule().outliers == [])
    }
}
