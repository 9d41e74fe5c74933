import Foundation
import Glibc
import Host

/// Tells systemd how the daemon is: sd_notify(3), a datagram to the socket that `NOTIFY_SOCKET` names.
package struct SystemdNotifier: Sendable {
    private let socketPath: String?
    /// Half of the time that systemd waits for a sign of life; `nil` without a watchdog.
    let watchdogInterval: Duration?

    package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        // A path, or a name in the abstract namespace.
        socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isMine = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init) ?? 0
        watchdogInterval = isMine && microseconds > 0 ? .microseconds(max(1, microseconds / 2)) : nil
    }

    package func ready() { send("READY=1\nSTATUS=measuring") }
    package func alive() { send("WATCHDOG=1") }
    package func stopping() { send("STOPPING=1") }

    private func send(_ message: String) {
        guard let socketPath, let descriptor = try? UnixSocket.connect(to: socketPath, .datagram) else { return }
        defer { close(descriptor) }
        // A manager that does not read shall not hold the daemon up.
        _ = message.withCString { Glibc.send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
    }
}
