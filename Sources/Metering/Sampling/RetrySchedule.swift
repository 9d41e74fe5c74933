import Core

/// When what failed is tried again: after a pause that doubles with every further failure, up to a bound.
package struct RetrySchedule: Sendable, Hashable {
    /// The pause after the first failure, in nanoseconds.
    package var first: Int64
    package var longest: Int64

    package init(first: Int64, longest: Int64) {
        self.first = first
        self.longest = longest
    }

    /// The pause in nanoseconds after so many failures in a row; none after none.
    package func pause(failures: Int) -> Int64 {
        guard failures > 0 else { return 0 }
        return min(longest, first.multipliedSaturated(by: 1 << min(failures - 1, 40)))
    }
}

/// A meter of the sampler that fails, and when it is read again.
///
/// A first failure may be chance, and the next reading is made when it is due. From then on the pause doubles up to 0.1 s, so that a
/// meter that is sampled every millisecond and fails does not cost every tick, and a gap is never longer by more than that than what
/// made it: whoever samples more slowly already leaves it alone for as long. A read that takes its time to fail, as of a driver that
/// waits for its hardware, has a tenth of the time at most. Allocates nothing.
struct Outage {
    private static let longestPause: Int64 = 100_000_000
    /// A read that takes long may be tried again after so many times as long, and after `longestRest` nanoseconds at the latest.
    private static let restFactor: Int64 = 10
    static let longestRest: Int64 = 30_000_000_000

    private let schedule: RetrySchedule
    private let halfInterval: Int64
    /// In a row.
    private(set) var failures = 0
    /// A regular reading is not made before.
    private(set) var retryTime = Self.never
    /// Nor is one for a window's edge, which lasts for some milliseconds and minds no cheap failures.
    private(set) var edgeRetryTime = Self.never
    private static let never = MonotonicTime(nanoseconds: .min)

    init(intervalNanoseconds: Int64) {
        schedule = RetrySchedule(first: intervalNanoseconds, longest: max(intervalNanoseconds, Self.longestPause))
        halfInterval = intervalNanoseconds / 2
    }

    func mayRead(at time: MonotonicTime, isEdge: Bool) -> Bool { (isEdge ? edgeRetryTime : retryTime) <= time }

    /// - Parameters:
    ///   - time: when the read had failed.
    ///   - took: how long it took for that, in nanoseconds.
    mutating func noteFailure(at time: MonotonicTime, took: Int64) {
        failures = min(failures + 1, 1_000_000)
        let rest = min(Self.longestRest, max(0, took).multipliedSaturated(by: Self.restFactor))
        // Readings are on a grid: half of an interval sooner is the same place of it, and surely not past it.
        let pause = schedule.pause(failures: failures - 1) - halfInterval
        edgeRetryTime = time.advanced(byNanoseconds: rest)
        retryTime = time.advanced(byNanoseconds: max(rest, pause))
    }

    mutating func end() {
        guard failures > 0 else { return }
        (failures, retryTime, edgeRetryTime) = (0, Self.never, Self.never)
    }
}
