package import Accounting

/// How often a meter was read, what came of it, and how long that took: what `/metrics` shows of it. Plain numbers, which allocate
/// nothing and are counted under the lock that the reading has anyway.
package struct MeterScrapes: Sendable, Hashable, AdditiveArithmetic {
    /// Readings with a value.
    package private(set) var values = 0
    package private(set) var noData = 0
    /// The time that all readings took, in nanoseconds.
    package private(set) var nanoseconds: Int64 = 0
    /// Those that failed, each reason a number of its own: an array would be copied, and so allocated, whenever somebody has looked.
    private var gone = 0
    private var permission = 0
    private var timeout = 0
    private var busy = 0
    private var unreachable = 0
    private var invalid = 0
    private var implausible = 0
    private var io = 0

    package init() {}

    /// Readings that failed for a reason.
    package func failures(_ reason: FailureReason) -> Int {
        switch reason {
        case .gone: gone
        case .permission: permission
        case .timeout: timeout
        case .busy: busy
        case .unreachable: unreachable
        case .invalid: invalid
        case .implausible: implausible
        case .io: io
        }
    }

    /// Of all reasons.
    package var failures: Int {
        gone &+ permission &+ timeout &+ busy &+ unreachable &+ invalid &+ implausible &+ io
    }

    /// All readings.
    package var count: Int { values &+ noData &+ failures }

    /// Counts a reading that says anything.
    ///
    /// - Parameters:
    ///   - isPlausible: whether its value can be true.
    ///   - took: how long it took, in nanoseconds.
    mutating func note(_ reading: Reading, isPlausible: Bool, took: Int64) {
        nanoseconds &+= max(0, took)
        switch reading {
        case .counter, .gauge: if isPlausible { values &+= 1 } else { implausible &+= 1 }
        case .nothingNew, .noData: noData &+= 1
        case .failed(let errno), .gone(let errno): fail(FailureReason(errno: errno))
        }
    }

    private mutating func fail(_ reason: FailureReason) {
        switch reason {
        case .gone: gone &+= 1
        case .permission: permission &+= 1
        case .timeout: timeout &+= 1
        case .busy: busy &+= 1
        case .unreachable: unreachable &+= 1
        case .invalid: invalid &+= 1
        case .implausible: implausible &+= 1
        case .io: io &+= 1
        }
    }

    package static let zero = MeterScrapes()

    package static func + (a: Self, b: Self) -> Self { combined(a, b, by: &+, &+) }

    package static func - (a: Self, b: Self) -> Self { combined(a, b, by: &-, &-) }

    private static func combined(
        _ a: Self, _ b: Self, by operation: (Int, Int) -> Int, _ wide: (Int64, Int64) -> Int64
    ) -> Self {
        var result = Self()
        result.values = operation(a.values, b.values)
        result.noData = operation(a.noData, b.noData)
        result.nanoseconds = wide(a.nanoseconds, b.nanoseconds)
        result.gone = operation(a.gone, b.gone)
        result.permission = operation(a.permission, b.permission)
        result.timeout = operation(a.timeout, b.timeout)
        result.busy = operation(a.busy, b.busy)
        result.unreachable = operation(a.unreachable, b.unreachable)
        result.invalid = operation(a.invalid, b.invalid)
        result.implausible = operation(a.implausible, b.implausible)
        result.io = operation(a.io, b.io)
        return result
    }
}
