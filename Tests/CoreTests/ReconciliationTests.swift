import Core
import Testing

/// Two scopes that hold the same, over many windows.
@Suite struct ReconciliationTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        /// Knuth's linear congruence; its upper half is good enough here.
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let high = state >> 32
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return high << 32 | state >> 32
        }
    }

    private func total(_ joules: Double, scope: TotalScope, accuracy: Double, reading: Double) -> TotalEnergy {
        let common = accuracy * joules / 3.0.squareRoot()
        return TotalEnergy(
            energy: Energy(joules: joules),
            uncertainty: Energy(joules: normalCoverageFactor * (common * common + reading * reading).squareRoot()),
            accuracyUncertainty: Energy(joules: common), scope: scope, provenance: .measured, coverage: 1, flags: [],
            domainIDs: [scope.rawValue])
    }

    /// A plug that is off by up to 2 % is off by as much in all of its windows: what it says of ten is no more exact than of one. Of 2,000
    /// sets of equal scopes at most 5 % may be called different, and more than 3 % more of them by chance once in a thousand.
    @Test func aCommonErrorDoesNotAverageOut() throws {
        var random = Generator(state: 7)
        var unexplained = 0
        for _ in 0..<2000 {
            let gain = 1 + .random(in: -0.02...0.02, using: &random)
            let pairs = (0..<10).compactMap { _ -> Reconciliation? in
                let joules = Double.random(in: 500...1500, using: &random)
                let noise = (0..<12).reduce(-6.0) { sum, _ in sum + .random(in: 0...1, using: &random) }
                return Reconciliation(
                    outer: total(gain * joules + 0.5 * noise, scope: .wall, accuracy: 0.02, reading: 0.5),
                    inner: total(joules, scope: .system, accuracy: 0, reading: 0))
            }
            #expect(pairs.count == 10)
            if let sum = Reconciliation(sumOf: pairs), sum.verdict != .explained { unexplained += 1 }
        }
        #expect(unexplained <= 100)
    }

    /// 10 windows of 1,000 J: ± 2 % is 115.5 J together and not 36.5; 1 J of each window's own is 3.16 J.
    @Test func accuracyAddsUpLinearlyAndTheRestInQuadrature() throws {
        let pair = try #require(
            Reconciliation(
                outer: total(1000, scope: .wall, accuracy: 0.02, reading: 1),
                inner: total(990, scope: .system, accuracy: 0.01, reading: 0)))
        let sum = try #require(Reconciliation(sumOf: Array(repeating: pair, count: 10)))
        let (outer, inner) = (200 / 3.0.squareRoot(), 99 / 3.0.squareRoot())
        let expected = normalCoverageFactor * (outer * outer + inner * inner + 10).squareRoot()
        #expect(abs(sum.uncertainty.joules / expected - 1) < 1e-6)
        #expect(abs(sum.outerAccuracy.joules - outer) < 1e-4)
        #expect(sum.verdict == .explained)
    }
}
