import CPCI
package import Host

/// A PCI device, as libpci and sysfs tell of it.
package struct PCIDevice: Sendable, Hashable, Codable {
    /// `domain:bus:device.function`, such as `0000:03:00.0`.
    package var address: String
    package var vendorID: Int
    package var deviceID: Int
    package var classID: Int
    package var revision: Int
    package var subsystemVendorID: Int
    package var subsystemID: Int
    /// Names from pci.ids; `nil` where it does not have them.
    package var vendor: String?
    package var device: String?
    package var className: String?
    /// The kernel driver that holds it.
    package var driver: String?
    /// GT/s of one lane, and lanes; `nil` for what is not on PCI Express.
    package var linkSpeed: Double?
    package var linkWidth: Int?
    package var maximumLinkSpeed: Double?
    package var maximumLinkWidth: Int?
    package var numaNode: Int?
    /// The address of the device that this one is a virtual function of (SR-IOV); `nil` for a device of its own, and in
    /// a virtual machine, where the function is all there is.
    package var physicalFunction: String?
    /// Why something of it is not known.
    package var problem: String?

    enum CodingKeys: String, CodingKey {
        case address, revision, vendor, device, driver, problem
        case vendorID = "vendor_id"
        case deviceID = "device_id"
        case classID = "class_id"
        case subsystemVendorID = "subsystem_vendor_id"
        case subsystemID = "subsystem_id"
        case className = "class"
        case linkSpeed = "link_speed_gt_s"
        case linkWidth = "link_width"
        case maximumLinkSpeed = "max_link_speed_gt_s"
        case maximumLinkWidth = "max_link_width"
        case numaNode = "numa_node"
        case physicalFunction = "physical_function"
    }

    /// The names, or the ids where there are none.
    package var title: String {
        "\(vendor ?? "vendor \(Self.hex(vendorID))") \(device ?? "device \(Self.hex(deviceID))")"
    }

    package static func hex(_ id: Int) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

/// A scan of PCI devices.
package struct PCIScan: Sendable, Hashable {
    package var devices: [PCIDevice]
    package var problems: [String]

    /// The devices of a machine. A machine without PCI has none, which is no problem.
    ///
    /// - Parameter ids: a pci.ids file; `nil` for the system's.
    package static func sysfs(_ host: HostRoot, ids: String? = nil) -> PCIScan {
        guard host.exists("/sys/bus/pci/devices") else { return PCIScan(devices: [], problems: []) }
        var scan = run(sysfs: host.path("/sys/bus/pci"), dump: nil, ids: ids)
        let known = Set(scan.devices.map(\.address))
        for address in (try? host.list("/sys/bus/pci/devices")) ?? [] where !known.contains(address) {
            scan.devices.append(PCIDevice(address: address))
        }
        for index in scan.devices.indices { scan.devices[index].complete(from: host) }
        scan.devices.sort { $0.address < $1.address }
        return scan
    }

    /// The devices of a file as `lspci -x` (or `-xxx`) prints it.
    package static func dump(_ file: String, ids: String? = nil) -> PCIScan { run(sysfs: nil, dump: file, ids: ids) }

    private static func run(sysfs: String?, dump: String?, ids: String? = nil) -> PCIScan {
        let raw = tw_pci_scan(sysfs, dump, ids)
        defer { tw_pci_free(raw) }
        var scan = PCIScan(devices: [], problems: [])
        if let error = raw.error { scan.problems.append("libpci: \(String(cString: error))") }
        for index in 0..<Int(raw.count) {
            guard let device = raw.devices?[index] else { continue }
            scan.devices.append(PCIDevice(device))
        }
        return scan
    }
}

extension PCIDevice {
    /// A device of which only its place is known.
    fileprivate init(address: String) {
        self.init(
            address: address, vendorID: 0xffff, deviceID: 0xffff, classID: 0xff00, revision: 0, subsystemVendorID: 0,
            subsystemID: 0, problem: "libpci does not list it")
    }

    /// Adds what sysfs tells and libpci does not: Documentation/ABI/testing/sysfs-bus-pci.
    fileprivate mutating func complete(from host: HostRoot) {
        let path = "/sys/bus/pci/devices/\(address)"
        var problems: [String] = []
        func id(_ file: String) -> Int? {
            do {
                let text = try host.read("\(path)/\(file)")
                if text.hasPrefix("0x"), let value = Int(text.dropFirst(2), radix: 16) { return value }
                problems.append("`\(file)` \(HostError(path: path, malformed: text).reason)")
            } catch {
                problems.append("`\(file)`: \(error.reason)")
            }
            return nil
        }
        // libpci takes 0 for what it cannot make sense of, and 0 has a name. No device has the numbers that stand here
        // for "not known".
        (vendorID, deviceID, classID) = (
            id("vendor") ?? 0xffff, id("device") ?? 0xffff, (id("class") ?? 0xff_0000) >> 8
        )
        if vendorID == 0xffff { vendor = nil }
        if deviceID == 0xffff || vendorID == 0xffff { device = nil }
        if classID == 0xff00 { className = nil }
        if !problems.isEmpty { problem = problems.joined(separator: ", ") }

        driver = try? host.linkTarget("\(path)/driver")
        physicalFunction = try? host.linkTarget("\(path)/physfn")
        if numaNode == nil {
            numaNode = (try? host.integer("\(path)/numa_node")).flatMap { $0 >= 0 ? Int($0) : nil }
        }
        // Without the right to read all of the configuration space, libpci does not see the link; these anyone may
        // read.
        if maximumLinkSpeed == nil {
            maximumLinkSpeed = speed(try? host.read("\(path)/max_link_speed"))
            linkSpeed = speed(try? host.read("\(path)/current_link_speed"))
            maximumLinkWidth = width(try? host.integer("\(path)/max_link_width"))
            linkWidth = width(try? host.integer("\(path)/current_link_width"))
        }
    }

    /// Such as `16.0 GT/s PCIe`, or `Unknown`.
    private func speed(_ text: String?) -> Double? { text?.split(separator: " ").first.flatMap { Double($0) } }

    /// 0 and 255 stand for a link that there is not.
    private func width(_ lanes: Int64?) -> Int? { lanes.flatMap { (1...32).contains($0) ? Int($0) : nil } }

    fileprivate init(_ raw: TWPCIDevice) {
        func text(_ tuple: some Any) -> String? {
            let string = withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return string.isEmpty ? nil : string
        }
        func hex(_ value: some BinaryInteger, _ width: Int) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        address = "\(hex(raw.domain, 4)):\(hex(raw.bus, 2)):\(hex(raw.device, 2)).\(raw.function)"
        vendorID = Int(raw.vendor_id)
        deviceID = Int(raw.device_id)
        classID = Int(raw.class_id)
        revision = Int(raw.revision)
        subsystemVendorID = Int(raw.subsystem_vendor_id)
        subsystemID = Int(raw.subsystem_id)
        vendor = text(raw.vendor_name)
        device = text(raw.device_name)
        className = text(raw.class_name)
        driver = nil
        linkSpeed = raw.link_speed > 0 ? Double(raw.link_speed) / 10 : nil
        linkWidth = raw.link_width > 0 ? Int(raw.link_width) : nil
        maximumLinkSpeed = raw.max_link_speed > 0 ? Double(raw.max_link_speed) / 10 : nil
        maximumLinkWidth = raw.max_link_width > 0 ? Int(raw.max_link_width) : nil
        numaNode = raw.numa_node >= 0 ? Int(raw.numa_node) : nil
        problem = text(raw.problem) ?? (raw.has_config != 0 ? nil : "its configuration space cannot be read")
    }
}
