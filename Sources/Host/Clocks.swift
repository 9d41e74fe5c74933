package import Core
import Glibc

/// The kernel's clocks; clock_gettime(2).
package enum Clocks {
    /// CLOCK_MONOTONIC, which stands still while the machine sleeps.
    package static func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: read(CLOCK_MONOTONIC)) }

    /// CLOCK_BOOTTIME, which goes on while the machine sleeps.
    package static func boottime() -> MonotonicTime { MonotonicTime(nanoseconds: read(CLOCK_BOOTTIME)) }

    /// CLOCK_REALTIME in seconds since 1970.
    package static func wall() -> Double { Double(read(CLOCK_REALTIME)) / 1e9 }

    /// Sleeps to an absolute deadline on CLOCK_MONOTONIC, signals or not.
    package static func sleep(until deadline: MonotonicTime) {
        let nanoseconds = max(0, deadline.nanoseconds)
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
