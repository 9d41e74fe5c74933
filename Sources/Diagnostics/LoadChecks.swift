import Core
import Foundation
import Host

/// What else the machine does: METHOD flags a run of which others take over 5 % of the CPU time, or the hypervisor over 1 %.
enum LoadChecks {
    // MARK: CPU time

    /// The share of all CPU time that processes took while this one slept; `/proc/stat`, proc(5).
    static func busyCPUs(
        _ before: MachineActivity, _ after: MachineActivity, busiest: [(name: String, ticks: Int64)]
    ) -> Check {
        let subject = CheckSubject("busy-cpus", "CPU time of others")
        guard let (first, last, total) = interval(before, after) else {
            return subject.unknown("/proc/stat gives no CPU time")
        }
        let share = Double(max(0, last.busy - first.busy)) / Double(total)
        let names = busiest.map { "\($0.name) \(percent(Double($0.ticks) / Double(total)))" }
        let found =
            "\(percent(share)) of all CPUs" + (names.isEmpty ? "" : Preflight.programs + names.joined(separator: ", "))
        let remedy = "end the other programs, or wait for them; `top` shows them"
        if share > 0.2 { return subject.fail(found, remedy: remedy) }
        return share > Thresholds.otherCPUShare ? subject.warn(found, remedy: remedy) : subject.pass(found)
    }

    /// The share of CPU time that the hypervisor gave to others; `/proc/stat`, proc(5).
    static func stealTime(_ before: MachineActivity, _ after: MachineActivity) -> Check {
        let subject = CheckSubject("steal-time", "Steal time")
        guard let (first, last, total) = interval(before, after) else {
            return subject.unknown("/proc/stat gives no CPU time")
        }
        let share = Double(max(0, last.steal - first.steal)) / Double(total)
        let found = "\(percent(share)) of all CPUs"
        guard share > Thresholds.stealShare else { return subject.pass(found) }
        return subject.fail(
            found + ": the hypervisor gives CPU time to other machines",
            remedy: "measure on a machine, or on CPUs, that you do not share")
    }

    /// Both readings of the CPU's counters and the ticks between them, if there are any.
    private static func interval(
        _ before: MachineActivity, _ after: MachineActivity
    ) -> (first: ProcStat, last: ProcStat, ticks: Int64)? {
        guard let first = before.cpu, let last = after.cpu, last.total > first.total else { return nil }
        return (first, last, last.total - first.total)
    }

    /// The load of the last minute (proc(5)): a machine that was busy just now is still warm, and may be busy again.
    static func loadAverage(_ host: HostRoot) -> Check {
        let subject = CheckSubject("load-average", "Load average")
        do throws(HostError) {
            let load = try host.procLoadavg()
            let cpus = (try? host.procCpuinfo())?.processors ?? 1
            let found = "\(FigureText.fixed(load.one, 2)) over the last minute, on \(count(cpus, "CPU", "CPUs"))"
            // One process that runs is no sign on any machine, for a shell and its commands may be it.
            guard load.one > max(1, 0.2 * Double(cpus)) else { return subject.pass(found) }
            return subject.warn(found, remedy: "wait a minute or two until the machine cools down and settles")
        } catch {
            return subject.unknown("\(error)")
        }
    }

    // MARK: Memory

    /// `MemAvailable`, the kernel's estimate of what programs can have without swapping: Documentation/filesystems/proc.rst.
    static func memory(_ host: HostRoot) -> Check {
        let subject = CheckSubject("memory", "Memory available")
        let info = meminfo(host)
        guard let total = info["MemTotal"], total > 0, let available = info["MemAvailable"] else {
            return subject.unknown("/proc/meminfo does not say")
        }
        let share = Double(available) / Double(total)
        let found = "\(gibibytes(available)) of \(gibibytes(total)) (\(percent(share)))"
        guard share < 0.1 else { return subject.pass(found) }
        return subject.warn(found, remedy: "end the programs that use it (`top -o %MEM`), or measure smaller models")
    }

    /// Swap in use, and pages that go to and from it now: the energy of waiting for a disk is in no model's figure.
    /// `/proc/meminfo`, `/proc/swaps` and `/proc/vmstat`, proc(5).
    static func swap(_ host: HostRoot, _ before: MachineActivity, _ after: MachineActivity) -> Check {
        let subject = CheckSubject("swap", "Swap")
        let info = meminfo(host)
        guard let total = info["SwapTotal"], let free = info["SwapFree"] else {
            return subject.unknown("/proc/meminfo does not say")
        }
        if total == 0 { return subject.pass("none") }
        let used = max(0, total - free)
        let devices = ((try? host.read("/proc/swaps")) ?? "").split(separator: "\n").dropFirst()
            .compactMap { $0.split(whereSeparator: \.isWhitespace).first.map(String.init) }
        let place = devices.isEmpty ? "" : " (\(devices.joined(separator: ", ")))"
        let found = "\(gibibytes(used)) of \(gibibytes(total)) in use\(place)"
        let pages = max(0, (after.pagesSwapped ?? 0) &- (before.pagesSwapped ?? 0))
        if pages > 0 {
            return subject.fail(
                "\(found), and the machine is swapping: \(count(Int(pages), "page", "pages")) just now",
                remedy: "end the programs that use the memory, or measure smaller models; then: sudo swapoff -a")
        }
        return used == 0
            ? subject.pass(found)
            : subject.warn(found, remedy: "if there is enough memory: sudo swapoff -a && sudo swapon -a")
    }

    /// The numbers of `/proc/meminfo` in KiB, by name.
    private static func meminfo(_ host: HostRoot) -> [Substring: Int64] {
        guard let text = try? host.read("/proc/meminfo") else { return [:] }
        return text.split(separator: "\n").reduce(into: [:]) { numbers, line in
            guard let colon = line.firstIndex(of: ":") else { return }
            let value = line[line.index(after: colon)...].split(separator: " ").first.flatMap { Int64($0) }
            if let value, value >= 0 { numbers[line[..<colon]] = value }
        }
    }

    private static func percent(_ share: Double) -> String { FigureText.percent(share, digits: 1) }
    private static func gibibytes(_ kibibytes: Int64) -> String {
        "\(FigureText.fixed(Double(kibibytes) / 1_048_576, 1)) GiB"
    }
}
