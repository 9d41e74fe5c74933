/// For how long the power outside of runs is kept, and how finely. What belongs to a run is kept for good.
package struct RetentionPolicy: Sendable, Hashable {
    /// Every sample for so many seconds; then minutes; then hours.
    package var samples = 7.0 * 86_400
    package var minutes = 90.0 * 86_400
    /// `nil`: for good.
    package var hours: Double?

    package init() {}
}
