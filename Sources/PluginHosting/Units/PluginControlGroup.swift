import Foundation
import Glibc
import Host
import WorkloadProtocol

/// The control groups that a plugin's host makes in that of its unit, where systemd leaves it to the unit (`Delegate=`): one
/// for itself and one, with the limits of the manifest, for the plugin. Documentation/admin-guide/cgroup-v2.rst.
///
/// Processes are in leaves alone, so the host moves into the plugin's group, starts it, and moves on to its own. It is no wall
/// against the plugin, which has the host's rights and a manifest of its own making; that is the unit's own limits.
struct PluginControlGroup: Sendable {
    struct Unavailable: Error, CustomStringConvertible {
        let description: String
    }

    private let host: HostRoot
    /// In the file system of the groups.
    private let directory: String
    private let limits: PluginManifest.Limits

    /// Makes the groups.
    ///
    /// - Throws: `Unavailable` where the unit's group is not this process's to divide.
    init(_ limits: PluginManifest.Limits, host: HostRoot = HostRoot()) throws(Unavailable) {
        self.host = host
        self.limits = limits
        guard let own = try? host.read("/proc/self/cgroup"),
            let line = own.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })
        else { throw Unavailable(description: "this process is in no control group of version 2") }
        directory = "/sys/fs/cgroup" + line.dropFirst(3)
        for name in ["host", "plugin"] where mkdir("\(directory)/\(name)", 0o755) != 0 && errno != EEXIST {
            throw Unavailable(
                description: "the control group \(directory) cannot be divided (\(String(cString: strerror(errno))))")
        }
        try move(to: "host")
        try write("+memory +pids", to: "cgroup.subtree_control")
        if let memory = limits.memory {
            try write("\(memory)", to: "plugin/memory.max")
            // Where there is no swap there is no such file.
            try? write("0", to: "plugin/memory.swap.max")
            // The plugin is ended as a whole.
            try write("1", to: "plugin/memory.oom.group")
        }
    }

    /// What this process starts now is the plugin.
    func enter() { try? move(to: "plugin") }

    /// What is started later is not. The number of tasks is limited from now on: this process's own counted so far.
    func leave() {
        try? move(to: "host")
        if let tasks = limits.tasks { try? write("\(tasks)", to: "plugin/pids.max") }
    }

    /// The most that the plugin used, in bytes, if it was ended for that.
    var excess: Int64? {
        guard let limit = limits.memory, let events = try? host.read("\(directory)/plugin/memory.events") else {
            return nil
        }
        let kills = events.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
        guard let count = kills?.split(separator: " ").last.flatMap({ Int($0) }), count > 0 else { return nil }
        // Linux 5.19 and later tell.
        let peak = (try? host.read("\(directory)/plugin/memory.peak"))?.trimmingCharacters(in: .whitespacesAndNewlines)
        return max(limit, peak.flatMap { Int64($0) } ?? limit)
    }

    private func move(to group: String) throws(Unavailable) { try write("\(getpid())", to: "\(group)/cgroup.procs") }

    /// The files of the groups take a value in one write.
    private func write(_ value: String, to file: String) throws(Unavailable) {
        let path = "\(directory)/\(file)"
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        let written = descriptor < 0 ? -1 : value.withCString { Glibc.write(descriptor, $0, strlen($0)) }
        let reason = errno
        if descriptor >= 0 { close(descriptor) }
        if written < 0 { throw Unavailable(description: "\(path): \(String(cString: strerror(reason)))") }
    }
}
