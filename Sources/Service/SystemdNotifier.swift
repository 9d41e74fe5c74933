import Foundation
import Glibc

/// Tells systemd how the daemon is: sd_notify(3), a datagram to the socket that `NOTIFY_SOCKET` names.
struct SystemdNotifier: Sendable {
    private let socketPath: String?
    /// Half of the time that systemd waits for a sign of life; `nil` without a watchdog.
    let watchdogInterval: Duration?

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        // A path, or a name in the abstract namespace.
        socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isMine = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init) ?? 0
        watchdogInterval = isMine && microseconds > 0 ? .microseconds(max(1, microseconds / 2)) : nil
    }

    func ready() { send("READY=1\nSTATUS=measuring") }
    func alive() { send("WATCHDOG=1") }
    func stopping() { send("STOPPING=1") }

    private func send(_ message: String) {
        guard let socketPath, socketPath.utf8.count < 108 else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in socketPath.utf8.enumerated() { path[index] = byte }
            // A name that begins with @ is in the abstract namespace, whose names begin with a zero byte.
            if socketPath.hasPrefix("@") { path[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + socketPath.utf8.count)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                // A manager that does not read shall not hold the daemon up.
                let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
                return message.withCString { sendto(descriptor, $0, strlen($0), flags, address, length) }
            }
        }
    }
}
