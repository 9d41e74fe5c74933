import Onnx
import Testing

@Suite("Random weights") struct RandomWeightsTests {
    private func numbers(seed: Int64, name: String, count: Int = 20_000, deviation: Float = 1, mean: Float = 0)
        -> [Float]
    {
        var random = RandomWeights(seed: seed, name: name)
        var floats = [Float](repeating: 0, count: count)
        floats.withUnsafeMutableBufferPointer { random.fill($0, deviation: deviation, mean: mean) }
        return floats
    }

    /// The numbers are fixed by the seed, so this either always passes or never. The mean of n uniform numbers deviates by
    /// σ/√n, and their standard deviation by about 0.45 σ/√n; five times that is far out.
    @Test(arguments: [(0, "a"), (1, "a"), (42, "layer.11.output.weight"), (-1, "x"), (Int64.max, "")])
    func meanAndDeviationAreAsAsked(seed: Int64, name: String) {
        let count = 20_000
        let floats = numbers(seed: seed, name: name, deviation: 0.02, mean: 1).map(Double.init)
        let mean = floats.reduce(0, +) / Double(count)
        let deviation = (floats.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)).squareRoot()
        let error = 0.02 / Double(count).squareRoot()
        #expect(abs(mean - 1) < 5 * error)
        #expect(abs(deviation - 0.02) < 5 * 0.45 * error + 1e-7)
        // Uniform: nothing outside √3 deviations, and something near both ends.
        #expect(floats.allSatisfy { abs($0 - 1) <= 0.02 * 3.0.squareRoot() + 1e-6 })
        #expect((floats.max() ?? 0) > 1 + 0.02 * 1.7)
        #expect((floats.min() ?? 2) < 1 - 0.02 * 1.7)
    }

    @Test func theSameSeedAndNameGiveTheSameNumbers() {
        #expect(numbers(seed: 7, name: "w", count: 1001) == numbers(seed: 7, name: "w", count: 1001))
    }

    @Test func anotherSeedOrNameGivesOthers() {
        let floats = numbers(seed: 7, name: "w", count: 1000)
        for other in [numbers(seed: 8, name: "w", count: 1000), numbers(seed: 7, name: "v", count: 1000)] {
            let equal = zip(floats, other).count { $0 == $1 }
            #expect(equal < 10)
        }
    }

    /// Neighbours must not go together: the two halves of one 64-bit number are used for two weights.
    @Test func neighboursAreIndependent() {
        let floats = numbers(seed: 3, name: "w").map(Double.init)
        let correlation = zip(floats, floats.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / Double(floats.count)
        #expect(abs(correlation) < 5 / Double(floats.count).squareRoot())
        #expect(Set(floats).count > floats.count - 100)
    }

    @Test func wholeNumbersStayBelowTheirLimitAndReachAllValues() {
        var random = RandomWeights(seed: 1, name: "tokens")
        let drawn = (0..<2000).map { _ in random.integer(below: 10) }
        #expect(Set(drawn) == Set(0..<10))
        #expect((0..<10).map { _ in random.integer(below: 1) } == [Int64](repeating: 0, count: 10))
    }
}
