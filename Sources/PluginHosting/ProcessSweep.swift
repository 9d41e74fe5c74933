import Foundation
import Glibc
import Host

/// Finds and ends whatever a plugin left behind.
///
/// A plugin's own processes are those of its session and, because one can leave a session with setsid(2), all that have
/// its mark in the environment that they were started with (`/proc/<pid>/environ`, proc(5)). Only a process that leaves
/// the session and also drops its environment gets away.
struct ProcessSweep: Sendable {
    /// The variable that holds the mark.
    static let variable = "TASKWATT_PLUGIN_RUN"

    /// The session's id, which is the plugin's process id. The caller has not reaped the plugin, so that it cannot mean
    /// anybody else.
    let session: Int32
    let mark: String
    /// The kernel's own: what is found here is sent signals.
    private let host = HostRoot()

    init(session: Int32, mark: String) {
        self.session = session
        self.mark = mark
    }

    /// Kills what is left until nothing is, for at most a second, whether or not the caller's task is cancelled.
    func killAll() async {
        await Task.detached {
            for _ in 0..<50 {
                let left = processes()
                if left.isEmpty { return }
                for process in left { kill(process, SIGKILL) }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }.value
    }

    /// The living processes that are the plugin's.
    func processes() -> [Int32] {
        let entry = Data("\0\(Self.variable)=\(mark)\0".utf8)
        return ((try? host.list("/proc")) ?? []).compactMap { name in
            guard let process = Int32(name), process != getpid(), let status = status(process), status.isAlive else {
                return nil
            }
            if status.session == session { return process }
            // Those of other users cannot be read, and are not ours.
            guard let environment = try? host.readBytes("/proc/\(process)/environ") else { return nil }
            // Entries end with a zero. There can be megabytes of them on a machine with many processes.
            return (Data([0]) + environment + Data([0])).range(of: entry) == nil ? nil : process
        }
    }

    private func status(_ process: Int32) -> (session: Int32, isAlive: Bool)? {
        guard let stat = try? host.read("/proc/\(process)/stat"), let close = stat.lastIndex(of: ")") else {
            return nil
        }
        // After the name in parentheses: state ppid pgrp session.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 3, let session = Int32(fields[3]) else { return nil }
        return (session, fields[0] != "Z" && fields[0] != "X")
    }

    /// Whether the plugin itself has ended, without reaping it; waits for it up to a time, cancelled or not.
    func hasEnded(within time: Duration) async -> Bool {
        await Task.detached {
            let deadline = ContinuousClock.now + time
            while true {
                var info = siginfo_t()
                let result = waitid(P_PID, id_t(session), &info, WEXITED | WNOWAIT | WNOHANG)
                if result != 0 || info.si_signo == SIGCHLD { return true }
                if ContinuousClock.now >= deadline { return false }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }.value
    }
}
