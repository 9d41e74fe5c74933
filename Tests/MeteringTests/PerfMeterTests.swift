import Accounting
import Core
import Glibc
import Host
import Metering
import TestSupport
import Testing

/// The PMU's files over a fixture tree; the counter itself is a real one of the kernel: the software PMU's CPU clock, which
/// counts a billion a second on each CPU. With a scale of 1e-9 J a count it draws one watt.
@Suite struct PerfMeterTests {
    private static let pmu = "/sys/bus/event_source/devices/power"

    fileprivate static func tree(
        cpumask: String = "0", events: [String: String] = ["energy-pkg": "event=0x00"], scale: String = "1e-9",
        unit: String = "Joules", packages: [Int: (package: Int, die: Int)] = [0: (0, 0)]
    ) throws -> TemporaryDirectory {
        var files = ["\(pmu)/type": "1\n", "\(pmu)/cpumask": "\(cpumask)\n"]
        for (name, event) in events {
            files["\(pmu)/events/\(name)"] = "\(event)\n"
            files["\(pmu)/events/\(name).scale"] = "\(scale)\n"
            files["\(pmu)/events/\(name).unit"] = "\(unit)\n"
        }
        for (cpu, place) in packages {
            let topology = "/sys/devices/system/cpu/cpu\(cpu)/topology"
            files["\(topology)/physical_package_id"] = "\(place.package)\n"
            files["\(topology)/die_id"] = "\(place.die)\n"
        }
        files["/proc/sys/kernel/perf_event_paranoid"] = "2\n"
        return try TemporaryDirectory(files)
    }

    /// Whether this process may count for all processes; CI runs as root, where it may.
    fileprivate static let isPermitted: Bool = {
        guard let tree = try? tree() else { return true }
        return PerfMeter.discover(tree.host).first?.availability.isAvailable != false
    }()
    fileprivate static let permission: Comment = "needs root, CAP_PERFMON or perf_event_paranoid < 1"

    /// As of a virtual machine whose hypervisor counts nothing. The software PMU's emulation faults (8) stay 0 on x86 and Arm.
    @Test(.enabled(if: isPermitted, permission)) func aCounterThatStandsStillIsNoMeter() throws {
        let tree = try Self.tree(
            events: ["energy-psys": "event=0x08", "energy-gpu": "event=0x08", "energy-pkg": "event=0x00"])
        #expect(PerfMeter.discover(tree.host).map(\.description.name) == ["package-0", "package-0/uncore"])
    }

    @Test func domainsAndPlacesHaveTheNamesOfPowercap() throws {
        let tree = try Self.tree(
            cpumask: "0,18",
            events: [
                "energy-pkg": "event=0x00", "energy-ram": "event=0x00", "energy-cores": "event=0x00",
                "energy-gpu": "event=0x00", "energy-psys": "event=0x00",
            ], packages: [0: (0, 0), 18: (1, 0)])
        let meters = PerfMeter.discover(tree.host).map(\.description)
        #expect(
            meters.map(\.id) == [
                "perf/package-0", "perf/package-1", "perf/package-0/dram", "perf/package-1/dram", "perf/package-0/core",
                "perf/package-1/core", "perf/package-0/uncore", "perf/package-1/uncore", "perf/psys",
            ])
        #expect(meters[0].scope == .package && meters[2].scope == .dram && meters[8].scope == .system)
        #expect(meters[4].parentID == "perf/package-0")
        // 2^64 counts of 1e-9 J.
        #expect(meters[0].rangeMicrojoules.map { abs(Double($0) / 18_446_744_073_709_551.6 - 1) < 1e-9 } == true)
    }

    @Test func diesAreToldApart() throws {
        let tree = try Self.tree(cpumask: "0-1", packages: [0: (0, 0), 1: (0, 1)])
        #expect(PerfMeter.discover(tree.host).map(\.description.silicon) == ["package-0-die-0", "package-0-die-1"])
    }

    @Test func amdsDiesAreOnePackage() throws {
        let tree = try Self.tree(cpumask: "0-1", packages: [0: (0, 0), 1: (0, 1)])
        try tree.write("/proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n")
        #expect(PerfMeter.discover(tree.host).map(\.description.silicon) == ["package-0"])
    }

    @Test func powercapComesFirstAndTheSiliconCountsOnce() throws {
        let tree = try Self.tree()
        try tree.write("/sys/class/powercap/intel-rapl:0/name", "package-0\n")
        try tree.write("/sys/class/powercap/intel-rapl:0/energy_uj", "1000000\n")
        try tree.write("/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850\n")
        let meters = (PowercapMeter.discover(tree.host) + PerfMeter.discover(tree.host)).map(\.description)
        #expect(meters.count == 2)
        #expect(try TotalSelection(meters: meters).members[.components] == ["powercap/intel-rapl:0"])
    }

    @Test(arguments: [("1e-9", "Watts", "event=0x00"), ("", "Joules", "event=0x00"), ("1e-9", "Joules", "umask=0x3")])
    func whatIsNotKnownIsListedAndNotRead(scale: String, unit: String, event: String) throws {
        let tree = try Self.tree(events: ["energy-pkg": event], scale: scale, unit: unit)
        let listing = try #require(PerfMeter.discover(tree.host).first)
        guard case .unavailable(let reason, _) = listing.availability else {
            Issue.record("an event that is not understood is available")
            return
        }
        #expect(reason.contains("energy-pkg"))
    }

    @Test func aCPUThatIsNotThereFailsAndDoesNotCrash() throws {
        let tree = try Self.tree(cpumask: "4095", packages: [4095: (0, 0)])
        let listing = try #require(PerfMeter.discover(tree.host).first)
        #expect(!listing.availability.isAvailable)
        #expect(MeterCondition(listing.open().read()).result != .value)
    }
}

extension RealTime {
    @Suite struct PerfMeterTests {
        @Test(.enabled(if: MeteringTests.PerfMeterTests.isPermitted, MeteringTests.PerfMeterTests.permission))
        func aRealCounterOfTheKernelIsReadByItsScale() throws {
            let tree = try MeteringTests.PerfMeterTests.tree()
            let session = try MeteringSession(listings: PerfMeter.discover(tree.host), intervalSeconds: 0.1)
            session.start()
            defer { session.stop() }
            let window = session.openWindow()
            SystemClock().sleep(until: SystemClock().now().advanced(bySeconds: 1))
            let selection = try TotalSelection(meters: session.meters)
            let energy = try #require(session.closeWindow(window, selection: selection))
            let domain = try #require(energy.domains.first)
            // On a quiet machine it is right to a thousandth. Where others take the processor between a read and its time, each
            // edge can be some milliseconds off; a scale that is not applied is off by a thousand.
            #expect(abs(domain.energy.joules / energy.window.durationSeconds - 1) < 0.02)
            #expect(domain.coverage == 1)
            // This clock moves all the time: there are no updates that an edge could be set on.
            #expect(Set(domain.flags).isSubset(of: [.staleEdges]))
        }
    }
}
