package import Host
package import Sensors

/// A chip of hwmon under a name that stays: over restarts, another order in which the kernel finds the chips, and another
/// `hwmonN`.
///
/// libsensors' own name is of the bus and the address, and takes ACPI devices, platform devices without a number, and whatever
/// it calls virtual for the only ones of their kind; the number of an I²C bus and the address of a USB device are those of the
/// order in which they were found (lm-sensors, lib/sysfs.c, `classify_device`).
package struct HwmonChip: Sendable {
    package var sensors: SensorChip
    /// The directory of the device behind it, with every link followed; `nil` for a chip of no device.
    let device: String?
    /// What its meters are called by.
    package private(set) var name: String

    var driver: String { sensors.driver }
    var path: String { sensors.path }
    /// The name of the device on its bus, such as `0000:03:00.0` or `ACPI000D:00`.
    var node: String? { device.map(Self.last) }
    /// By what meters were called in earlier versions; `nil` where that is the same.
    var formerName: String? { sensors.name == name ? nil : sensors.name }

    private init(_ chip: SensorChip, _ host: HostRoot) {
        sensors = chip
        device = Self.device(of: chip, host)
        name = device.map { Self.name(of: chip, device: $0, host) } ?? chip.name
    }

    /// The chips in the order of their names, each under one of its own wherever anything that lasts tells them apart.
    package static func named(_ chips: [SensorChip], _ host: HostRoot) -> [HwmonChip] {
        var named = chips.map { HwmonChip($0, host) }
        for (name, indices) in Dictionary(grouping: named.indices, by: { named[$0].name }) where indices.count > 1 {
            let chips = indices.map { named[$0] }
            guard let marks = marks(of: chips) else { continue }
            for (index, mark) in zip(indices, marks) { named[index].name = "\(name)-\(mark)" }
        }
        // Of several meters of one thing the first counts: not the one that the kernel happened to find first.
        return named.sorted { ($0.name, $0.path) < ($1.name, $1.path) }
    }

    // MARK: The name

    /// The attributes are those of the class device, or those of the device itself where an old driver puts them there.
    private static func device(of chip: SensorChip, _ host: HostRoot) -> String? {
        guard let path = host.resolved(chip.path) else { return nil }
        return isClassDevice(last(path)) ? host.resolved("\(path)/device") : path
    }

    private static func name(of chip: SensorChip, device: String, _ host: HostRoot) -> String {
        let node = last(device)
        switch try? host.linkTarget("\(device)/subsystem") {
        // The kernel numbers the devices of one hardware id as the firmware names them: drivers/acpi/scan.c.
        case "acpi": return "\(chip.driver)-acpi-\(node)"
        case "platform", "of_platform":
            // `nct6775.656` is at an address, `APMC0D29:00` is not, and libsensors makes both an address.
            let parts = node.split(separator: ".", omittingEmptySubsequences: false)
            let hasAddress = parts.count == 2 && Int(parts[1]) != nil
            return hasAddress ? chip.name : "\(chip.driver)-platform-\(node)"
        case "i2c":
            guard let controller = controller(of: device), let address = chip.name.split(separator: "-").last else {
                return chip.name
            }
            return "\(chip.driver)-i2c-\(controller)-\(address)"
        case "hid":
            // `0003:1B1C:1C05.0002`: bus, vendor, product, and the number of the plugging in.
            let ids = node.prefix { $0 != "." }.split(separator: ":").dropFirst().joined(separator: ":")
            return "\(chip.driver)-hid-\(ids)\(port(of: device, host).map { "-\($0)" } ?? "")"
        default: return chip.name
        }
    }

    /// What an I²C adapter belongs to: a PCI or platform device, whose name stays where the number of the adapter does not.
    private static func controller(of device: String) -> String? {
        let above = device.split(separator: "/").dropLast().reversed().map(String.init).filter { !$0.hasPrefix("pci") }
        if let lasting = above.first(where: { $0.contains(":") || isUnitAddress($0) }) { return lasting }
        return above.first { $0.contains(".") }
    }

    /// A node of the device tree, such as `c240000.i2c`; `i2c_designware.0` is numbered.
    private static func isUnitAddress(_ name: String) -> Bool {
        let parts = name.split(separator: ".", maxSplits: 1)
        return parts.count == 2 && Int(parts[0], radix: 16) != nil && Int(parts[1]) == nil
    }

    /// Where a USB device is plugged in, by its serial number or by the controller and the port.
    private static func port(of device: String, _ host: HostRoot) -> String? {
        var components = device.split(separator: "/").map(String.init)
        while let name = components.popLast() {
            // `1-9.2` is port 2 of the hub at port 9 of bus 1: Documentation/driver-api/usb/usb.rst.
            let parts = name.split(separator: "-")
            guard parts.count == 2, Int(parts[0]) != nil, parts[1].allSatisfy({ $0.isNumber || $0 == "." }) else {
                continue
            }
            let path = "/" + (components + [name]).joined(separator: "/")
            if let serial = try? host.read("\(path)/serial"), !serial.isEmpty { return plain(serial) }
            let controller = components.last { $0.contains(":") && !$0.hasPrefix("pci") }
            return controller.map { "\($0)-\(parts[1])" } ?? name
        }
        return nil
    }

    // MARK: What tells chips of one name apart

    private static func marks(of chips: [HwmonChip]) -> [String]? {
        let paths = chips.compactMap { $0.device.map(lastingComponents) }
        if paths.count == chips.count {
            // As much of the end of the path as it takes.
            for length in 1...max(1, paths.map(\.count).max() ?? 1) {
                let ends = paths.map { $0.suffix(length).joined(separator: "/") }
                if Set(ends).count == ends.count { return ends }
            }
        }
        // Chips of no device, by what they say they measure.
        let labels = chips.map { chip in chip.sensors.features.map { plain($0.label) } }
        for position in 0..<(labels.map(\.count).min() ?? 0) {
            let marks = labels.map { $0[position] }
            if Set(marks).count == marks.count { return marks }
        }
        return nil
    }

    /// The path of a device without what is numbered in the order of finding.
    private static func lastingComponents(_ device: String) -> [String] {
        device.split(separator: "/").map(String.init).filter { name in
            !isClassDevice(name) && name != "hwmon" && !isNumbered(name, after: "i2c-")
        }.map { name in
            // `1-0040` is a client of the adapter 1.
            let parts = name.split(separator: "-")
            let isClient =
                parts.count == 2 && Int(parts[0]) != nil && parts[1].count == 4 && Int(parts[1], radix: 16) != nil
            return isClient ? String(parts[1]) : name
        }
    }

    private static func isClassDevice(_ name: String) -> Bool { isNumbered(name, after: "hwmon") }

    private static func isNumbered(_ name: String, after prefix: String) -> Bool {
        name.hasPrefix(prefix) && name.count > prefix.count && name.dropFirst(prefix.count).allSatisfy(\.isNumber)
    }

    private static func last(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// A label or serial number as a part of an id, which is typed and is a key in YAML.
    private static func plain(_ text: String) -> String {
        String(text.map { $0.isLetter || $0.isNumber || "._:+".contains($0) ? $0 : "_" })
    }
}
