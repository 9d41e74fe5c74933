/// A straight line through points by least squares, with the standard uncertainties of its two numbers.
///
/// Ordinary least squares: y = intercept + slope · x; the uncertainties follow from the scatter of the points about the line
/// (GUM, JCGM 100:2008, H.3).
package struct LinearFit: Sendable, Hashable {
    package var intercept: Double
    package var slope: Double
    package var interceptUncertainty: Double
    package var slopeUncertainty: Double
    package var covariance: Double
    /// The standard deviation of the points about the line.
    package var residual: Double
    package var degreesOfFreedom: Int

    /// - Returns: `nil` of fewer than three points, or of points that all have the same x.
    package init?(_ points: [(x: Double, y: Double)]) {
        let n = Double(points.count)
        guard points.count >= 3 else { return nil }
        let meanX = points.reduce(0) { $0 + $1.x } / n
        let meanY = points.reduce(0) { $0 + $1.y } / n
        let sxx = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        let sxy = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
        guard sxx > 1e-12 else { return nil }
        let slope = sxy / sxx
        let intercept = meanY - slope * meanX
        let squares = points.reduce(0) { sum, point in
            let error = point.y - intercept - slope * point.x
            return sum + error * error
        }
        let variance = squares / (n - 2)
        self.slope = slope
        self.intercept = intercept
        slopeUncertainty = (variance / sxx).squareRoot()
        interceptUncertainty = (variance * (1 / n + meanX * meanX / sxx)).squareRoot()
        covariance = -variance * meanX / sxx
        residual = variance.squareRoot()
        degreesOfFreedom = points.count - 2
    }

    package func value(at x: Double) -> Double { intercept + slope * x }

    /// The standard uncertainty of the line at x.
    package func uncertainty(at x: Double) -> Double {
        let variance =
            interceptUncertainty * interceptUncertainty + x * x * slopeUncertainty * slopeUncertainty
            + 2 * x * covariance
        return max(0, variance).squareRoot()
    }
}
