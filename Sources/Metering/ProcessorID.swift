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
        guard let text = try? host.read("/proc/cpuinfo") else { return }
        var count = 0
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimming() }
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "processor": count += 1
            case "model name" where modelName.isEmpty: modelName = parts[1]
            case "vendor_id" where vendor.isEmpty: vendor = parts[1]
            case "cpu family" where family == nil: family = Int(parts[1])
            case "model" where model == nil: model = Int(parts[1])
            default: break
            }
        }
        logicalCPUs = max(1, count)
    }
}

extension Substring {
    fileprivate func trimming() -> String {
        var rest = self
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
