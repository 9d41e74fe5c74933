import Accounting
import Core
import Metering
import TestSupport
import Testing

@Suite struct PowercapMeterTests {
    private static let zones = "/sys/class/powercap"

    private func zone(_ zone: String, _ name: String, range: String = "262143328850\n", uj: String = "1000000\n")
        -> [String: String]
    {
        [
            "\(Self.zones)/\(zone)/name": name + "\n", "\(Self.zones)/\(zone)/energy_uj": uj,
            "\(Self.zones)/\(zone)/max_energy_range_uj": range,
        ]
    }

    private func merged(_ parts: [String: String]...) -> [String: String] {
        parts.reduce(into: [:]) { $0.merge($1) { _, new in new } }
    }

    @Test func aServerOfTwoPackagesWithItsMirrorAndPsys() throws {
        let tree = try TemporaryDirectory(
            merged(
                zone("intel-rapl:0", "package-0"), zone("intel-rapl:1", "package-1"), zone("intel-rapl:0:0", "dram"),
                zone("intel-rapl:1:0", "dram"), zone("intel-rapl:0:1", "core"), zone("intel-rapl:2", "psys"),
                zone("intel-rapl-mmio:0", "package-0"), ["\(Self.zones)/intel-rapl/enabled": "1\n"]))
        let meters = PowercapMeter.discover(tree.host).map(\.description)
        #expect(
            meters.map(\.id) == [
                "powercap/intel-rapl:0", "powercap/intel-rapl:0:0", "powercap/intel-rapl:0:1", "powercap/intel-rapl:1",
                "powercap/intel-rapl:1:0", "powercap/intel-rapl:2", "powercap/intel-rapl-mmio:0",
            ])
        #expect(meters.map(\.scope) == [.package, .dram, .core, .package, .dram, .system, .package])
        #expect(meters[1].name == "package-0/dram")
        #expect(meters[0].rangeMicrojoules == 262_143_328_850)
        let selection = try TotalSelection(meters: meters)
        #expect(
            selection.members[.components] == [
                "powercap/intel-rapl:0", "powercap/intel-rapl:0:0", "powercap/intel-rapl:1", "powercap/intel-rapl:1:0",
            ])
        #expect(selection.members[.system] == ["powercap/intel-rapl:2"])
    }

    @Test func eachDieIsAPackageDomain() throws {
        let tree = try TemporaryDirectory(
            merged(zone("intel-rapl:0", "package-0-die-0"), zone("intel-rapl:1", "package-0-die-1")))
        let meters = PowercapMeter.discover(tree.host).map(\.description)
        #expect(meters.map(\.scope) == [.package, .package])
        #expect(try TotalSelection(meters: meters).members[.components]?.count == 2)
    }

    /// AMD counts a package whole; kernels that take a core complex die for a die show that counter once for each.
    @Test func amdsDiesAreOnePackage() throws {
        var files = merged(
            zone("intel-rapl:0", "package-0-die-0"), zone("intel-rapl:1", "package-0-die-1"),
            zone("intel-rapl:2", "package-1-die-0"))
        files["/proc/cpuinfo"] = "processor\t: 0\nvendor_id\t: AuthenticAMD\n"
        let tree = try TemporaryDirectory(files)
        let meters = PowercapMeter.discover(tree.host).map(\.description)
        #expect(meters.map(\.silicon) == ["package-0", "package-0", "package-1"])
        #expect(
            try TotalSelection(meters: meters).members[.components] == [
                "powercap/intel-rapl:0", "powercap/intel-rapl:2",
            ])
    }

    @Test(arguments: ["", "0\n", "many\n"]) func aRangeThatIsUnreadableIsSaid(range: String) throws {
        let tree = try TemporaryDirectory(zone("intel-rapl:0", "package-0", range: range))
        let meter = try #require(PowercapMeter.discover(tree.host).first).description
        #expect(meter.rangeMicrojoules == nil)
        #expect(meter.remarks.contains { $0.contains("max_energy_range_uj") })
    }

    @Test func aCounterWithGarbageIsListedWithTheReason() throws {
        let tree = try TemporaryDirectory(zone("intel-rapl:0", "package-0", uj: "n/a\n"))
        let listing = try #require(PowercapMeter.discover(tree.host).first)
        guard case .unavailable(let reason, _) = listing.availability else {
            Issue.record("a counter that holds no number is available")
            return
        }
        #expect(reason.contains("/sys/class/powercap/intel-rapl:0/energy_uj"))
    }

    /// Limits that are set, as those of a zone are, say nothing of what the silicon can draw.
    @Test func theBoundIsThatOfTheSilicon() throws {
        var files = zone("intel-rapl:0", "package-0")
        files["\(Self.zones)/intel-rapl:0/constraint_0_power_limit_uw"] = "125000000\n"
        files["\(Self.zones)/intel-rapl:0/constraint_1_max_power_uw"] = "200000000\n"
        let tree = try TemporaryDirectory(files)
        #expect(PowercapMeter.discover(tree.host).first?.description.plausiblePower == Power(watts: 1500))
        let bare = try TemporaryDirectory(merged(zone("intel-rapl:0", "package-0"), zone("intel-rapl:0:0", "dram")))
        #expect(
            PowercapMeter.discover(bare.host).map(\.description.plausiblePower) == [
                Power(watts: 1500), Power(watts: 300),
            ])
    }

    @Test func theOpenFileFollowsTheCounterAndComesBackAfterAFailure() throws {
        let tree = try TemporaryDirectory(zone("intel-rapl:0", "package-0"))
        let reader = try #require(PowercapMeter.discover(tree.host).first).open()
        #expect(reader.read() == .counter(microjoules: 1_000_000))
        try tree.write("\(Self.zones)/intel-rapl:0/energy_uj", "")
        guard case .failed = reader.read() else {
            Issue.record("an empty file was read as a number")
            return
        }
        try tree.write("\(Self.zones)/intel-rapl:0/energy_uj", "2000000\n")
        #expect(reader.read() == .counter(microjoules: 2_000_000))
    }

    @Test func aMachineWithoutPowercapHasNone() throws {
        let tree = try TemporaryDirectory(["/proc/stat": "cpu  1 2 3 4 5 6 7 8 0 0\n"])
        #expect(PowercapMeter.discover(tree.host).isEmpty)
    }
}
