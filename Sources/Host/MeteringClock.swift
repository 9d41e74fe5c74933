package import Core

/// The clocks that metering lives by; tests bring their own, so that they need no real time.
package protocol MeteringClock: Sendable {
    /// CLOCK_MONOTONIC.
    func now() -> MonotonicTime
    /// Sleeps to an absolute deadline on CLOCK_MONOTONIC; returns at once if it has passed.
    func sleep(until deadline: MonotonicTime)
    /// CLOCK_BOOTTIME less CLOCK_MONOTONIC in nanoseconds: it grows by the time that the machine slept.
    func suspendedNanoseconds() -> Int64
    /// Seconds since 1970; a label only.
    func wallTime() -> Double
}

/// The kernel's clocks.
package struct SystemClock: MeteringClock {
    package init() {}

    package func now() -> MonotonicTime { Clocks.monotonic() }
    package func sleep(until deadline: MonotonicTime) { Clocks.sleep(until: deadline) }
    package func suspendedNanoseconds() -> Int64 { Clocks.boottime() - Clocks.monotonic() }
    package func wallTime() -> Double { Clocks.wall() }
}
