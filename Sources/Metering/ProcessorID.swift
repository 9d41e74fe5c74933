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
    /// Physical cores of each package, as far as the kernel tells them; at least 1.
    package var coresPerPackage = 1
    package var sockets = 1
    /// Whether a hypervisor says that it is there: then the cores and sockets are what it makes up.
    package var isVirtual = false
    /// Who made an arm64 processor, and which core it has.
    package var implementer: Int?
    package var part: Int?

    /// - Parameter coresPerPackage: as many as there are CPUs where it is not given.
    package init(
        modelName: String, vendor: String, family: Int?, model: Int?, logicalCPUs: Int, coresPerPackage: Int? = nil,
        sockets: Int = 1, isVirtual: Bool = false, implementer: Int? = nil, part: Int? = nil
    ) {
        self.modelName = modelName
        self.vendor = vendor
        self.family = family
        self.model = model
        self.logicalCPUs = logicalCPUs
        self.coresPerPackage = coresPerPackage ?? logicalCPUs
        self.sockets = sockets
        self.isVirtual = isVirtual
        self.implementer = implementer
        self.part = part
    }

    /// Reads `/proc/cpuinfo`; what is not there stays empty.
    package init(_ host: HostRoot) {
        guard let info = try? host.procCpuinfo() else { return }
        modelName = info.fields["model name"] ?? ""
        vendor = info.fields["vendor_id"] ?? ""
        family = info.fields["cpu family"].flatMap(Int.init)
        model = info.fields["model"].flatMap(Int.init)
        logicalCPUs = info.processors
        sockets = info.sockets
        coresPerPackage = max(1, info.cores / info.sockets)
        isVirtual = info.fields["flags"]?.split(separator: " ").contains("hypervisor") ?? false
        implementer = info.fields["CPU implementer"].flatMap(Self.hexadecimal)
        part = info.fields["CPU part"].flatMap(Self.hexadecimal)
    }

    var threadsPerPackage: Int { max(1, logicalCPUs / max(1, sockets)) }

    private static func hexadecimal(_ text: String) -> Int? {
        text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : nil
    }
}
