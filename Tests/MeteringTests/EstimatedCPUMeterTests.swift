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

        processor\t: 1
        vendor_id\t: AuthenticAMD
        cpu family\t: 25
        model\t\t: 1
        model name\t: AMD EPYC 7763 64-Core Processor

        """

    /// Idle 0.456 W and full 1.957 W a thread: two threads, one of them busy, are 2 × 0.456 + 1.501 = 2.413 W.
    @Test func theModelIsIdlePowerAndItsBusyShare() throws {
        let tree = try TemporaryDirectory(["/proc/cpuinfo": Self.milan, "/proc/stat": "cpu  100 0 0 900 0 0 0 0 0 0\n"])
        let listing = try #require(EstimatedCPUMeter.discover(tree.host).first)
        #expect(listing.description.provenance == .estimated)
        #expect(listing.description.relativeAccuracy == 0.4)
        let reader = listing.open()
        guard case .counter(let before) = reader.read() else {
            Issue.record("no reading")
            return
        }
        // 300 ticks are three seconds of one CPU: 3 × 1.501 J, beside the idle power of the time between the reads.
        try tree.write("/proc/stat", "cpu  400 0 0 900 0 0 0 0 0 0\n")
        guard case .counter(let after) = reader.read() else {
            Issue.record("no reading")
            return
        }
        let joules = Double(after - before) / 1e6
        #expect(joules >= 4.503 && joules < 4.503 + 0.912 * 2)
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
        ("GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", "Intel Skylake"),
        ("GenuineIntel", 6, 0x55, "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz", "Intel Cascade Lake"),
        ("GenuineIntel", 6, 0x6a, "Intel(R) Xeon(R) Platinum 8380", "Intel Ice Lake"),
        ("AuthenticAMD", 0x17, 0x31, "AMD EPYC 7742 64-Core Processor", "AMD EPYC 7002"),
        ("AuthenticAMD", 0x19, 0x11, "AMD EPYC 9654 96-Core Processor", "AMD EPYC 9004"),
        ("", 0, 0, "", "an unknown processor"),
    ]) func theFamilyIsFoundByTheNumbersOfCPUID(
        vendor: String, family: Int, model: Int, name: String, expected: String
    ) {
        let processor = ProcessorID(modelName: name, vendor: vendor, family: family, model: model, logicalCPUs: 4)
        #expect(CPUPowerTable.lookup(processor).power.name == expected)
    }

    @Test func everyLineIsPlausible() {
        for model in 0..<256 {
            for (vendor, families) in [("GenuineIntel", [6]), ("AuthenticAMD", [0x17, 0x19, 0x1a])] {
                for family in families {
                    let processor = ProcessorID(
                        modelName: "", vendor: vendor, family: family, model: model, logicalCPUs: 1)
                    let power = CPUPowerTable.lookup(processor).power
                    #expect(power.idleWattsPerThread > 0 && power.idleWattsPerThread < power.fullWattsPerThread)
                }
            }
        }
    }
}
