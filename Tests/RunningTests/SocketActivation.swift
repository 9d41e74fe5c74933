import Foundation
import Glibc
import PluginHosting
import Running
import TestSupport
import Testing

/// The sockets of `taskwatt-plugin.socket` and its sister, served by systemd's own program for that, and behind them the
/// program of their units. What is not here is the units' sandbox and control group.
final class SocketActivation {
    private let directory: TemporaryDirectory
    private var listeners: [Process] = []
    /// What the hosts said.
    var log: String { (try? String(contentsOfFile: "\(directory.path)/log", encoding: .utf8)) ?? "" }
    var cacheDirectory: String { "\(directory.path)/cache" }
    var units: PluginUnits { PluginUnits(socketsIn: directory.path) }

    /// - Parameter plugins: the directory of those that the hosts start.
    init(plugins: String) throws {
        directory = try TemporaryDirectory()
        let taskwatt = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("taskwatt").path
        let log = "\(directory.path)/log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        for (name, options) in [("plugin", []), ("network", ["--network"])] {
            let listener = Process()
            listener.executableURL = URL(fileURLWithPath: "/usr/bin/systemd-socket-activate")
            listener.arguments =
                [
                    "--accept", "--inetd", "-l", "\(directory.path)/\(name).sock", "-E", "PATH",
                    "-E", "TASKWATT_CACHE_DIR=\(cacheDirectory)", taskwatt, "plugin-host", "--plugins", plugins,
                ] + options
            listener.standardInput = FileHandle.nullDevice
            // Both write, and neither over the other.
            let descriptor = open(log, O_WRONLY | O_APPEND | O_CLOEXEC)
            let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            listener.standardOutput = handle
            listener.standardError = handle
            try listener.run()
            listeners.append(listener)
        }
        let sockets = ["plugin", "network"].map { "\(directory.path)/\($0).sock" }
        let deadline = ContinuousClock.now + .seconds(120)
        while !sockets.allSatisfy(Self.isListenedTo), ContinuousClock.now < deadline { usleep(10_000) }
        try #require(
            sockets.allSatisfy(Self.isListenedTo), "nobody listens, of \(listeners.map(\.isRunning)): \(self.log)")
    }

    /// Its file is there a moment before: bind(2), then listen(2). The kernel's list has the flag __SO_ACCEPTCON, proc_net(5).
    private static func isListenedTo(_ socket: String) -> Bool {
        let all = (try? String(contentsOfFile: "/proc/net/unix", encoding: .utf8)) ?? ""
        return all.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            return fields.count > 7 && fields[3] == "00010000" && fields[7] == socket
        }
    }

    deinit {
        // With the signal mask of the thread that started them they may not see SIGTERM.
        for listener in listeners where listener.isRunning { kill(listener.processIdentifier, SIGKILL) }
    }
}
