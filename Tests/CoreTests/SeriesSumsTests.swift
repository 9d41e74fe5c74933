import TestSupport
import Testing

@testable import Core

/// Sums of values against the values themselves.
@Suite("Sums of series")
struct SeriesSumsTests {
    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    private static func isNear(_ a: Double, _ b: Double, of scale: Double) -> Bool {
        abs(a - b) <= 1e-9 * max(scale, abs(b))
    }

    private static func compare(_ sums: SeriesSums, _ values: [Double]) {
        let mean = mean(values)
        let off = values.map { $0 - mean }
        let squares = off.reduce(0) { $0 + $1 * $1 }
        let middle = Double(values.count - 1) / 2
        #expect(sums.count == Double(values.count))
        #expect(isNear(sums.mean, mean, of: 0))
        #expect(isNear(sums.moments.squares, squares, of: squares))
        #expect(sums.least == values.min() && sums.most == values.max())
        #expect(sums.first == values.first && sums.last == values.last)
        #expect(isNear(sums.neighbours, zip(off, off.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }, of: squares))
        let trend = off.enumerated().reduce(0) { $0 + (Double($1.offset) - middle) * $1.element }
        #expect(isNear(sums.trend, trend, of: squares.squareRoot() * Double(values.count)))
    }

    @Test("They say what the values say, wherever these lie", arguments: [0.0, 1, -7, 1e3])
    func same(middle: Double) {
        var random = SeededRandom(seed: 5)
        for count in [1, 2, 3, 8, 30, 200] {
            let values = random.series(count, correlation: 0.5).map { middle + $0 }
            Self.compare(SeriesSums(values), values)
        }
    }

    @Test("Merged in whatever way, they are those of the whole")
    func merging() {
        var random = SeededRandom(seed: 6)
        for _ in 0..<200 {
            let parts = (0..<3).map { _ in random.series(Int(random.next() % 12)).map { 5 + $0 } }
            let sums = parts.map { SeriesSums($0) }
            guard !parts.joined().isEmpty else { continue }
            var left = sums[0]
            left.append(sums[1])
            left.append(sums[2])
            var right = sums[1]
            right.append(sums[2])
            var other = sums[0]
            other.append(right)
            Self.compare(left, Array(parts.joined()))
            Self.compare(other, Array(parts.joined()))
        }
    }

    @Test("Equal values have no scatter at all, and a million of them add up without drift")
    func noDrift() {
        let equal = SeriesSums(Array(repeating: 0.1 + 0.2, count: 1000))
        #expect(equal.moments.squares == 0 && equal.neighbours == 0 && equal.trend == 0)
        var whole = Moments()
        for place in 0..<1_000_000 {
            var part = Moments()
            part.add(1e6 + Double(place % 2))
            whole.merge(part)
        }
        #expect(abs(whole.mean - 1_000_000.5) < 1e-9)
        #expect(abs(whole.squares / 250_000 - 1) < 1e-9)
    }
}
