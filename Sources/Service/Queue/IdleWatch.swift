import Core
import Host
import Metering

/// How busy the machine was of late: the share of all CPU time that anything but idling took, the hypervisor's other guests
/// included; `/proc/stat`, proc(5).
struct IdleWatch {
    /// A machine is idle when it was for so many seconds, and not in a moment between two commands.
    let seconds: Double
    private let host: HostRoot
    private let clock: any MeteringClock
    private var readings: [(time: MonotonicTime, stat: ProcStat)] = []

    init(_ host: HostRoot, clock: any MeteringClock, seconds: Double) {
        self.host = host
        self.clock = clock
        self.seconds = seconds
    }

    /// Looks again. It is to be called every second or so.
    ///
    /// - Returns: the share, from 0 to 1; `nil` until it has been looked at for long enough.
    mutating func look() -> Double? {
        guard let stat = try? host.procStat() else { return nil }
        let now = clock.now()
        readings.append((now, stat))
        // One reading that is old enough, and all that are younger.
        while readings.count > 2, now.seconds(since: readings[1].time) >= seconds { readings.removeFirst() }
        guard let first = readings.first, now.seconds(since: first.time) >= seconds,
            stat.total > first.stat.total
        else { return nil }
        let busy = (stat.busy - first.stat.busy) + (stat.steal - first.stat.steal)
        return min(1, max(0, Double(busy) / Double(stat.total - first.stat.total)))
    }

    /// Forgets what was seen: the next look begins anew.
    mutating func forget() { readings = [] }
}
