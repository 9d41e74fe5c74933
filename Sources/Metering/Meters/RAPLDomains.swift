import Host

/// What powercap and perf have in common.
enum RAPLDomains {
    /// AMD counts a package whole. Kernels from the reading of CPUID leaf 0x80000026 on take a core complex die for a die, so
    /// that each of them seems to have a counter, which is the package's (Linux, "perf/x86/rapl: Fix the energy-pkg event for
    /// AMD CPUs", which mends it).
    static func hasOneCounterPerPackage(_ host: HostRoot) -> Bool {
        let vendor = try? host.procCpuinfo().fields["vendor_id"]
        return vendor == "AuthenticAMD" || vendor == "HygonGenuine"
    }
}
