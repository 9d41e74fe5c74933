import Core
package import Host

/// Counters since boot; a rate is the difference of two.
package struct MachineActivity {
    /// `/proc/stat`, proc(5); `nil` where it cannot be read.
    let cpu: ProcStat?
    /// Pages that went to and came from swap: `pswpin` and `pswpout` of `/proc/vmstat`, proc(5).
    let pagesSwapped: Int64?
    /// Times that a core or package was too hot, by file.
    let throttles: [String: Int64]

    init(_ host: HostRoot) {
        cpu = try? host.procStat()
        pagesSwapped = Self.pagesSwapped(host)
        throttles = Self.throttles(host)
    }

    private static func pagesSwapped(_ host: HostRoot) -> Int64? {
        guard let text = try? host.read("/proc/vmstat") else { return nil }
        let counts = text.split(separator: "\n").compactMap { line -> Int64? in
            let fields = line.split(separator: " ")
            guard fields.count == 2, fields[0] == "pswpin" || fields[0] == "pswpout" else { return nil }
            return Int64(fields[1])
        }
        return counts.isEmpty ? nil : counts.reduce(0, &+)
    }

    /// `thermal_throttle/*_throttle_count` of every CPU, which Intel's have:
    /// Documentation/admin-guide/thermal/intel_thermal_throttle.rst.
    package static func throttles(_ host: HostRoot) -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for cpu in host.cpus {
            let directory = "\(HostRoot.cpuDirectory)/cpu\(cpu)/thermal_throttle"
            for file in ["core_throttle_count", "package_throttle_count"] {
                counts["\(directory)/\(file)"] = try? host.integer("\(directory)/\(file)")
            }
        }
        return counts
    }
}

/// CPU time of every process but this one, in clock ticks: `/proc/<pid>/stat`, proc(5).
struct ProcessTimes {
    private struct Process {
        var name: String
        var ticks: Int64
    }

    private let processes: [String: Process]

    init(_ host: HostRoot) {
        let own = try? host.linkTarget("/proc/self")
        let ids = ((try? host.list("/proc")) ?? []).filter { $0.first?.isNumber == true && $0 != own }
        var processes: [String: Process] = [:]
        for id in ids { processes[id] = Self.process(host, id) }
        self.processes = processes
    }

    private static func process(_ host: HostRoot, _ id: String) -> Process? {
        guard let stat = try? host.read("/proc/\(id)/stat"), let open = stat.firstIndex(of: "("),
            let close = stat.lastIndex(of: ")"), open < close
        else { return nil }
        // After the name: state is field 3, utime 14, stime 15.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 12, let user = Int64(fields[11]), let system = Int64(fields[12]) else { return nil }
        // A process names itself, and may do so with line feeds and the codes that colour a terminal.
        let name = stat[stat.index(after: open)..<close].unicodeScalars.filter {
            $0.properties.generalCategory != .control
        }
        return Process(name: String(name), ticks: user &+ system)
    }

    /// Names and clock ticks of the processes that took the most CPU time since, at most three.
    func busiest(since before: ProcessTimes) -> [(name: String, ticks: Int64)] {
        let used = processes.map { id, process in
            (name: process.name, ticks: process.ticks &- (before.processes[id]?.ticks ?? 0))
        }
        return Array(used.filter { $0.ticks > 0 }.sorted { ($1.ticks, $0.name) < ($0.ticks, $1.name) }.prefix(3))
    }
}

extension HostRoot {
    package static let cpuDirectory = "/sys/devices/system/cpu"

    /// The numbers of the CPUs that the kernel knows, online or not.
    package var cpus: [Int] {
        ((try? list(Self.cpuDirectory)) ?? []).compactMap { $0.hasPrefix("cpu") ? Int($0.dropFirst(3)) : nil }.sorted()
    }
}
