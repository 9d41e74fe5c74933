import Foundation

/// Numbers that are the same in every run.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    package mutating func next() -> UInt64 {
        // xorshift64*, Vigna 2016.
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }

    /// 0 up to 1.
    package mutating func uniform() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    /// Box and Muller.
    package mutating func normal(_ mean: Double = 0, _ deviation: Double = 1) -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return mean + deviation * radius * cos(2 * .pi * uniform())
    }

    /// Normal values of the mean 0 and the deviation 1, neighbours of which correlate by ρ.
    package mutating func series(_ count: Int, correlation: Double = 0) -> [Double] {
        var value = normal()
        return (0..<count).map { place in
            if place > 0 { value = correlation * value + (1 - correlation * correlation).squareRoot() * normal() }
            return value
        }
    }
}
