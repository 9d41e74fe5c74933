import Accounting
import Core
import Metering
import TestSupport
import Testing

@Suite struct EstimatedCPUMeterTests {
    private static let milan = """
        processor\t: 0
        vendor_id\t: AuthenticAMD
        cpu family\t: 25
        model\t\t: 1
        model name\t: AMD EPYC 7763 64-Core Processor
        flags\t\t: fpu hypervisor

        processor\t: 1
        vendor_id\t: AuthenticAMD
        cpu family\t: 25
        model\t\t: 1
        model name\t: AMD EPYC 7763 64-Core Processor

        """

    /// A package of 64 cores may draw 178 + 64 × 1.1 = 248.4 W, and idles at 22 % of it: of its 128 threads one takes 1.9406 W busy and
    /// 0.4269 W idle.
    @Test func theModelIsIdlePowerAndItsBusyShare() throws {
        let tree = try TemporaryDirectory(["/proc/cpuinfo": Self.milan, "/proc/stat": "cpu  100 0 0 900 0 0 0 0 0 0\n"])
        let listing = try #require(EstimatedCPUMeter.discover(tree.host).first)
        #expect(listing.description.provenance == .estimated)
        #expect(listing.description.relativeAccuracy == 0.44)
        let reader = listing.open()
        guard case .counter(let before) = reader.read() else {
            Issue.record("no reading")
            return
        }
        // 300 ticks are three seconds of one CPU: 3 × 1.5137 J, beside the idle power of the time between the reads.
        try tree.write("/proc/stat", "cpu  400 0 0 900 0 0 0 0 0 0\n")
        guard case .counter(let after) = reader.read() else {
            Issue.record("no reading")
            return
        }
        let joules = Double(after - before) / 1e6
        #expect(joules >= 4.541 && joules < 4.541 + 0.854 * 2)
    }

    @Test func anUnknownProcessorIsMoreUncertainAndSaysSo() throws {
        let tree = try TemporaryDirectory([
            "/proc/cpuinfo": "processor : 0\n", "/proc/stat": "cpu  1 0 0 9 0 0 0 0 0 0\n",
        ])
        let description = try #require(EstimatedCPUMeter.discover(tree.host).first).description
        #expect(description.relativeAccuracy == 0.6)
        #expect(description.remarks.contains { $0.contains("an estimate") })
    }

    @Test(arguments: [
        ("GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", "Intel Skylake server"),
        ("GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz", "Intel Cascade Lake server"),
        ("GenuineIntel", 6, 0x6a, "Intel(R) Xeon(R) Platinum 8380", "Intel Ice Lake server"),
        ("GenuineIntel", 6, 0x6a, "Intel Xeon Processor (Icelake)", "Intel Ice Lake server"),
        ("GenuineIntel", 6, 0x3d, "Intel Core Processor (Broadwell, IBRS)", "Intel Broadwell server"),
        ("GenuineIntel", 6, 0x9e, "Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz", "Intel Core desktop"),
        ("GenuineIntel", 6, 0x8e, "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", "Intel Core laptop"),
        ("GenuineIntel", 6, 0xba, "Intel(R) Core(TM) 7 150U", "Intel Core laptop"),
        ("GenuineIntel", 6, 0xc6, "Intel(R) Core(TM) Ultra 9 285K", "Intel Core desktop"),
        ("GenuineIntel", 6, 0x55, "Intel(R) Core(TM) i9-10980XE CPU @ 3.00GHz", "Intel Core workstation"),
        ("GenuineIntel", 6, 0x7a, "Intel(R) Celeron(R) J4125 CPU @ 2.00GHz", "Intel small cores"),
        ("AuthenticAMD", 0x17, 0x31, "AMD EPYC 7742 64-Core Processor", "AMD EPYC 7002"),
        ("AuthenticAMD", 0x19, 0x01, "AMD EPYC-Milan Processor", "AMD EPYC 7003"),
        ("AuthenticAMD", 0x19, 0x11, "AMD EPYC 9654 96-Core Processor", "AMD EPYC 9004"),
        ("AuthenticAMD", 0x19, 0x21, "AMD Ryzen 7 5800X 8-Core Processor", "AMD Ryzen desktop"),
        ("AuthenticAMD", 0x1a, 0x24, "AMD Ryzen AI 9 HX 370 w/ Radeon 890M", "AMD Ryzen laptop"),
        ("AuthenticAMD", 0x17, 0x31, "AMD Ryzen Threadripper 3970X 32-Core Processor", "AMD Ryzen workstation"),
        ("", 0, 0, "", "an unknown processor"),
    ]) func theKindIsFoundByTheNumbersOfCPUIDAndTheName(
        vendor: String, family: Int, model: Int, name: String, expected: String
    ) {
        let processor = ProcessorID(modelName: name, vendor: vendor, family: family, model: model, logicalCPUs: 4)
        #expect(CPUPowerTable.lookup(processor).name == expected)
    }

    @Test func everyLineIsPlausible() {
        let names = [
            "", "Intel(R) Core(TM) i5", "Intel(R) Xeon(R) CPU", "AMD Ryzen", "AMD EPYC",
            "Intel(R) Core(TM) i9-99999999K", "i7-",
        ]
        for name in names {
            for model in 0..<256 {
                for (vendor, families) in [("GenuineIntel", [6, 19]), ("AuthenticAMD", [0x15, 0x17, 0x19, 0x1a])] {
                    for family in families {
                        let processor = ProcessorID(
                            modelName: name, vendor: vendor, family: family, model: model, logicalCPUs: 1)
                        let power = CPUPowerTable.lookup(processor)
                        #expect(power.idleWatts > 0 && power.idleWatts < power.fullWatts && power.fullWatts < 1000)
                    }
                }
            }
        }
    }
}
