import Core
import Foundation
package import Host
package import Sensors

/// What a machine contains.
package struct Inventory: Sendable, Hashable, Codable {
    package var cpu: Processor
    package var memory: Memory
    /// The hypervisor's name where this is a virtual machine.
    package var hypervisor: String?
    package var kernel: String
    /// Vendor and product of the machine, where the firmware tells.
    package var product: String?
    package var accelerators: [Accelerator]
    package var pciDevices: [PCIDevice]
    package var sensorChips: [SensorChip]
    /// What could not be read, a line each; the rest of the listing stands.
    package var problems: [String]

    package struct Memory: Sendable, Hashable, Codable {
        package var totalBytes: Int64
        package var swapBytes: Int64

        /// What is plugged in, as near as can be told: firmware and kernel keep some percents of it for themselves, and
        /// each kernel other ones. Rounded up to an eighth of the power of two below.
        var installedBytes: Int64 {
            guard totalBytes > 0 else { return 0 }
            let step = max(1, (Int64(1) << (63 - totalBytes.leadingZeroBitCount)) / 8)
            return (totalBytes + step - 1) / step * step
        }

        enum CodingKeys: String, CodingKey {
            case totalBytes = "total_bytes"
            case swapBytes = "swap_bytes"
        }
    }

    /// The parts that make a machine this machine. Nothing that a reboot, a new kernel or a setting changes, or the table would
    /// take it for another machine.
    package struct Permanent: Sendable, Hashable, Codable {
        package var cpu: Processor
        package var installedMemoryBytes: Int64
        package var hypervisor: String?
        package var product: String?
        package var accelerators: [Accelerator]

        enum CodingKeys: String, CodingKey {
            case cpu, hypervisor, product, accelerators
            case installedMemoryBytes = "installed_memory_bytes"
        }
    }

    package var permanent: Permanent {
        var processor = cpu
        processor.microcode = nil
        processor.currentMHz = nil
        processor.minimumMHz = nil
        processor.maximumMHz = nil
        let accelerators = accelerators.filter { !$0.isRemovable }.map { accelerator in
            var accelerator = accelerator
            accelerator.driver = nil
            return accelerator
        }
        return Permanent(
            cpu: processor, installedMemoryBytes: memory.installedBytes, hypervisor: hypervisor, product: product,
            accelerators: accelerators)
    }

    enum CodingKeys: String, CodingKey {
        case cpu, memory, hypervisor, kernel, product, accelerators, problems
        case pciDevices = "pci_devices"
        case sensorChips = "sensor_chips"
    }

    /// Reads this machine; nothing that cannot be read keeps the rest from being listed.
    package static func discover(_ host: HostRoot) -> Inventory {
        let scan = PCIScan.sysfs(host)
        let accelerators = Accelerator.all(of: scan.devices) + USBDevice.all(host).compactMap(Accelerator.init)
        return Inventory(
            cpu: Processor(host), memory: memory(host), hypervisor: hypervisor(host),
            kernel: (try? host.read("/proc/sys/kernel/osrelease")) ?? "unknown", product: product(host),
            accelerators: accelerators, pciDevices: scan.devices, sensorChips: Sensors.chips(),
            problems: scan.problems)
    }

    /// `/proc/meminfo`, in KiB; proc(5).
    fileprivate static func memory(_ host: HostRoot) -> Memory {
        var memory = Memory(totalBytes: 0, swapBytes: 0)
        for line in ((try? host.read("/proc/meminfo")) ?? "").split(separator: "\n") {
            let parts = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            guard parts.count >= 2, let kibibytes = Int64(parts[1]) else { continue }
            if parts[0] == "MemTotal" { memory.totalBytes = kibibytes * 1024 }
            if parts[0] == "SwapTotal" { memory.swapBytes = kibibytes * 1024 }
        }
        return memory
    }

    /// Xen says so itself; others by the firmware's names, and at least by the processor's flag `hypervisor`.
    private static func hypervisor(_ host: HostRoot) -> String? {
        if let type = try? host.read("/sys/hypervisor/type") { return type }
        func firmware(_ field: String) -> String? { try? host.read("/sys/class/dmi/id/\(field)").lowercased() }
        // Makers of virtual machines rent out real ones too. On x86 the flag tells them apart (KVM, VMware, Hyper-V and
        // Xen all set it); elsewhere the name of the product does, as systemd takes it too.
        let flags = ((try? host.read("/proc/cpuinfo")) ?? "").split(separator: "\n").first { $0.hasPrefix("flags") }
        if let flags, !flags.split(separator: " ").contains("hypervisor") { return nil }
        if flags == nil, firmware("product_name")?.contains(".metal") == true { return nil }
        let names = ["sys_vendor", "product_name", "board_vendor", "bios_vendor"].compactMap(firmware).joined(
            separator: " ")
        let known = [
            ("qemu", "QEMU/KVM"), ("kvm", "KVM"), ("vmware", "VMware"), ("virtualbox", "VirtualBox"),
            ("innotek", "VirtualBox"),
            ("microsoft corporation virtual", "Hyper-V"), ("amazon ec2", "Amazon EC2"),
            ("google compute", "Google Compute"),
            ("openstack", "OpenStack"), ("parallels", "Parallels"), ("bochs", "Bochs"), ("firecracker", "Firecracker"),
        ]
        if let match = known.first(where: { names.contains($0.0) }) { return match.1 }
        return flags == nil ? nil : HypervisorName.unnamed
    }

    private static func product(_ host: HostRoot) -> String? {
        let parts = ["sys_vendor", "product_name"].compactMap { try? host.read("/sys/class/dmi/id/\($0)") }
        let model = try? host.read("/proc/device-tree/model")
        return parts.isEmpty ? model : parts.joined(separator: " ")
    }
}

/// What can change from run to run and bears on the energy.
package struct MachineState: Sendable, Hashable, Codable {
    package var kernel: String?
    package var governor: String?
    /// Of all CPUs, where they are not the same: how many CPUs have each governor.
    package var governors: [String: Int]?
    package var scalingDriver: String?
    package var energyPreference: String?
    /// The limits of the CPU's power in watts, by zone and constraint, such as `package-0 long_term`.
    package var powerLimits: [String: Double]?
    package var turbo: Bool?
    package var smt: Bool?
    package var microcode: String?
    package var loadAverage1: Double?
    package var memory: Inventory.Memory
    /// By the address of the accelerator.
    package var drivers: [String: String]
    /// Those that can be unplugged, which are no part of the machine; `nil` where there is none.
    package var removableAccelerators: [Accelerator]?
    /// The greatest clock of the CPUs in MHz, boost in it, by cpufreq; `nil` where the kernel does not set it, as in most virtual machines.
    package var clockLimit: Double?

    enum CodingKeys: String, CodingKey {
        case kernel, governor, governors, turbo, smt, microcode, memory, drivers
        case removableAccelerators = "removable_accelerators"
        case clockLimit = "cpu_clock_limit_mhz"
        case loadAverage1 = "load_average_1min"
        case scalingDriver = "scaling_driver"
        case energyPreference = "energy_performance_preference"
        case powerLimits = "power_limits_w"
    }

    /// `/sys/devices/system/cpu`: Documentation/ABI/testing/sysfs-devices-system-cpu.
    package init(_ host: HostRoot) {
        let cpu = "/sys/devices/system/cpu"
        kernel = try? host.read("/proc/sys/kernel/osrelease")
        governor = try? host.read("\(cpu)/cpu0/cpufreq/scaling_governor")
        governors = Self.governors(host, cpu)
        scalingDriver = try? host.read("\(cpu)/cpu0/cpufreq/scaling_driver")
        energyPreference = try? host.read("\(cpu)/cpu0/cpufreq/energy_performance_preference")
        powerLimits = Self.powerLimits(host)
        if let noTurbo = try? host.integer("\(cpu)/intel_pstate/no_turbo") {
            turbo = noTurbo == 0
        } else if let boost = try? host.integer("\(cpu)/cpufreq/boost") {
            turbo = boost != 0
        }
        smt = (try? host.integer("\(cpu)/smt/active")).map { $0 != 0 }
        let processor = Processor(host)
        microcode = processor.microcode
        clockLimit = processor.maximumMHz
        loadAverage1 = try? host.procLoadavg().one
        memory = Inventory.memory(host)
        let accelerators = Accelerator.all(of: PCIScan.sysfs(host).devices)
        drivers = Dictionary(
            accelerators.compactMap { device in device.driver.map { (device.address, $0) } },
            uniquingKeysWith: { first, _ in first })
        let removable = USBDevice.all(host).compactMap(Accelerator.init)
        removableAccelerators = removable.isEmpty ? nil : removable
    }

    /// - Returns: `nil` where all CPUs have one governor, or none has any.
    private static func governors(_ host: HostRoot, _ directory: String) -> [String: Int]? {
        let cpus = ((try? host.list(directory)) ?? []).filter { $0.hasPrefix("cpu") && Int($0.dropFirst(3)) != nil }
        let governors = cpus.compactMap { try? host.read("\(directory)/\($0)/cpufreq/scaling_governor") }
        let counts = governors.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        return counts.count > 1 ? counts : nil
    }

    /// `constraint_*_name` and `constraint_*_power_limit_uw` of powercap: Documentation/power/powercap/powercap.rst.
    private static func powerLimits(_ host: HostRoot) -> [String: Double]? {
        let directory = "/sys/class/powercap"
        var limits: [String: Double] = [:]
        for zone in (try? host.list(directory)) ?? [] {
            guard let name = try? host.read("\(directory)/\(zone)/name") else { continue }
            for number in 0..<5 {
                let constraint = "\(directory)/\(zone)/constraint_\(number)"
                guard let microwatts = try? host.integer("\(constraint)_power_limit_uw") else { continue }
                let term = (try? host.read("\(constraint)_name")) ?? String(number)
                limits["\(name) \(term)"] = Double(microwatts) / 1e6
            }
        }
        return limits.isEmpty ? nil : limits
    }
}
