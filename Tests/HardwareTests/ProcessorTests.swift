import TestSupport
import Testing

@testable import Hardware

@Suite("Processor")
struct ProcessorTests {
    @Test("Two sockets with two threads a core")
    func xeon() {
        let cpu = Processor(cpuinfo: CPUInfo.xeon(sockets: 2, cores: 56))
        #expect(cpu.sockets == 2 && cpu.cores == 112 && cpu.threads == 224)
        #expect(cpu.model == "Intel(R) Xeon(R) Platinum 8480+")
        #expect(cpu.vendor == "GenuineIntel" && cpu.family == 6 && cpu.modelNumber == 143)
        #expect(cpu.microcode == "0x2b000571")
        #expect(cpu.features.contains("amx_int8") && cpu.features.contains("avx512_vnni"))
        #expect(!cpu.features.contains("asimd"))
        #expect(cpu.currentMHz == 800)
    }

    @Test("A virtual machine on an EPYC")
    func epyc() {
        let cpu = Processor(cpuinfo: CPUInfo.epyc())
        #expect(cpu.sockets == 1 && cpu.cores == 2 && cpu.threads == 2)
        #expect(cpu.model == "AMD EPYC")
        // The clock at this moment says nothing about the range.
        #expect(cpu.currentMHz == 2596.13)
        #expect(cpu.minimumMHz == nil && cpu.maximumMHz == nil)
        #expect(
            cpu.features == [
                "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
            ])
    }

    @Test("arm64 tells numbers, and a board its name")
    func arm() {
        let graviton = Processor(cpuinfo: CPUInfo.graviton3)
        #expect(graviton.model == "arm64 implementer 0x41 part 0xd40")
        #expect(graviton.sockets == 1 && graviton.cores == 4 && graviton.threads == 4)
        #expect(graviton.features == ["asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "svei8mm", "svebf16"])
        #expect(graviton.vendor == nil && graviton.family == nil && graviton.currentMHz == nil)
        let board = Processor(cpuinfo: CPUInfo.raspberryPi5)
        #expect(board.model == "Raspberry Pi 5 Model B Rev 1.0")
        #expect(board.threads == 4)
        #expect(board.features == ["asimd", "asimdhp", "asimddp"])
    }

    @Test(
        "Text without sense is one unknown CPU",
        arguments: ["", "\n\n", "processor", ":::\n: :\n", "cpu MHz\t: fast\n"])
    func garbage(_ text: String) {
        let cpu = Processor(cpuinfo: text)
        #expect(cpu.sockets == 1 && cpu.cores == 1 && cpu.threads == 1)
        #expect(cpu.model == "unknown" && cpu.features.isEmpty && cpu.currentMHz == nil)
    }

    @Test("The range is cpufreq's, in kilohertz there")
    func range() throws {
        let tree = try TemporaryDirectory()
        try tree.write("/proc/cpuinfo", CPUInfo.xeon(sockets: 1, cores: 2))
        try tree.write("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_min_freq", "800000\n")
        try tree.write("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3800000\n")
        let cpu = Processor(tree.host)
        #expect(cpu.minimumMHz == 800 && cpu.maximumMHz == 3800)
        #expect(cpu.threads == 4)
    }

    @Test("Without a range of cpufreq there is none")
    func withoutRange() throws {
        let tree = try TemporaryDirectory()
        try tree.write("/proc/cpuinfo", CPUInfo.epyc())
        try tree.write("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "<unknown>\n")
        let cpu = Processor(tree.host)
        #expect(cpu.minimumMHz == nil && cpu.maximumMHz == nil)
        #expect(cpu.currentMHz == 2596.13)
    }
}
