import Diagnostics
import Running
import TestSupport
import Testing

@Suite("Doctor: what else the machine does, and what it is")
struct DoctorLoadTests {
    // MARK: CPU time

    /// user, idle and stolen clock ticks.
    private func stat(_ user: Int, _ idle: Int, _ steal: Int = 0) -> [String: String] {
        ["/proc/stat": "cpu  \(user) 0 0 \(idle) 0 0 0 \(steal) 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n"]
    }

    @Test(arguments: [(5, Verdict.pass), (6, .warn), (20, .warn), (21, .fail), (100, .fail)])
    func busyCPUs(ticks: Int, verdict: Verdict) throws {
        // The time since boot is no part of it.
        let check = try DoctorBench.check("busy-cpus", stat(9000, 10), later: stat(9000 + ticks, 110 - ticks))
        #expect(check.verdict == verdict)
        #expect(check.found.hasPrefix("\(ticks).0 %"))
    }

    @Test func theBusiestIsNamed() throws {
        func process(_ id: Int, _ name: String, _ ticks: Int) -> [String: String] {
            let zeros = Array(repeating: "0", count: 10).joined(separator: " ")
            return ["/proc/\(id)/stat": "\(id) (\(name)) S \(zeros) \(ticks) 0 0 0\n"]
        }
        let tree = try TemporaryDirectory(stat(0, 0) + process(7, "old) 1", 900) + process(9, "self", 0))
        try tree.link("/proc/self", to: "9")
        let later = stat(50, 50) + process(7, "old) 1", 930) + process(8, "n\u{1B}e\nw", 20) + process(9, "self", 40)
        let check = try DoctorBench.check("busy-cpus", in: tree, later: later)
        #expect(check.found == "50.0 % of all CPUs; the busiest: old) 1 30.0 %, new 20.0 %")
    }

    @Test(arguments: [(0, Verdict.pass), (10, .pass), (11, .fail)])
    func stealTime(ticks: Int, verdict: Verdict) throws {
        let check = try DoctorBench.check("steal-time", stat(0, 10, 500), later: stat(0, 1010 - ticks, 500 + ticks))
        #expect(check.verdict == verdict)
    }

    @Test(arguments: ["busy-cpus", "steal-time"]) func aStatThatStandsStillTellsNothing(id: String) throws {
        #expect(try DoctorBench.check(id, stat(5, 5)).verdict == .unknown)
        #expect(try DoctorBench.check(id, ["/proc/stat": "garbage"]).verdict == .unknown)
    }

    @Test(arguments: [
        ("0.99 2 3 1/86 1", 1, Verdict.pass), ("1.01 0 0 1/86 1", 1, .warn), ("3.19 0 0 1/86 1", 16, .pass),
        ("3.21 0 0 1/86 1", 16, .warn), ("none", 1, .unknown),
    ]) func loadAverage(text: String, cpus: Int, verdict: Verdict) throws {
        let files = DoctorBench.cpuinfo(cpus: cpus) + ["/proc/loadavg": text]
        #expect(try DoctorBench.check("load-average", files).verdict == verdict)
    }

    // MARK: Memory

    private func meminfo(_ numbers: [String: Int]) -> [String: String] {
        ["/proc/meminfo": numbers.map { "\($0):   \($1) kB\n" }.joined()]
    }

    @Test(arguments: [(100, Verdict.pass), (99, .warn)]) func memory(available: Int, verdict: Verdict) throws {
        let files = meminfo(["MemTotal": 1000, "MemFree": 1, "MemAvailable": available])
        #expect(try DoctorBench.check("memory", files).verdict == verdict)
    }

    @Test(arguments: ["memory", "swap"]) func memoryThatIsNotToldIsUnknown(id: String) throws {
        #expect(try DoctorBench.check(id, ["/proc/meminfo": "MemFree: 1 kB\n"]).verdict == .unknown)
    }

    @Test func swap() throws {
        let none = meminfo(["SwapTotal": 0, "SwapFree": 0])
        #expect(try DoctorBench.check("swap", none).verdict == .pass)
        let unused = meminfo(["SwapTotal": 4096, "SwapFree": 4096])
        #expect(try DoctorBench.check("swap", unused).verdict == .pass)
        let used =
            meminfo(["SwapTotal": 1 << 20, "SwapFree": 1 << 19])
            + ["/proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n/dev/dm-1  partition  1  1  -2\n"]
        let check = try DoctorBench.check("swap", used)
        #expect(check.verdict == .warn)
        #expect(check.found == "0.5 GiB of 1.0 GiB in use (/dev/dm-1)")
    }

    @Test("Pages that move now fail; those of long ago do not", arguments: ["pswpin", "pswpout"])
    func swapping(counter: String) throws {
        func vmstat(_ pages: Int) -> [String: String] { ["/proc/vmstat": "pgpgin 9\n\(counter) \(pages)\n"] }
        let files = meminfo(["SwapTotal": 1000, "SwapFree": 900]) + vmstat(70)
        #expect(try DoctorBench.check("swap", files).verdict == .warn)
        let check = try DoctorBench.check("swap", files, later: vmstat(75))
        #expect(check.verdict == .fail)
        #expect(check.found.contains("5 pages"))
    }

    // MARK: Platform

    private func dmi(_ vendor: String, _ product: String) -> [String: String] {
        ["/sys/class/dmi/id/sys_vendor": "\(vendor)\n", "/sys/class/dmi/id/product_name": "\(product)\n"]
    }

    @Test func aRealMachine() throws {
        let check = try DoctorBench.check("hypervisor", DoctorBench.cpuinfo() + dmi("LENOVO", "20Y1"))
        #expect(check.verdict == .pass)
        #expect(try DoctorBench.check("hypervisor", [:]).verdict == .unknown)
    }

    @Test func theFlagOfAHypervisor() throws {
        let check = try DoctorBench.check(
            "hypervisor", DoctorBench.cpuinfo(flags: "fpu hypervisor") + dmi("LENOVO", "20Y1"))
        #expect(check.verdict == .warn)
        #expect(check.found.contains("LENOVO"))
    }

    @Test(
        "Without the flag, as on arm64, firmware tells",
        arguments: [
            ("QEMU", "KVM Virtual Machine", Verdict.warn), ("Amazon EC2", "c7g.large", .warn),
            ("Amazon EC2", "c7g.metal", .pass), ("Google", "Google Compute Engine", .warn),
            ("Google", "Caroline", .pass),
            ("Microsoft Corporation", "Virtual Machine", .warn), ("Microsoft Corporation", "Surface Pro", .pass),
        ]) func firmware(vendor: String, product: String, verdict: Verdict) throws
    {
        let files = ["/proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd\n"] + dmi(vendor, product)
        #expect(try DoctorBench.check("hypervisor", files).verdict == verdict)
    }

    @Test func xen() throws {
        let check = try DoctorBench.check("hypervisor", DoctorBench.cpuinfo() + ["/sys/hypervisor/type": "xen\n"])
        #expect(check.verdict == .warn)
        #expect(check.found.contains("xen"))
    }

    @Test(arguments: [
        ("tsc", Verdict.pass), ("arch_sys_counter", .pass), ("kvm-clock", .pass), ("hpet", .warn), ("acpi_pm", .warn),
        ("jiffies", .warn), ("sundial", .unknown),
    ]) func clockSource(name: String, verdict: Verdict) throws {
        let file = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
        #expect(try DoctorBench.check("clock-source", [file: "\(name)\n"]).verdict == verdict)
    }

    @Test func theFasterClockIsTheRemedy() throws {
        let directory = "/sys/devices/system/clocksource/clocksource0"
        let files = [
            "\(directory)/current_clocksource": "hpet\n", "\(directory)/available_clocksource": "hpet tsc acpi_pm \n",
        ]
        #expect(try DoctorBench.check("clock-source", files).remedy?.hasPrefix("echo tsc |") == true)
        #expect(try DoctorBench.check("clock-source", [:]).verdict == .unknown)
    }
}
