package import Host

/// What `/proc/cpuinfo` says of the processor, as far as the power model needs it.
package struct ProcessorID: Sendable, Hashable {
    /// `AMD EPYC 7763 64-Core Processor`; empty where the kernel gives none (arm64).
    package var modelName = ""
    /// `GenuineIntel`, `AuthenticAMD`; empty on others.
    package var vendor = ""
    package var family: Int?
    package var model: Int?
    /// CPUs that are online.
    package var logicalCPUs = 1

    package init(modelName: String, vendor: String, family: Int?, model: Int?, logicalCPUs: Int) {
        self.modelName = modelName
        self.vendor = vendor
        self.family = family
        self.model = model
        self.logicalCPUs = logicalCPUs
    }

    /// Reads `/proc/cpuinfo`; what is not there stays empty.
    package init(_ host: HostRoot) {
        guard let info = try? host.procCpuinfo() else { return }
        modelName = info.fields["model name"] ?? ""
        vendor = info.fields["vendor_id"] ?? ""
        family = info.fields["cpu family"].flatMap(Int.init)
        model = info.fields["model"].flatMap(Int.init)
        logicalCPUs = info.processors
    }
}
