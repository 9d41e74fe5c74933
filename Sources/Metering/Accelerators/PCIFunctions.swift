package import Host

/// PCI functions by what sysfs says of them; Documentation/ABI/testing/sysfs-bus-pci.
package enum PCIFunctions {
    private static let directory = "/sys/bus/pci/devices"

    /// The addresses of a vendor's functions, sorted.
    ///
    /// - Parameter classes: base class and subclass, such as 0x0300 for VGA; pci.ids, "List of known device classes".
    package static func addresses(_ host: HostRoot, vendor: Int, classes: Set<Int>) -> [String] {
        ((try? host.list(directory)) ?? []).filter { address in
            hex(host, "\(directory)/\(address)/vendor") == vendor
                && hex(host, "\(directory)/\(address)/class").map { classes.contains($0 >> 8) } == true
        }
    }

    /// The kernel driver that holds a function; `nil` where none does.
    package static func driver(_ host: HostRoot, _ address: String) -> String? {
        try? host.linkTarget("\(directory)/\(address)/driver")
    }

    /// As the kernel writes an address: lower case, at least four digits of the domain (`pci_setup_device`,
    /// "%04x:%02x:%02x.%d").
    static func address(domain: Int, bus: Int, device: Int, function: Int) -> String {
        "\(padded(domain, 4)):\(padded(bus, 2)):\(padded(device, 2)).\(function)"
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func hex(_ host: HostRoot, _ file: String) -> Int? {
        guard let text = try? host.read(file), text.hasPrefix("0x") else { return nil }
        return Int(text.dropFirst(2), radix: 16)
    }
}
