import Foundation
import Host
import TestSupport
import Testing

@testable import Hardware

@Suite("Inventory")
struct InventoryTests {
    private func discover(cpuinfo: String, firmware: [String: String] = [:], files: [String: String] = [:]) throws
        -> Inventory
    {
        let tree = try TemporaryDirectory()
        try tree.write("/proc/cpuinfo", cpuinfo)
        for (name, text) in firmware { try tree.write("/sys/class/dmi/id/\(name)", text + "\n") }
        for (path, text) in files { try tree.write(path, text) }
        return Inventory.discover(tree.host)
    }

    /// A machine, by its firmware and its processor, and the hypervisor that it runs on.
    struct Place: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var cpuinfo: String
        var firmware: [String: String]
        var hypervisor: String?
    }

    static let places: [Place] = [
        Place(
            testDescription: "QEMU", cpuinfo: CPUInfo.epyc(),
            firmware: ["sys_vendor": "QEMU", "product_name": "Standard PC (Q35 + ICH9, 2009)"], hypervisor: "QEMU/KVM"),
        Place(
            testDescription: "Hyper-V", cpuinfo: CPUInfo.epyc(),
            firmware: ["sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"], hypervisor: "Hyper-V"),
        Place(
            testDescription: "VMware", cpuinfo: CPUInfo.epyc(),
            firmware: ["sys_vendor": "VMware, Inc.", "product_name": "VMware7,1"], hypervisor: "VMware"),
        Place(
            testDescription: "EC2 on Arm", cpuinfo: CPUInfo.graviton3,
            firmware: ["sys_vendor": "Amazon EC2", "product_name": "c7g.xlarge"], hypervisor: "Amazon EC2"),
        Place(
            testDescription: "EC2 metal on Arm", cpuinfo: CPUInfo.graviton3,
            firmware: ["sys_vendor": "Amazon EC2", "product_name": "c7g.metal"], hypervisor: nil),
        Place(
            testDescription: "EC2 metal on x86", cpuinfo: CPUInfo.xeon(sockets: 2, cores: 2),
            firmware: ["sys_vendor": "Amazon EC2", "product_name": "m7i.metal-48xl"], hypervisor: nil),
        Place(
            testDescription: "a server whose board has a KVM switch", cpuinfo: CPUInfo.xeon(sockets: 1, cores: 2),
            firmware: ["sys_vendor": "Supermicro", "product_name": "SYS-KVM-1"], hypervisor: nil),
        Place(
            testDescription: "a virtual machine without firmware", cpuinfo: CPUInfo.epyc(), firmware: [:],
            hypervisor: "a hypervisor that does not say its name"),
        Place(testDescription: "a board", cpuinfo: CPUInfo.raspberryPi5, firmware: [:], hypervisor: nil),
    ]

    @Test("The hypervisor", arguments: places)
    func hypervisor(_ place: Place) throws {
        #expect(try discover(cpuinfo: place.cpuinfo, firmware: place.firmware).hypervisor == place.hypervisor)
    }

    @Test("Xen says so itself")
    func xen() throws {
        #expect(try discover(cpuinfo: "", files: ["/sys/hypervisor/type": "xen\n"]).hypervisor == "xen")
    }

    @Test("Memory, kernel and product")
    func facts() throws {
        let inventory = try discover(
            cpuinfo: CPUInfo.epyc(), firmware: ["sys_vendor": "QEMU", "product_name": "Standard PC"],
            files: [
                "/proc/meminfo": "MemTotal:        8131960 kB\nMemFree: 1 kB\nSwapTotal:       1048576 kB\n",
                "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
            ])
        #expect(inventory.memory.totalBytes == 8_131_960 * 1024 && inventory.memory.swapBytes == 1 << 30)
        #expect(inventory.kernel == "6.1.0-18-amd64")
        #expect(inventory.product == "QEMU Standard PC")
        let board = try discover(
            cpuinfo: CPUInfo.raspberryPi5, files: ["/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"])
        #expect(board.product == "Raspberry Pi 5 Model B Rev 1.0")
    }

    @Test("A machine of which nothing can be read has an inventory")
    func nothing() throws {
        let inventory = Inventory.discover(try TemporaryDirectory().host)
        #expect(inventory.cpu.model == "unknown" && inventory.kernel == "unknown")
        #expect(inventory.memory.totalBytes == 0)
        #expect(inventory.pciDevices.isEmpty && inventory.accelerators.isEmpty)
    }

    @Test("The clock of the moment does not make another machine")
    func permanent() throws {
        let first = try discover(cpuinfo: CPUInfo.epyc(megahertz: "2596.130"))
        let second = try discover(cpuinfo: CPUInfo.epyc(megahertz: "3100.007"))
        #expect(first.cpu.currentMHz != second.cpu.currentMHz)
        #expect(first.permanent == second.permanent)
        let text = String(decoding: try JSONEncoder().encode(first.permanent), as: UTF8.self)
        #expect(!text.contains("mhz") && !text.contains("2596") && !text.contains("microcode"))
        let whole = String(decoding: try JSONEncoder().encode(first.cpu), as: UTF8.self)
        #expect(whole.contains("\"current_mhz\":2596.13"))
    }

    @Test(
        "Memory is told as it is plugged in, whatever this kernel leaves of it",
        arguments: [
            (8_050_000, 8), (15_900_000, 16), (16_300_000, 16), (24_600_000, 24), (32_700_000, 32), (65_700_000, 64),
            (131_500_000, 128), (263_700_000, 256), (527_900_000, 512),
        ])
    func installedMemory(kibibytes: Int, gibibytes: Int64) throws {
        let tree = try TemporaryDirectory(["/proc/meminfo": "MemTotal: \(kibibytes) kB\nSwapTotal: 0 kB\n"])
        let after = try TemporaryDirectory(["/proc/meminfo": "MemTotal: \(kibibytes - 4000) kB\nSwapTotal: 9 kB\n"])
        let permanent = Inventory.discover(tree.host).permanent
        #expect(permanent.installedMemoryBytes == gibibytes << 30)
        #expect(permanent == Inventory.discover(after.host).permanent)
        #expect(MachineState(after.host).memory.swapBytes == 9 << 10)
    }

    @Test("The state of a machine: governor, turbo, SMT")
    func state() throws {
        let tree = try TemporaryDirectory()
        let cpu = "/sys/devices/system/cpu"
        try tree.write("/proc/cpuinfo", CPUInfo.xeon(sockets: 1, cores: 1))
        try tree.write("/proc/loadavg", "0.52 0.58 0.59 1/467 12345\n")
        try tree.write("/proc/sys/kernel/osrelease", "6.1.0\n")
        try tree.write("\(cpu)/cpu0/cpufreq/scaling_governor", "performance\n")
        try tree.write("\(cpu)/intel_pstate/no_turbo", "1\n")
        // What intel_pstate says goes before the driver-independent file.
        try tree.write("\(cpu)/cpufreq/boost", "1\n")
        try tree.write("\(cpu)/smt/active", "1\n")
        let state = MachineState(tree.host)
        #expect(state.kernel == "6.1.0" && state.governor == "performance")
        #expect(state.turbo == false && state.smt == true)
        #expect(state.microcode == "0x2b000571" && state.loadAverage1 == 0.52)
        try tree.write("\(cpu)/intel_pstate/no_turbo", "0\n")
        #expect(MachineState(tree.host).turbo == true)
    }

    @Test("Governors that differ, the driver, and the limits of the package's power")
    func frequencyAndPower() throws {
        let cpu = "/sys/devices/system/cpu"
        let zone = "/sys/class/powercap/intel-rapl:0"
        let tree = try TemporaryDirectory([
            "\(cpu)/cpu0/cpufreq/scaling_governor": "powersave\n",
            "\(cpu)/cpu1/cpufreq/scaling_governor": "performance\n",
            "\(cpu)/cpu2/cpufreq/scaling_governor": "powersave\n",
            "\(cpu)/cpu0/cpufreq/scaling_driver": "intel_pstate\n",
            "\(cpu)/cpu0/cpufreq/energy_performance_preference": "balance_performance\n", "\(zone)/name": "package-0\n",
            "\(zone)/constraint_0_name": "long_term\n", "\(zone)/constraint_0_power_limit_uw": "125000000\n",
            "\(zone)/constraint_1_power_limit_uw": "250000000\n",
        ])
        let state = MachineState(tree.host)
        #expect(state.governor == "powersave")
        #expect(state.governors == ["powersave": 2, "performance": 1])
        #expect(state.scalingDriver == "intel_pstate" && state.energyPreference == "balance_performance")
        #expect(state.powerLimits == ["package-0 long_term": 125, "package-0 1": 250])
        try tree.write("\(cpu)/cpu1/cpufreq/scaling_governor", "powersave\n")
        #expect(MachineState(tree.host).governors == nil)
    }

    @Test("AMD tells of boost")
    func boost() throws {
        let tree = try TemporaryDirectory()
        try tree.write("/sys/devices/system/cpu/cpufreq/boost", "0\n")
        try tree.write("/sys/devices/system/cpu/smt/active", "0\n")
        #expect(MachineState(tree.host).turbo == false)
        #expect(MachineState(tree.host).smt == false)
        try tree.write("/sys/devices/system/cpu/cpufreq/boost", "1\n")
        #expect(MachineState(tree.host).turbo == true)
    }

    @Test("What a machine does not tell is not known")
    func unknown() throws {
        let state = MachineState(try TemporaryDirectory().host)
        #expect(state.governor == nil && state.turbo == nil && state.smt == nil)
        #expect(state.kernel == nil && state.microcode == nil && state.loadAverage1 == nil)
        #expect(state.governors == nil && state.scalingDriver == nil && state.powerLimits == nil)
    }
}
