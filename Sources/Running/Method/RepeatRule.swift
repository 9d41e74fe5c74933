import Core
import Foundation
import Suites

/// When the repeats of an entry are enough: after a number of them, or when the interval of their mean is narrow.
struct RepeatRule {
    /// Few repeats that agree by chance are no reason to stop: who looks after each one whether the interval is narrow stops
    /// when it comes out too narrow. Of 95 %, where the deviation is about twice the width that is waited for, 90.2 % hold with
    /// 3 at least, 93.5 % with 10 and 94.2 % with 15 (simulated, 40,000 series each, 50 and 100 at most).
    static let fewest = 15

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
        if let width = suite.untilCI, entry.repeats == nil {
            kind = .interval(width: width, most: suite.maxRepeats)
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
            let isNarrow = procedure.relativeInterval.map { $0 <= width } ?? false
            if figures.count >= Self.fewest, isNarrow {
                procedure.repeatsEnd = .interval
            } else if repeatIndex >= most {
                procedure.repeatsEnd = isNarrow ? .interval : .most
            }
            isOver = procedure.repeatsEnd != nil
        }
        run.procedure = procedure
        guard isOver else { return }
        let doubts = Statistics.doubts(of: figures)
        if doubts.contains(.drift) { run.flags.append(.repeatsDrift) }
        if doubts.contains(.correlation) { run.flags.append(.autocorrelated) }
    }

    /// The repeats that lie far from the others, a line each: they are told, and stay in the figures.
    var outliers: [String] {
        let middle = Statistics.median(figures) ?? 0
        return Statistics.outliers(figures).map { (place, _) in
            "repeat \(indices[place]) is an outlier: \(FigureText.short(figures[place], digits: 3)) J per inference, the median is "
                + "\(FigureText.short(middle, digits: 3)) J; it is kept"
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

    /// The half-width of the 95 % interval of their mean, relative to it: the part that more repeats make narrower. The meters'
    /// accuracy is common to all of them and stays.
    ///
    /// - Returns: `nil` of fewer than two, and where the mean is not above zero.
    static func relativeInterval(_ figures: [Double]) -> Double? {
        guard let uncertainty = Statistics.uncertaintyOfMean(figures), let mean = Statistics.mean(figures), mean > 0
        else { return nil }
        return uncertainty.halfWidth / mean
    }
}
