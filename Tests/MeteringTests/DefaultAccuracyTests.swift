import Core
import Metering
import TestSupport
import Testing

/// Every type of meter has an accuracy with its source, or says that none is stated.
@Suite struct DefaultAccuracyTests {
    private func meter(
        _ id: String, _ scope: MeterScope = .package, name: String = "m", provenance: Provenance = .measured
    ) -> MeterDescription {
        MeterDescription(
            id: id, name: name, scope: scope, kind: .counter, provenance: provenance, source: "s", periodSeconds: 0.001,
            resolution: 1, plausiblePower: Power(watts: 1500), silicon: id)
    }

    private func processor(_ vendor: String, _ family: Int? = nil, _ model: Int? = nil) -> ProcessorID {
        ProcessorID(modelName: "", vendor: vendor, family: family, model: model, logicalCPUs: 4)
    }

    /// Sandy Bridge models what Haswell and all later ones measure; AMD models.
    @Test(arguments: [
        ("GenuineIntel", 6, 0x2D, 0.15), ("GenuineIntel", 6, 0x3A, 0.15), ("GenuineIntel", 6, 0x3F, 0.05),
        ("GenuineIntel", 6, 0x8F, 0.05), ("GenuineIntel", 19, 1, 0.05), ("AuthenticAMD", 0x17, 0x31, 0.15),
        ("AuthenticAMD", 0x1A, 0x02, 0.15), ("HygonGenuine", 0x18, 1, 0.15),
    ]) func raplGoesByTheGeneration(vendor: String, family: Int, model: Int, relative: Double) throws {
        for id in ["powercap/intel-rapl:0", "perf/package-0", "hwmon/amd_energy-isa-0000/energy1"] {
            let found = try #require(DefaultAccuracy.of(meter(id), on: processor(vendor, family, model)))
            #expect(found.relative == relative)
            #expect(found.source.contains("doi:") || found.source.contains("arXiv:"))
        }
    }

    @Test func ofRAPLOnlyPackagesAndMemoryWereHeldAgainstAReference() {
        let haswell = processor("GenuineIntel", 6, 0x3F)
        #expect(DefaultAccuracy.of(meter("powercap/intel-rapl:0:0", .dram), on: haswell)?.relative == 0.2)
        for scope in [MeterScope.core, .uncore, .system] {
            #expect(DefaultAccuracy.of(meter("powercap/intel-rapl:0:1", scope), on: haswell) == nil)
        }
        #expect(DefaultAccuracy.of(meter("powercap/intel-rapl:0"), on: processor("")) == nil)
        #expect(DefaultAccuracy.of(meter("powercap/intel-rapl:0"), on: processor("GenuineIntel", 6, 0x37)) == nil)
    }

    @Test(arguments: [
        ("nvml/0000:01:00.0", "NVIDIA GeForce RTX 4090", MeterScope.accelerator, 0.05),
        ("nvml/0000:01:00.0", "NVIDIA A100-SXM4-80GB", .accelerator, 0.1),
        ("nvml/0000:01:00.0", "NVIDIA H100 PCIe", .accelerator, 0.1),
        ("ipmi/dcmi", "BMC", .system, 0.05), ("redfish/bmc", "bmc", .system, 0.05),
        ("shelly/plug", "plug", .wall, 0.05),
        ("tasmota/plug", "plug", .wall, 0.05), ("hwmon/ina219-i2c-0-40/power1", "ina219", .rail, 0.02),
        ("hwmon/ina3221-i2c-1-40/curr1", "VDD_IN", .system, 0.02),
    ]) func devices(id: String, name: String, scope: MeterScope, relative: Double) throws {
        let found = try #require(DefaultAccuracy.of(meter(id, scope, name: name), on: processor("")))
        #expect(found.relative == relative)
        #expect(!found.source.isEmpty)
    }

    @Test(arguments: [
        "amdsmi/0000:03:00.0", "hwmon/amdgpu-pci-0300/power1", "battery/BAT0", "json/feed", "prometheus/pdu",
        "home-assistant/rack", "simulated/package-0",
    ]) func whatNobodyStatesIsNotInvented(id: String) {
        #expect(DefaultAccuracy.of(meter(id, .accelerator), on: processor("GenuineIntel", 6, 0x8F)) == nil)
    }

    /// What a device or its user says comes first, and 0 switches the default off.
    @Test func aDefaultIsOnlyWhereNothingIsStated() throws {
        let tree = try TemporaryDirectory(["/proc/cpuinfo": "vendor_id : GenuineIntel\ncpu family : 6\nmodel : 143\n"])
        func stated(_ relative: Double?) -> MeterListing {
            var description = meter("powercap/intel-rapl:0")
            description.relativeAccuracy = relative
            return MeterListing(description: description, availability: .available) { UnreadableMeter(errno: 0) }
        }
        let listings = DefaultAccuracy.applied(to: [stated(nil), stated(0.01), stated(0)], tree.host)
        #expect(listings.map(\.description.relativeAccuracy) == [0.05, 0.01, nil])
        #expect(listings.map { $0.description.accuracySource == nil } == [false, true, true])
    }

    /// 95.0 % is what a meter says that is within 5 %; 100 % and nonsense say nothing.
    @Test(
        arguments: [
            ("95.0%", 0.05), ("98.500%", 0.015), ("3.0%", 0.03), ("100.0%", nil), ("0.0%", nil), ("-", nil),
        ] as [(String, Double?)])
    func anACPIPowerMeterStatesItsOwn(text: String, relative: Double?) throws {
        var tree = try HwmonTree()
        try tree.add(
            "power_meter", as: "power_meter-acpi-0", device: "LNXSYSTM:00/LNXSYBUS:00/ACPI000D:00", bus: "acpi",
            isOld: true, ["power1_average": "380000000", "power1_accuracy": text])
        let found = try #require(tree.listings.first).description.relativeAccuracy
        #expect((found == nil) == (relative == nil))
        if let found, let relative { #expect(abs(found - relative) < 1e-12) }
    }

    /// The same registers by powercap and by perf: their common error hides no difference.
    @Test func twoWaysToOneSensorAreComparedWithoutItsAccuracy() throws {
        for (a, b, disagrees) in [("one", "one", true), ("one", "another", false)] as [(String, String, Bool)] {
            let clock = SimulatedClock()
            var first = SimulatedCounter(waveform: Waveform(base: 80), accuracy: 0.15).listing(clock)
            var second = SimulatedCounter(
                name: "perf", waveform: Waveform(base: 84), accuracy: 0.15, silicon: "package-0"
            ).listing(clock)
            first.description.accuracySource = a
            second.description.accuracySource = b
            let energy = try measure([first, second], clock: clock, seconds: 10)
            #expect(energy.domains.allSatisfy { $0.flags.contains(.disagrees) == disagrees })
        }
    }
}
