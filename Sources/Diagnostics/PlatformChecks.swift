import Host

/// What the machine is.
enum PlatformChecks {
    /// Whether this is a virtual machine, which sees no energy counter as a rule: the flag `hypervisor` (CPUID leaf 1, ECX bit
    /// 31), `/sys/hypervisor/type` (Documentation/ABI/stable/sysfs-hypervisor-xen), and the vendor in
    /// `/sys/class/dmi/id` (Documentation/ABI/testing/sysfs-firmware-dmi-tables), as systemd-detect-virt(1) does.
    ///
    /// A container, which shares its host's kernel, is named beside it.
    static func hypervisor(_ host: HostRoot) -> Check {
        let subject = CheckSubject("hypervisor", "Hypervisor")
        let info = try? host.procCpuinfo()
        let container = Container.detect(host).map { "\($0.name) on " } ?? ""
        let vendor = (try? host.read("/sys/class/dmi/id/sys_vendor")) ?? ""
        let product = (try? host.read("/sys/class/dmi/id/product_name")) ?? ""
        let type = (try? host.read("/sys/hypervisor/type")) ?? ""
        let name = [type, vendor, product].first { !$0.isEmpty }
        guard isVirtual(host) else {
            if info == nil { return subject.unknown("/proc/cpuinfo cannot be read") }
            return subject.pass(container.isEmpty ? "none: a real machine" : "none: \(container)a real machine")
        }
        return subject.warn(
            "\(container)a virtual machine" + (name.map { " (\($0))" } ?? "")
                + ": the host has the energy counters and shares the CPUs",
            remedy: "measure on a real machine, or on the host")
    }

    /// Whether this is a virtual machine, as far as it can be told.
    static func isVirtual(_ host: HostRoot) -> Bool {
        if (try? host.procCpuinfo())?.flags.contains("hypervisor") == true { return true }
        if let type = try? host.read("/sys/hypervisor/type"), !type.isEmpty { return true }
        return isVirtual(
            vendor: (try? host.read("/sys/class/dmi/id/sys_vendor")) ?? "",
            product: (try? host.read("/sys/class/dmi/id/product_name")) ?? "")
    }

    /// For arm64, which has no flag. Metal instances of the clouds carry the cloud's name too, and are real.
    private static func isVirtual(vendor: String, product: String) -> Bool {
        let makers = ["QEMU", "KVM", "VMware", "innotek", "Xen", "Bochs", "Parallels", "BHYVE", "Apple Virtualization"]
        if makers.contains(where: { vendor.hasPrefix($0) || product.hasPrefix($0) }) { return true }
        switch vendor {
        case "Amazon EC2": return !product.contains(".metal")
        case "Google": return product == "Google Compute Engine"
        case "Microsoft Corporation": return product == "Virtual Machine"
        default: return false
        }
    }

    /// Clocks that are read without leaving the program, and those that cost a slow access to a device and so disturb what
    /// they time.
    private static let fastClocks: Set<String> = [
        "tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "timebase", "tod", "riscv_clocksource",
        "stable counter",
    ]
    private static let slowClocks: Set<String> = [
        "hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies", "xen", "hyperv_clocksource_msr", "dual_timer",
    ]

    /// The hardware that CLOCK_MONOTONIC counts with: kernel/time/clocksource.c, and `clocksource=` in
    /// Documentation/admin-guide/kernel-parameters.txt.
    static func clockSource(_ host: HostRoot) -> Check {
        let subject = CheckSubject("clock-source", "Clock source")
        let directory = "/sys/devices/system/clocksource/clocksource0"
        do throws(HostError) {
            let current = try host.read("\(directory)/current_clocksource")
            if fastClocks.contains(current) { return subject.pass(current) }
            guard slowClocks.contains(current) else {
                return subject.unknown("\(current), which Taskwatt does not know")
            }
            let available = ((try? host.read("\(directory)/available_clocksource")) ?? "").split(separator: " ")
            guard let better = available.map(String.init).first(where: fastClocks.contains) else {
                return subject.warn(
                    "\(current), which is slow to read",
                    remedy: "the kernel has no faster clock here: `dmesg | grep -i -e tsc -e clocksource` says why")
            }
            return subject.warn(
                "\(current), which is slow to read",
                remedy: "echo \(better) | sudo tee \(directory)/current_clocksource")
        } catch {
            return subject.unknown("\(error)")
        }
    }
}
