import Core

/// How often a gauge's value changes at most.
///
/// A device that refreshes every 5 s and is asked each second tells the same five times. Two changes from one reading to the next, ever,
/// show that it is not so; two spacings that are all long, that it may be.
struct ValuePace {
    private var lastChange: MonotonicTime?
    private var spacings = 0
    private var shortest = Int64.max

    /// - Parameter hasChanged: `nil` after a silence.
    mutating func note(_ hasChanged: Bool?, at time: MonotonicTime) {
        guard let hasChanged else {
            lastChange = nil
            return
        }
        guard hasChanged else { return }
        if let lastChange {
            spacings += 1
            shortest = min(shortest, time - lastChange)
        }
        lastChange = time
    }

    /// The shortest time between two changes in seconds, where all that were seen are longer than a limit in nanoseconds.
    func period(over limit: Int64) -> Double? {
        spacings >= 2 && shortest > limit ? Double(shortest) / 1e9 : nil
    }
}
