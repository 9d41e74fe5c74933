package import Host

/// A device of USB, as sysfs tells of it.
package struct USBDevice: Sendable, Hashable {
    /// The bus and the ports on the way to it, such as `1-2.4`.
    package var port: String
    package var vendorID: Int
    package var productID: Int
    /// The kernel driver that holds its first interface; most accelerators are driven from user space and have none.
    package var driver: String?

    package init(port: String, vendorID: Int, productID: Int, driver: String? = nil) {
        self.port = port
        self.vendorID = vendorID
        self.productID = productID
        self.driver = driver
    }

    /// A machine has some hundred at most; a container's or a broken tree may show anything.
    private static let most = 4096

    /// `/sys/bus/usb/devices/*/idVendor` and `idProduct`, four hexadecimal digits (Documentation/ABI/stable/sysfs-bus-usb); a machine without
    /// USB has none. What is not a device (interfaces, `1-2:1.0`) has no ids, and what cannot be read is left out.
    package static func all(_ host: HostRoot) -> [USBDevice] {
        let directory = "/sys/bus/usb/devices"
        return ((try? host.list(directory)) ?? []).sorted().prefix(most).compactMap { port in
            guard !port.contains(":"), let vendor = id(host, "\(directory)/\(port)/idVendor"),
                let product = id(host, "\(directory)/\(port)/idProduct")
            else { return nil }
            let driver = try? host.linkTarget("\(directory)/\(port):1.0/driver")
            return USBDevice(port: port, vendorID: vendor, productID: product, driver: driver)
        }
    }

    private static func id(_ host: HostRoot, _ file: String) -> Int? {
        guard let text = try? host.read(file), text.count == 4 else { return nil }
        return Int(text, radix: 16)
    }
}
