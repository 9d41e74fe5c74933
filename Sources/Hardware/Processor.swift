package import Host

/// The CPUs of a machine.
package struct Processor: Sendable, Hashable, Codable {
    package var model: String
    package var vendor: String?
    package var family: Int?
    package var modelNumber: Int?
    package var sockets: Int
    package var cores: Int
    package var threads: Int
    /// The range that cpufreq may set; `nil` where the kernel does not set the clock, as in most virtual machines.
    package var minimumMHz: Double?
    package var maximumMHz: Double?
    /// The clock of the first CPU when it was read.
    package var currentMHz: Double?
    /// The instruction sets that matter for inference, by the kernel's names.
    package var features: [String]
    package var microcode: String?

    enum CodingKeys: String, CodingKey {
        case model, vendor, family, sockets, cores, threads, features, microcode
        case modelNumber = "model_number"
        case minimumMHz = "min_mhz"
        case maximumMHz = "max_mhz"
        case currentMHz = "current_mhz"
    }

    /// Flags of x86 (arch/x86/include/asm/cpufeatures.h) and hwcaps of arm64 (Documentation/arch/arm64/elf_hwcaps.rst).
    private static let inferenceFeatures = [
        "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
        "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
        "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "svei8mm", "svebf16", "sme",
    ]

    package init(_ host: HostRoot) {
        self.init(cpuinfo: (try? host.read("/proc/cpuinfo")) ?? "")
        let frequency = "/sys/devices/system/cpu/cpu0/cpufreq"
        // Kilohertz; Documentation/admin-guide/pm/cpufreq.rst.
        minimumMHz = (try? host.integer("\(frequency)/cpuinfo_min_freq")).map { Double($0) / 1000 }
        maximumMHz = (try? host.integer("\(frequency)/cpuinfo_max_freq")).map { Double($0) / 1000 }
    }

    /// - Parameter cpuinfo: the text of `/proc/cpuinfo`.
    package init(cpuinfo: String) {
        let info = ProcCpuinfo(cpuinfo)
        let fields = info.fields
        threads = info.processors
        sockets = info.sockets
        cores = info.cores
        model = fields["model name"] ?? fields["Model"] ?? Self.arm(fields) ?? "unknown"
        vendor = fields["vendor_id"]
        family = fields["cpu family"].flatMap(Int.init)
        modelNumber = fields["model"].flatMap(Int.init)
        microcode = fields["microcode"]
        let flags = Set((fields["flags"] ?? fields["Features"] ?? "").split(separator: " ").map(String.init))
        features = Self.inferenceFeatures.filter(flags.contains)
        currentMHz = fields["cpu MHz"].flatMap(Double.init)
    }

    /// arm64 tells numbers and no name.
    private static func arm(_ fields: [String: String]) -> String? {
        guard let implementer = fields["CPU implementer"], let part = fields["CPU part"] else { return nil }
        return "arm64 implementer \(implementer) part \(part)"
    }
}
