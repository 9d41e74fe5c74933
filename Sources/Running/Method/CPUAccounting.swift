import Core
import Foundation
import Host

/// Who used the CPUs during a window: the workload, others, the hypervisor.
///
/// `/proc/stat` for the machine and `/proc/<pid>/stat` for each process of the plugin's session; proc(5).
struct CPUAccounting {
    private let host: HostRoot
    private let sessionID: Int32?
    private let before: Snapshot

    private struct Snapshot {
        var busy = 0.0
        var total = 0.0
        var steal = 0.0
        var workload = 0.0
    }

    /// - Parameter sessionID: the process id that the plugin's session is named after; `nil` when there is no workload.
    init(host: HostRoot, sessionID: Int32?) {
        self.host = host
        self.sessionID = sessionID
        before = Self.snapshot(host, sessionID)
    }

    /// The shares of all CPU time since `init`: of others than the workload, and stolen by the hypervisor.
    func shares() -> (other: Double, steal: Double)? {
        let after = Self.snapshot(host, sessionID)
        let total = after.total - before.total
        guard total > 0 else { return nil }
        let workload = max(0, after.workload - before.workload)
        let other = max(0, after.busy - before.busy - workload)
        // The time of waiting for disks, which is in the total, may go back (proc(5)): a share is none above one all the same.
        return (min(1, other / total), min(1, max(0, after.steal - before.steal) / total))
    }

    private static func snapshot(_ host: HostRoot, _ sessionID: Int32?) -> Snapshot {
        var snapshot = Snapshot()
        if let stat = try? host.procStat() {
            snapshot.busy = Double(stat.busy)
            snapshot.total = Double(stat.total)
            snapshot.steal = Double(stat.steal)
        }
        if let sessionID { snapshot.workload = workloadTicks(host, session: sessionID) }
        return snapshot
    }

    /// User and system time in ticks of every process of a session, those that ended and were waited for too.
    private static func workloadTicks(_ host: HostRoot, session: Int32) -> Double {
        let processes = ((try? host.list("/proc")) ?? []).filter { $0.first?.isNumber == true }
        return processes.reduce(0.0) { sum, process in
            guard let stat = try? host.read("/proc/\(process)/stat"), let close = stat.lastIndex(of: ")") else {
                return sum
            }
            // After the name in parentheses: state ppid pgrp session …; utime is field 14, cstime 17 (proc(5)).
            let fields = stat[stat.index(after: close)...].split(separator: " ")
            guard fields.count > 14, Int32(fields[3]) == session else { return sum }
            return sum + fields[11...14].reduce(0.0) { $0 + (Double($1) ?? 0) }
        }
    }
}
