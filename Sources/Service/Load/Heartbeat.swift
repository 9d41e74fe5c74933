import Core
import Host
import Synchronization

/// When something that ought to go on last did, without a lock: whoever looks never waits for what hangs.
final class Heartbeat: Sendable {
    private let last: Atomic<Int64>

    init(at now: MonotonicTime = Clocks.monotonic()) { last = Atomic(now.nanoseconds) }

    func beat(at now: MonotonicTime = Clocks.monotonic()) { last.store(now.nanoseconds, ordering: .relaxed) }

    /// In seconds.
    func age(at now: MonotonicTime) -> Double {
        now.seconds(since: MonotonicTime(nanoseconds: last.load(ordering: .relaxed)))
    }
}
