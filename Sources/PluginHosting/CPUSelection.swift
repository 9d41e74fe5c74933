import Host

/// Which CPUs a plugin gets that may use only some.
struct CPUSelection {
    let host: HostRoot

    /// So many of the CPUs that this process may use, one of each core before the second thread of any.
    ///
    /// The allowed ones are in `/proc/self/status` (proc(5)), the threads of a core in sysfs
    /// (Documentation/admin-guide/cputopology.rst).
    /// - Returns: a list as taskset(1) takes it; `nil` where that is all of them, or where they are not told.
    func list(_ count: Int) -> String? {
        guard let status = try? host.read("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") })
        else { return nil }
        let value = line.dropFirst("Cpus_allowed_list:".count).filter { !$0.isWhitespace }
        let allowed = CPUList.parse(value)
        if allowed.isEmpty || count >= allowed.count { return nil }
        let ranked = allowed.map { cpu -> (rank: Int, cpu: Int) in
            let file = "/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list"
            let threads = CPUList.parse((try? host.read(file)) ?? "").filter(allowed.contains)
            return (threads.firstIndex(of: cpu) ?? 0, cpu)
        }
        let chosen = ranked.sorted { ($0.rank, $0.cpu) < ($1.rank, $1.cpu) }.prefix(count).map(\.cpu)
        return chosen.sorted().map(String.init).joined(separator: ",")
    }
}
