import Core
import Testing

@Suite("Whether a machine measures as it did")
struct ControlCheckTests {
    private static func check(_ latest: Double, after earlier: [Double]) -> ControlCheck {
        ControlCheck(
            machine: "m", machineFingerprint: "f", task: .fillMask, model: "b", scope: .components,
            provenance: .measured, version: "1", suiteRun: "u", startedAt: 0, latest: latest, earlier: earlier)
    }

    /// Of mean 10 and s = √(8/7); `scipy.stats.t.ppf(0.995, 7)` is 3.4994832973504937.
    @Test("The 99 % prediction interval of the next value is mean ± t s √(1 + 1/n)")
    func interval() throws {
        let values = [9.0, 11, 9, 11, 9, 11, 9, 11]
        let interval = try #require(Statistics.predictionInterval(after: values))
        let expected = 3.4994832973504937 * (8.0 / 7).squareRoot() * (9.0 / 8).squareRoot()
        #expect(interval.mean == 10 && abs(interval.halfWidth - expected) < 1e-6)
        #expect(interval.holds(10 + expected - 1e-3) && !interval.holds(10 + expected + 1e-3))
        #expect(interval.holds(10 - expected + 1e-3) && !interval.holds(10 - expected - 1e-3))
        // What is predicted with 95 % lies nearer.
        let narrow = try #require(Statistics.predictionInterval(after: values, exceededWith: 0.05))
        #expect(narrow.halfWidth < interval.halfWidth)
    }

    @Test("Of fewer than eight values, or of what is no number, there is none")
    func none() {
        #expect(Statistics.predictionInterval(after: Array(repeating: 1, count: 7)) == nil)
        #expect(Statistics.predictionInterval(after: Array(repeating: 1, count: 8)) != nil)
        #expect(Statistics.predictionInterval(after: Array(repeating: 1, count: 8) + [.nan]) == nil)
        #expect(Statistics.predictionInterval(after: Array(repeating: .infinity, count: 8)) == nil)
        let check = Self.check(100, after: [1, 1, 1])
        #expect(!check.isDrifting && check.expected == nil && check.deviation == nil && check.earlier == 3)
    }

    @Test("Values that are all the same have the width of a thousandth of them")
    func same() throws {
        let same = Array(repeating: 5.0, count: 20)
        #expect(!Self.check(5.01, after: same).isDrifting)
        let check = Self.check(5.1, after: same)
        #expect(check.isDrifting && abs((check.deviation ?? 0) - 0.02) < 1e-9)
        #expect(Self.check(4.9, after: same).isDrifting, "less is another thing too")
        #expect(Statistics.predictionInterval(after: Array(repeating: 0, count: 9))?.halfWidth == 0)
    }

    @Test("The latest hundred count, so that a change for good is once the usual")
    func window() {
        let old = Array(repeating: 5.0, count: 50)
        let new = (0..<100).map { 6 + Double($0 % 3) / 100 }
        #expect(Self.check(6.01, after: old).isDrifting)
        let settled = Self.check(6.01, after: old + new)
        #expect(!settled.isDrifting && settled.earlier == 100)
    }

    /// A generator of its own, so that the numbers are the same each time: 20,000 series of normal values.
    @Test("Of machines without a change about one in a hundred is outside, however long its history")
    func chance() {
        var state: UInt64 = 42
        func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(UInt64(1) << 53)
        }
        // The sum of twelve is near enough to normal.
        func normal() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + uniform() } }
        for length in [8, 30] {
            let outside = (0..<10_000).count { _ in
                Self.check(100 + normal(), after: (0..<length).map { _ in 100 + normal() }).isDrifting
            }
            #expect((60...150).contains(outside), "\(length): \(outside)")
        }
    }
}
