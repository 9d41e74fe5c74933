import Foundation
import Host
import TestSupport
import Testing

@testable import Hardware

@Suite("PCI")
struct PCIScanTests {
    @Test("Speed and width of a link, and what the link could be")
    func links() throws {
        let a100 = try device("dgx-a100", "0000:07:00.0")
        #expect(a100.linkSpeed == 16 && a100.linkWidth == 16)
        #expect(a100.maximumLinkSpeed == 16 && a100.maximumLinkWidth == 16)
        let downgraded = try device("geforce-desktop", "0000:01:00.0")
        #expect(downgraded.linkSpeed == 2.5 && downgraded.linkWidth == 8)
        #expect(downgraded.maximumLinkSpeed == 16 && downgraded.maximumLinkWidth == 16)
        let sixth = try device("unknown-accelerator", "0000:01:00.0")
        #expect(sixth.linkSpeed == 64 && sixth.linkWidth == 8)
        let conventional = try device("tpu-vm", "0000:00:04.0")
        #expect(conventional.linkSpeed == nil && conventional.maximumLinkWidth == nil)
    }

    @Test("A device of a second domain has its own address")
    func domains() throws {
        let scan = PCIScan.dump(try Fixtures.path("hailo-raspberry-pi-5"))
        #expect(
            scan.devices.map(\.address).sorted() == ["0000:00:00.0", "0000:01:00.0", "0001:00:00.0", "0001:01:00.0"])
    }

    @Test("Names come from the given pci.ids")
    func names() throws {
        let tree = try TemporaryDirectory()
        let scan = PCIScan.dump(try Fixtures.path("dgx-a100"), ids: try tree.ids())
        let card = try #require(scan.devices.first { $0.deviceID == 0x20b2 })
        #expect(card.title == "Maker One Card One")
        #expect(card.className == "Screenless controller")
        #expect(card.subsystemVendorID == 0x10de && card.subsystemID == 0x1463 && card.revision == 0xa1)
    }

    @Test("Without pci.ids, ids stand for names")
    func missingNames() throws {
        let scan = PCIScan.dump(try Fixtures.path("dgx-a100"), ids: "/nowhere/pci.ids")
        let card = try #require(scan.devices.first { $0.deviceID == 0x20b2 })
        #expect(card.vendor == nil && card.device == nil && card.className == nil)
        #expect(card.title == "vendor 10de device 20b2")
        #expect(Accelerator(card)?.name == "NVIDIA device 20b2")
    }

    @Test("A pci.ids that cannot be parsed costs the names and is reported")
    func brokenNames() throws {
        let tree = try TemporaryDirectory()
        try tree.write("/pci.ids", "what is this\n\t\t\tnobody knows\n")
        let scan = PCIScan.dump(try Fixtures.path("mi300x-server"), ids: tree.path + "/pci.ids")
        #expect(scan.devices.count == 11)
        #expect(scan.problems.count == 1)
        #expect(Accelerator.all(of: scan.devices).count == 8)
    }

    @Test("A dump that is not there, or none, is a problem and no devices")
    func missingDump() throws {
        let missing = PCIScan.dump("/nowhere/at-all.lspci")
        #expect(missing.devices.isEmpty)
        #expect(missing.problems.count == 1)
        let tree = try TemporaryDirectory()
        try tree.write("/dump", "this is no dump\n")
        #expect(PCIScan.dump(tree.path + "/dump").devices.isEmpty)
    }

    @Test("A machine without PCI has no devices and no problem")
    func withoutPCI() throws {
        let tree = try TemporaryDirectory()
        #expect(PCIScan.sysfs(tree.host) == PCIScan(devices: [], problems: []))
        try tree.directory("/sys/bus/pci/devices")
        #expect(PCIScan.sysfs(tree.host) == PCIScan(devices: [], problems: []))
    }

    static let lspci = "/usr/bin/lspci"

    @Test("This machine's scan agrees with lspci")
    func live() throws {
        try #require(
            FileManager.default.isExecutableFile(atPath: Self.lspci), "lspci is missing: `.ci/deps --test` installs it")
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: Self.lspci)
        process.arguments = ["-D", "-n"]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // Such as `0000:00:03.0 0200: 1af4:1041 (rev 01)`.
        let expected = text.split(separator: "\n").map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
        let scan = PCIScan.sysfs(HostRoot())
        let found = scan.devices.map {
            "\($0.address) \(PCIDevice.hex($0.classID)): \(PCIDevice.hex($0.vendorID)):\(PCIDevice.hex($0.deviceID))"
        }
        #expect(found.sorted() == expected.sorted())
        #expect(scan.problems.isEmpty)
    }

    private func device(_ fixture: String, _ address: String) throws -> PCIDevice {
        try #require(PCIScan.dump(try Fixtures.path(fixture)).devices.first { $0.address == address })
    }
}
