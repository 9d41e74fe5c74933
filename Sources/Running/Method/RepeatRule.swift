import Core
import Foundation

/// When the repeats of an entry are enough: after a number of them, or when the interval of their mean is narrow.
struct RepeatRule {
    /// Two repeats that agree by chance are no reason to stop.
    static let fewest = 3

    private enum Kind {
        case count(Int)
        case interval(width: Double, most: Int)
    }

    private let kind: Kind
    /// Energy per inference in joules, of the repeats that the table would take, and which repeats they are.
    private var figures: [Double] = []
    private var indices: [Int] = []
    private(set) var isOver = false

    init(_ entry: Suite.Entry, of suite: Suite) {
        if let width = suite.untilInterval, entry.repeats == nil {
            kind = .interval(width: width, most: max(Self.fewest, suite.mostRepeats))
        } else {
            kind = .count(entry.repeats ?? suite.repeats)
        }
    }

    /// How many repeats there will be; `nil` where that is not known.
    var expected: Int? {
        if case .count(let count) = kind { count } else { nil }
    }

    /// The width that is waited for, relative to the mean.
    var width: Double? {
        if case .interval(let width, _) = kind { width } else { nil }
    }

    /// Takes a repeat, and says in its procedure what it came to.
    mutating func take(_ run: inout RunRecord, repeatIndex: Int) {
        var procedure = run.procedure ?? Procedure()
        if let figure = Self.figure(run) {
            figures.append(figure)
            indices.append(repeatIndex)
        }
        switch kind {
        case .count(let count):
            isOver = repeatIndex >= count
            if isOver { procedure.repeatsEnd = .count }
        case .interval(let width, let most):
            procedure.relativeInterval = Self.relativeInterval(figures)
            if figures.count >= Self.fewest, let interval = procedure.relativeInterval, interval <= width {
                procedure.repeatsEnd = .interval
            } else if repeatIndex >= most {
                procedure.repeatsEnd = .most
            }
            isOver = procedure.repeatsEnd != nil
        }
        run.procedure = procedure
    }

    /// The repeats that lie far from the others, a line each: they are told, and stay in the figures.
    var outliers: [String] {
        let middle = Statistics.median(figures) ?? 0
        return Statistics.outliers(figures).map { (place, _) in
            String(
                format: "repeat %d is an outlier: %.3g J an inference, where the median is %.3g J; it is kept",
                indices[place], figures[place], middle)
        }
    }

    /// Gross joules per inference; `nil` of a repeat that is not fit for the table.
    private static func figure(_ run: RunRecord) -> Double? {
        let unfit: Set<RunFlag> = [.lowCoverage, .suspended, .unresolved, .deadMeter]
        guard run.completedInferences > 0, run.energy.total.coverage > 0, unfit.isDisjoint(with: run.flags) else {
            return nil
        }
        return run.energy.total.energy.joules * run.energy.total.scale / Double(run.completedInferences)
    }

    /// t · s / (√n · mean): the part of the interval that more repeats make narrower. The meters' accuracy is common to all
    /// of them and stays.
    ///
    /// - Returns: `nil` of fewer than two, and where the mean is not above zero.
    static func relativeInterval(_ figures: [Double]) -> Double? {
        guard let std = Statistics.sampleStandardDeviation(figures), let mean = Statistics.mean(figures), mean > 0
        else { return nil }
        let n = Double(figures.count)
        return Statistics.studentT95(n - 1) * std / n.squareRoot() / mean
    }
}
