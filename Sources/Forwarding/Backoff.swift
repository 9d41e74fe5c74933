import Foundation

/// After how long what failed is tried again: full jitter, so that many machines do not come back at once when their collector does.
package struct Backoff: Sendable, Hashable {
    /// Seconds.
    package var first = 5.0
    /// Also the longest `Retry-After` that is followed: whatever a server says, it is asked once an hour.
    package var longest = 3600.0
    private static let shortest = 1.0

    package init() {}

    /// - Parameters:
    ///   - attempts: how many have failed, this one included.
    ///   - retryAfter: what the destination asks for.
    ///   - random: a number of the range, with equal chances.
    /// - Returns: seconds.
    package func delay(
        attempts: Int, retryAfter: Double?, _ random: (ClosedRange<Double>) -> Double
    ) -> Double {
        let most = min(longest, first * pow(2, Double(min(max(attempts - 1, 0), 30))))
        let jittered = max(Self.shortest, random(0...most))
        guard let retryAfter, retryAfter.isFinite, retryAfter > 0 else { return jittered }
        // All who were told the same time would come at the same time.
        return min(longest, retryAfter) + random(0...first)
    }
}
