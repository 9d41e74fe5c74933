import Core
import Diagnostics
import Foundation
import Host
import Metering
import Running
import TestSupport
import Testing

@Suite("Doctor: the whole, the meters, the load")
struct DoctorTests {
    // MARK: The whole

    @Test("On an empty machine nothing is known, and nothing but the meters fails")
    func nothing() throws {
        let checks = Doctor.examine(try TemporaryDirectory().host, meters: [], clock: EventfulClock())
        #expect(checks.filter { $0.verdict == .fail }.map(\.id) == ["meters"])
        #expect(!checks.contains { $0.verdict == .warn })
        #expect(checks.count { $0.verdict == .unknown } > 10)
    }

    @Test("This machine gives every check, in the same order, and every problem has a remedy")
    func thisMachine() throws {
        let host = HostRoot()
        let checks = Doctor.examine(host, meters: MeterCatalogue.discover(host))
        let order = Doctor.examine(try TemporaryDirectory().host, meters: [], clock: EventfulClock()).map(\.id)
        #expect(checks.map(\.id) == order)
        #expect(Set(order).count == order.count)
        for check in checks {
            #expect(!check.found.isEmpty && !check.title.isEmpty)
            if check.verdict == .warn || check.verdict == .fail { #expect(check.remedy != nil, "\(check.id)") }
        }
        // What any machine can tell.
        for id in ["busy-cpus", "steal-time", "load-average", "memory", "swap", "clock-source", "offline-cpus"] {
            let check = try #require(checks.first { $0.id == id })
            #expect(check.verdict != .unknown, "\(check)")
        }
    }

    @Test("Rates are of the time that was asked for", arguments: [1.0, 2.5]) func seconds(seconds: Double) throws {
        let clock = EventfulClock()
        let start = clock.now()
        _ = Doctor.examine(try TemporaryDirectory().host, meters: [], clock: clock, seconds: seconds)
        #expect(clock.now().seconds(since: start) == seconds)
    }

    @Test("The words of the JSON")
    func json() throws {
        let check = Check(id: "swap", title: "Swap", verdict: .fail, found: "swapping", remedy: "less")
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(check)) as? [String: String]
        #expect(
            object == ["id": "swap", "title": "Swap", "verdict": "fail", "found": "swapping", "remedy": "less"])
    }

    // MARK: Meters

    private let locked = (reason: "energy_uj is readable by root alone", remedy: "run the daemon" as String?)

    @Test func metersThatAllMeasurePass() throws {
        let meters = [DoctorBench.meter("a"), DoctorBench.meter("b", scope: .dram)]
        let check = try DoctorBench.check("meters", [:], meters: meters)
        #expect(check.verdict == .pass && check.remedy == nil)
        #expect(check.found == "2 meters measure: package, dram")
    }

    @Test func aMeterWithoutDataIsNamedAndIsNoProblem() throws {
        var asleep = DoctorBench.meter("gpu", scope: .accelerator)
        asleep.noDataReason = "its device sleeps"
        let check = try DoctorBench.check("meters", [:], meters: [DoctorBench.meter("a"), asleep])
        #expect(check.verdict == .pass && check.remedy == nil)
        #expect(check.found.contains("gpu: its device sleeps"))
    }

    @Test func everyLockedMeterIsNamedAndEveryRemedyOnce() throws {
        let meters = [
            DoctorBench.meter("gpu", scope: .accelerator), DoctorBench.meter("a", locked: locked),
            DoctorBench.meter("b", locked: locked), DoctorBench.meter("c", locked: ("broken", nil)),
            DoctorBench.meter("estimate/cpu", provenance: .estimated),
        ]
        let check = try DoctorBench.check("meters", [:], meters: meters)
        #expect(check.verdict == .warn)
        for text in ["a: energy_uj is readable by root alone", "b: energy_uj", "c: broken", "accelerator"] {
            #expect(check.found.contains(text))
        }
        #expect(check.remedy == "run the daemon")
    }

    @Test func theModelAloneWarns() throws {
        let check = try DoctorBench.check("meters", [:], meters: [DoctorBench.meter("model", provenance: .estimated)])
        #expect(check.verdict == .warn)
        #expect(check.found.contains("estimated"))
        #expect(check.remedy?.contains("modprobe") == true)
    }

    @Test func aRailIsNoTotal() throws {
        let check = try DoctorBench.check("meters", [:], meters: [DoctorBench.meter("ina226", scope: .rail)])
        #expect(check.verdict == .warn)
    }

    @Test func nothingThatCanBeReadFails() throws {
        let check = try DoctorBench.check("meters", [:], meters: [DoctorBench.meter("a", locked: locked)])
        #expect(check.verdict == .fail)
        #expect(check.remedy == "run the daemon")
    }

    // MARK: Energy filtering

    private let rapl = ["/sys/class/powercap/intel-rapl:0/name": "package-0\n"]

    /// `/dev/cpu/*/msr` as a file that has the register at its number.
    private func register(_ value: UInt64) -> Data {
        Data(count: 0xBC) + withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }

    @Test(arguments: [(UInt64(0), Verdict.pass), (1, .fail), (3, .fail), (2, .pass), (1 << 32, .pass)])
    func bit0OfTheRegister(value: UInt64, verdict: Verdict) throws {
        let tree = try TemporaryDirectory(rapl + DoctorBench.cpuinfo())
        try tree.write("/dev/cpu/0/msr", register(value))
        #expect(try DoctorBench.check("energy-filtering", in: tree).verdict == verdict)
    }

    @Test func theSecondPackageCounts() throws {
        let topology = DoctorBench.perCPU("topology/physical_package_id", ["0", "0", "1", "1"])
        let tree = try TemporaryDirectory(rapl + DoctorBench.cpuinfo() + topology)
        try tree.write("/dev/cpu/0/msr", register(0))
        try tree.write("/dev/cpu/2/msr", register(1))
        let check = try DoctorBench.check("energy-filtering", in: tree)
        #expect(check.verdict == .fail)
        #expect(check.found.contains("CPU 2"))
    }

    @Test func sgxImpliesFiltering() throws {
        let check = try DoctorBench.check("energy-filtering", rapl + DoctorBench.cpuinfo(flags: "fpu sgx sgx_lc"))
        #expect(check.verdict == .fail)
        #expect(check.found.contains("SGX"))
    }

    @Test func aRegisterThatCannotBeReadIsUnknown() throws {
        let missing = try DoctorBench.check("energy-filtering", rapl + DoctorBench.cpuinfo())
        #expect(missing.verdict == .unknown)
        #expect(missing.remedy?.contains("modprobe msr") == true)
        let short = try DoctorBench.check(
            "energy-filtering", rapl + DoctorBench.cpuinfo() + ["/dev/cpu/0/msr": "short"])
        #expect(short.verdict == .unknown)
    }

    @Test("A processor without the register answers EIO; so does a hypervisor, which proves nothing")
    func noSuchRegister() throws {
        for (flags, verdict) in [("fpu", Verdict.pass), ("fpu hypervisor", .unknown)] {
            let tree = try TemporaryDirectory(rapl + DoctorBench.cpuinfo(flags: flags))
            // Nothing is mapped at address 0xBC, and reading there is an EIO of the kernel's own.
            try tree.link("/dev/cpu/0/msr", to: "/proc/self/mem")
            #expect(try DoctorBench.check("energy-filtering", in: tree).verdict == verdict)
        }
    }

    @Test func onlyIntelWithRAPLFilters() throws {
        let amd = try DoctorBench.check("energy-filtering", rapl + DoctorBench.cpuinfo(vendor: "AuthenticAMD"))
        let bare = try DoctorBench.check("energy-filtering", DoctorBench.cpuinfo(flags: "sgx"))
        for check in [amd, bare] {
            #expect(check.verdict == .pass)
            #expect(check.found.hasPrefix("not applicable"))
        }
    }

    // MARK: perf events

    @Test(
        "Level and capability decide; CAP_PERFMON is bit 38, CAP_SYS_ADMIN bit 21",
        arguments: [
            ("-1", "0", Verdict.pass), ("0", "0", .pass), ("1", "0", .warn), ("4", "0", .warn),
            ("2", "0000004000000000", .pass), ("2", "0000000000200000", .pass), ("2", "0000000000000004", .warn),
        ]) func paranoia(level: String, capabilities: String, verdict: Verdict) throws
    {
        let files = [
            "/sys/bus/event_source/devices/power/type": "20\n",
            "/proc/sys/kernel/perf_event_paranoid": "\(level)\n",
            "/proc/self/status": "Name:\ttaskwatt\nCapPrm:\tffffffffffffffff\nCapEff:\t\(capabilities)\n",
        ]
        #expect(try DoctorBench.check("perf-events", files).verdict == verdict)
        // Where powercap tells the package, nobody needs perf.
        #expect(try DoctorBench.check("perf-events", files, meters: [DoctorBench.meter("a")]).verdict == .pass)
    }

    @Test func perfWithoutThePowerPMU() throws {
        let files = ["/proc/sys/kernel/perf_event_paranoid": "4\n"]
        #expect(try DoctorBench.check("perf-events", files).verdict == .pass)
        let unreadable = ["/sys/bus/event_source/devices/power/type": "20\n"]
        #expect(try DoctorBench.check("perf-events", unreadable).verdict == .unknown)
    }
}
