import Core
import Foundation

/// Growth by the same factor a year: a straight line by ordinary least squares through log₁₀ of the values over their dates.
package struct ExponentialFit: Sendable, Hashable {
    package let count: Int
    /// From the first date to the last.
    package let years: ClosedRange<Double>
    /// Powers of ten a year.
    package let slope: Double
    /// Of the slope's 95 % interval: Student's t with n − 2 degrees of freedom.
    package let slopeHalfWidth: Double
    private let meanYear: Double
    private let meanLogarithm: Double
    /// Of the residuals.
    private let deviation: Double
    private let squares: Double

    /// - Returns: `nil` of fewer than three values, of which nothing tells how they scatter, and of a single date.
    package init?(_ points: [(year: Double, value: Double)]) {
        let points = points.filter { $0.year.isFinite && $0.value > 0 && $0.value.isFinite }
        let n = Double(points.count)
        let logarithms = points.map { log10($0.value) }
        guard points.count >= 3, let meanYear = Statistics.mean(points.map(\.year)),
            let meanLogarithm = Statistics.mean(logarithms), let first = points.map(\.year).min(),
            let last = points.map(\.year).max()
        else { return nil }
        let squares = points.reduce(0.0) { $0 + ($1.year - meanYear) * ($1.year - meanYear) }
        // Of one date nothing but rounding is left.
        guard squares > 1e-12 else { return nil }
        let products = zip(points, logarithms).reduce(0.0) { $0 + ($1.0.year - meanYear) * ($1.1 - meanLogarithm) }
        let slope = products / squares
        let rest = zip(points, logarithms).reduce(0.0) { sum, point in
            let residual = point.1 - meanLogarithm - slope * (point.0.year - meanYear)
            return sum + residual * residual
        }
        count = points.count
        years = first...last
        self.slope = slope
        self.meanYear = meanYear
        self.meanLogarithm = meanLogarithm
        self.squares = squares
        deviation = (rest / (n - 2)).squareRoot()
        slopeHalfWidth = Statistics.studentT95(n - 2) * deviation / squares.squareRoot()
    }

    /// `nil` of what does not grow.
    package var doublingMonths: Double? { Self.doubling(slope) }
    /// The ends of the 95 % interval of the doubling time; the longer one is `nil` where it may not grow at all.
    package var doublingInterval: (low: Double?, high: Double?) {
        (Self.doubling(slope + slopeHalfWidth), Self.doubling(slope - slopeHalfWidth))
    }

    private static func doubling(_ slope: Double) -> Double? { slope > 0 ? 12 * log10(2) / slope : nil }

    /// The line itself.
    package func value(at year: Double) -> Double { pow(10, meanLogarithm + slope * (year - meanYear)) }

    /// By what factor the line may be off, with 95 %.
    package func factor(at year: Double) -> Double {
        let away = year - meanYear
        let uncertainty = deviation * (1 / Double(count) + away * away / squares).squareRoot()
        return pow(10, Statistics.studentT95(Double(count - 2)) * uncertainty)
    }

    /// In words: `× 2 every 6.0 months (5.4 to 6.8)`; without them where the interval holds no growth too.
    package var text: String {
        func months(_ value: Double) -> String { FigureText.fixed(value, 1) }
        let (low, high) = doublingInterval
        guard let low else { return "no growth" }
        guard let doublingMonths, let high else { return "no sure growth" }
        return "× 2 every \(months(doublingMonths)) months (\(months(low)) to \(months(high)))"
    }
}

/// What training compute did in the eras that were published.
package enum ComputeTrend {
    /// An era with its fit and what others found.
    package struct Era: Sendable, Hashable {
        package var name: String
        /// Which models the line goes through.
        package var rule: String
        package var fit: ExponentialFit
        /// Months, as published.
        package var published: Double
        package var source: String
    }

    /// When record-setting runs of *AI and Compute* begin, and when it came out.
    static let records = 2012.0..<2018.375

    /// The models that took more than all before them since the era began.
    package static func records(of runs: [TrainingRun], in years: Range<Double> = records) -> [TrainingRun] {
        var greatest = 0.0
        return runs.filter { years.contains($0.year) }.sorted { $0.year < $1.year }.filter { run in
            guard run.operations > greatest else { return false }
            greatest = run.operations
            return true
        }
    }

    /// - Parameter runs: of notable models.
    package static func eras(of runs: [TrainingRun]) -> [Era] {
        func fit(_ runs: [TrainingRun]) -> ExponentialFit? { ExponentialFit(runs.map { ($0.year, $0.operations) }) }
        func notable(_ years: Range<Double>) -> ExponentialFit? { fit(runs.filter { years.contains($0.year) }) }
        let sevilla = "Sevilla et al. 2022 (arXiv 2202.05924)"
        return [
            notable(1950..<2010).map {
                Era(
                    name: "1950 to 2010", rule: "all notable models before 2010", fit: $0, published: 20.3,
                    source: sevilla)
            },
            notable(2010..<2023).map {
                Era(
                    name: "2010 to 2022", rule: "all notable models from 2010 to the end of 2022", fit: $0,
                    published: 6.0, source: sevilla)
            },
            fit(records(of: runs)).map {
                Era(
                    name: "records, 2012 to early 2018",
                    rule: "of the notable models since 2012 each that took more than all before it, until May 2018",
                    fit: $0,
                    published: 3.4, source: "OpenAI 2018 (openai.com/research/ai-and-compute)")
            },
        ].compactMap(\.self)
    }

    /// How much becomes of one in so many months.
    package static func growth(months: Double, doublingEvery doubling: Double) -> Double { exp2(months / doubling) }
}
