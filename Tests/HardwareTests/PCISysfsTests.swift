import Foundation
import Host
import TestSupport
import Testing

@testable import Hardware

@Suite("PCI devices in sysfs")
struct PCISysfsTests {
    private let tree: TemporaryDirectory
    private let devices = "/sys/bus/pci/devices"

    init() throws {
        tree = try TemporaryDirectory()
        try tree.device("0000:00:01.0", vendor: 0x10de, device: 0x20b2, class: 0x0302)
        try tree.device("0000:00:1f.0", vendor: 0x1002, device: 0x74a1, class: 0x1200)
    }

    @Test("A device has its ids, names, driver and node")
    func whole() throws {
        try tree.link("\(devices)/0000:00:01.0/driver", to: "../../../../bus/pci/drivers/nvidia")
        try tree.write("\(devices)/0000:00:01.0/numa_node", "1\n")
        try tree.write("\(devices)/0000:00:1f.0/numa_node", "-1\n")
        let scan = PCIScan.sysfs(tree.host, ids: try tree.ids())
        #expect(scan.problems.isEmpty)
        let first = try #require(scan.devices.first)
        #expect(first.title == "Maker One Card One")
        #expect(first.driver == "nvidia" && first.numaNode == 1 && first.problem == nil)
        #expect(first.classID == 0x0302 && first.revision == 0xa1)
        #expect(first.subsystemVendorID == 0x1af4 && first.subsystemID == 0x1100)
        let last = try #require(scan.devices.last)
        #expect(last.title == "Maker Two Card Two")
        #expect(last.driver == nil && last.numaNode == nil)
    }

    /// What is wrong with the device in the middle, and what is to be said of it.
    struct Fault: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var reason: String
        var vendor = 0x10de
        var device = 0x20b2
        var code = 0x0302
        var make: @Sendable (TemporaryDirectory, String) throws -> Void
    }

    static let faults: [Fault] = [
        Fault(testDescription: "no vendor", reason: "`vendor`: no such file", vendor: 0xffff) { tree, path in
            try FileManager.default.removeItem(atPath: "\(tree.path)\(path)/vendor")
        },
        Fault(testDescription: "no device", reason: "`device`: no such file", device: 0xffff) { tree, path in
            try FileManager.default.removeItem(atPath: "\(tree.path)\(path)/device")
        },
        Fault(testDescription: "no class", reason: "`class`: no such file", code: 0xff00) { tree, path in
            try FileManager.default.removeItem(atPath: "\(tree.path)\(path)/class")
        },
        Fault(testDescription: "garbage for a device", reason: "`device` holds `zebra`", device: 0xffff) { tree, path in
            try tree.write("\(path)/device", "zebra\n")
        },
        Fault(testDescription: "an empty class", reason: "`class` holds ``", code: 0xff00) { tree, path in
            try tree.write("\(path)/class", "")
        },
        // Reading a directory fails for root too, which a file without permission does not.
        Fault(testDescription: "a vendor that fails", reason: "`vendor`: Is a directory", vendor: 0xffff) {
            tree, path in
            try FileManager.default.removeItem(atPath: "\(tree.path)\(path)/vendor")
            try tree.directory("\(path)/vendor")
        },
        Fault(testDescription: "a short configuration", reason: "its configuration space cannot be read") {
            tree, path in
            try tree.write("\(path)/config", Data(repeating: 0, count: 16))
        },
        Fault(testDescription: "no configuration", reason: "its configuration space cannot be read") { tree, path in
            try FileManager.default.removeItem(atPath: "\(tree.path)\(path)/config")
        },
        Fault(
            testDescription: "an empty directory",
            reason: "`vendor`: no such file, `device`: no such file, `class`: no such file",
            vendor: 0xffff, device: 0xffff, code: 0xff00
        ) { tree, path in
            try FileManager.default.removeItem(atPath: tree.path + path)
            try tree.directory(path)
        },
    ]

    @Test("A device that cannot be read is listed with the reason, between two whole ones", arguments: faults)
    func unreadable(_ fault: Fault) throws {
        let address = "0000:00:02.0"
        try tree.device(address, vendor: 0x10de, device: 0x20b2, class: 0x0302)
        try fault.make(tree, "\(devices)/\(address)")
        let scan = PCIScan.sysfs(tree.host, ids: try tree.ids())
        #expect(scan.problems.isEmpty)
        #expect(scan.devices.map(\.address) == ["0000:00:01.0", address, "0000:00:1f.0"])
        #expect(scan.devices.map(\.title).first == "Maker One Card One")
        #expect(scan.devices.map(\.title).last == "Maker Two Card Two")
        #expect(scan.devices.first?.problem == nil && scan.devices.last?.problem == nil)
        let broken = try #require(scan.devices.first { $0.address == address })
        #expect(broken.problem == fault.reason)
        #expect(broken.vendorID == fault.vendor && broken.deviceID == fault.device && broken.classID == fault.code)
        // What is not known has no name, least of all that of device 0.
        #expect((broken.vendor == nil) == (fault.vendor == 0xffff))
        #expect((broken.device == nil) == (fault.vendor == 0xffff || fault.device == 0xffff))
        #expect((broken.className == nil) == (fault.code == 0xff00))
    }

    @Test("An entry that is no address is reported, and the devices stay")
    func strange() throws {
        try tree.directory("\(devices)/nonsense")
        let scan = PCIScan.sysfs(tree.host, ids: try tree.ids())
        #expect(scan.problems.count == 1)
        #expect(scan.devices.map(\.address) == ["0000:00:01.0", "0000:00:1f.0", "nonsense"])
        #expect(Accelerator.all(of: scan.devices).map(\.kind) == [.gpu, .gpu])
        #expect(scan.devices.last?.problem != nil)
    }

    @Test("A user who may read 64 bytes of the configuration still learns of the link")
    func links() throws {
        let path = "\(devices)/0000:00:01.0"
        try tree.write("\(path)/max_link_speed", "32.0 GT/s PCIe\n")
        try tree.write("\(path)/current_link_speed", "2.5 GT/s PCIe\n")
        try tree.write("\(path)/max_link_width", "16\n")
        try tree.write("\(path)/current_link_width", "8\n")
        try tree.write("\(devices)/0000:00:1f.0/max_link_speed", "Unknown\n")
        try tree.write("\(devices)/0000:00:1f.0/max_link_width", "255\n")
        try tree.write("\(devices)/0000:00:1f.0/current_link_width", "0\n")
        let scan = PCIScan.sysfs(tree.host)
        let first = try #require(scan.devices.first)
        #expect(first.linkSpeed == 2.5 && first.linkWidth == 8)
        #expect(first.maximumLinkSpeed == 32 && first.maximumLinkWidth == 16)
        let last = try #require(scan.devices.last)
        #expect(last.linkSpeed == nil && last.linkWidth == nil && last.maximumLinkSpeed == nil)
        #expect(last.maximumLinkWidth == nil)
    }

    @Test("A virtual function is known by its link, and is no second accelerator")
    func virtualFunction() throws {
        try tree.device("0000:00:01.4", vendor: 0x10de, device: 0x20b2, class: 0x0302)
        try tree.device("0000:00:02.0", vendor: 0x10de, device: 0x20b2, class: 0x0302)
        try tree.link("\(devices)/0000:00:02.0/physfn", to: "../0000:00:01.0")
        let scan = PCIScan.sysfs(tree.host)
        #expect(scan.devices.map(\.physicalFunction) == [nil, nil, "0000:00:01.0", nil])
        #expect(Accelerator.all(of: scan.devices).map(\.address) == ["0000:00:01.0", "0000:00:1f.0"])
    }
}
