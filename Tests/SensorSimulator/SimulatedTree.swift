import Foundation
import Glibc

/// The files under `/sys/class`, in a mount namespace of our own.
struct SimulatedTree {
    private static let classes = "/sys/class"

    /// Replaces `/sys/class/powercap` and `/sys/class/hwmon`, and leaves every other class as it is: libsensors has `/sys`
    /// compiled in, and asks statfs(2) whether it is sysfs, so only what lies below is covered.
    static func mountOver() throws {
        let saved = FileManager.default.temporaryDirectory.appendingPathComponent("sys-class-\(getpid())").path
        mkdir(saved, 0o700)
        try check(mount(classes, saved, nil, UInt(MS_BIND | MS_REC), nil), "bind \(classes)")
        try check(mount("tmpfs", classes, "tmpfs", 0, "mode=0755"), "tmpfs over \(classes)")
        for name in try FileManager.default.contentsOfDirectory(atPath: saved)
        where name != "hwmon" && name != "powercap" {
            mkdir("\(classes)/\(name)", 0o755)
            _ = mount("\(saved)/\(name)", "\(classes)/\(name)", nil, UInt(MS_BIND | MS_REC), nil)
        }
        umount2(saved, Int32(MNT_DETACH))
        rmdir(saved)
        mkdir("\(classes)/powercap", 0o755)
        mkdir("\(classes)/hwmon", 0o755)
    }

    /// Puts a file into `/etc/sensors.d` for libsensors to read.
    static func configureSensors(_ text: String) throws {
        let directory = "/etc/sensors.d"
        try check(mount("tmpfs", directory, "tmpfs", 0, "mode=0755"), "tmpfs over \(directory)")
        try write(text, to: "\(directory)/simulated")
    }

    private static let pmus = "/sys/bus/event_source/devices"

    /// A PMU of RAPL's name and files, of the type of the software PMU: the kernel counts nanoseconds on CPU 0.
    static func makePMU() throws {
        try check(mount("tmpfs", pmus, "tmpfs", 0, "mode=0755"), "tmpfs over \(pmus)")
        for directory in ["\(pmus)/power", "\(pmus)/power/events"] { mkdir(directory, 0o755) }
        try write("1", to: "\(pmus)/power/type")
        try write("0", to: "\(pmus)/power/cpumask")
        try write("event=0x00", to: "\(pmus)/power/events/energy-pkg")
        try write("1e-9", to: "\(pmus)/power/events/energy-pkg.scale")
        try write("Joules", to: "\(pmus)/power/events/energy-pkg.unit")
    }

    /// Makes a zone's files; returns the one that moves.
    static func make(_ zone: SimulatorSpec.Zone) throws -> String {
        let path = "\(classes)/powercap/\(zone.zone)"
        mkdir(path, 0o755)
        try write(zone.name, to: "\(path)/name")
        try write("1", to: "\(path)/enabled")
        if let range = zone.range { try write(String(range), to: "\(path)/max_energy_range_uj") }
        if let limit = zone.limit { try write(String(Int(limit * 1e6)), to: "\(path)/constraint_0_power_limit_uw") }
        try write("0", to: "\(path)/energy_uj")
        chmod("\(path)/energy_uj", zone.mode.flatMap { mode_t($0, radix: 8) } ?? 0o400)
        return "\(path)/energy_uj"
    }

    /// Makes a chip's files; returns the one that moves. The chip's place in hwmon is a symbolic link to a directory with a
    /// `device` in it, else libsensors does not see it.
    static func make(_ chip: SimulatorSpec.Chip, number: Int) throws -> String {
        let device = "\(classes)/simulated-\(number)"
        let classDevice = "\(device)/hwmon\(number)"
        let bus = "\(device)/\(chip.acpi ?? chip.pci ?? "device-\(number)")"
        for directory in [device, classDevice, bus] { mkdir(directory, 0o755) }
        symlink(bus, "\(classDevice)/device")
        var path = classDevice
        if chip.acpi != nil {
            symlink("/sys/bus/acpi", "\(bus)/subsystem")
            path = bus
        }
        if let info = chip.oemInfo { try write(info, to: "\(path)/power1_oem_info") }
        if chip.apu == true {
            try write("900", to: "\(path)/in1_input")
            try write("vddnb", to: "\(path)/in1_label")
        }
        symlink("../simulated-\(number)/hwmon\(number)", "\(classes)/hwmon/hwmon\(number)")
        try write(chip.driver, to: "\(path)/name")
        switch chip.kind {
        case .average:
            if let label = chip.label { try write(label, to: "\(path)/power1_label") }
            try write(String(Int(chip.update * 1000)), to: "\(path)/power1_average_interval")
            try write("0", to: "\(path)/power1_average")
            return "\(path)/power1_average"
        case .input:
            if let label = chip.label { try write(label, to: "\(path)/power1_label") }
            try write(String(Int(chip.update * 1000)), to: "\(path)/update_interval")
            try write("0", to: "\(path)/power1_input")
            return "\(path)/power1_input"
        case .rail:
            if let label = chip.label { try write(label, to: "\(path)/in1_label") }
            try write(String(Int(chip.update * 1000)), to: "\(path)/update_interval")
            try write("12000", to: "\(path)/in1_input")
            try write("0", to: "\(path)/curr1_input")
            return "\(path)/curr1_input"
        case .energy:
            if let label = chip.label { try write(label, to: "\(path)/energy1_label") }
            try write("0", to: "\(path)/energy1_input")
            return "\(path)/energy1_input"
        }
    }

    private static func write(_ text: String, to path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: Data("\(text)\n".utf8)) else {
            throw SimulatorError("\(path) cannot be made")
        }
        chmod(path, 0o444)
    }

    private static func check(_ result: Int32, _ what: String) throws {
        if result != 0 { throw SimulatorError("\(what): \(String(cString: strerror(errno)))") }
    }
}

struct SimulatorError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
