import Foundation
import Testing

@testable import Hardware

@Suite("Accelerators")
struct AcceleratorTests {
    /// What a machine must be found to contain: the class, and the vendor and device of each, in the order of
    /// addresses.
    struct Machine: Sendable, CustomTestStringConvertible {
        var name: String
        var accelerators: [String]
        var testDescription: String { name }
    }

    static let machines: [Machine] = [
        Machine(name: "achronix", accelerators: ["fpga 1b59:0010", "fpga 1b59:0012"]),
        Machine(name: "alveo", accelerators: ["fpga 10ee:5000", "fpga 10ee:505c", "fpga 10ee:d00c"]),
        Machine(
            name: "asic-cards",
            accelerators: [
                "digital-asic 1f9d:1100", "digital-asic 1f82:0011", "npu 1ff4:0100", "npu 1ed2:0001", "npu 1eff:1220",
                "digital-asic cabc:0370", "digital-asic 1e36:c035", "digital-asic 1e67:0004", "npu 19e5:d802",
            ]),
        Machine(name: "aws-f1", accelerators: ["fpga 1d0f:f000"]),
        Machine(name: "aws-inf2", accelerators: ["digital-asic 1d0f:7264"]),
        Machine(name: "aws-trn1", accelerators: ["digital-asic 1d0f:7164", "digital-asic 1d0f:7164"]),
        Machine(name: "cloud-ai-100", accelerators: Array(repeating: "digital-asic 17cb:a100", count: 4)),
        Machine(name: "coral", accelerators: ["gpu 8086:9bc8", "tpu 1ac1:089a", "tpu 1ac1:089a"]),
        Machine(name: "dgx-a100", accelerators: Array(repeating: "gpu 10de:20b2", count: 8)),
        Machine(name: "gaudi2-server", accelerators: Array(repeating: "digital-asic 1da3:1020", count: 8)),
        Machine(name: "geforce-desktop", accelerators: ["gpu 10de:2684", "gpu 10de:1e07", "gpu 1002:164e"]),
        Machine(name: "graphcore", accelerators: ["digital-asic 1d95:0001", "digital-asic 1d95:0001"]),
        Machine(name: "groq", accelerators: ["digital-asic 1de0:0000", "digital-asic 1de0:0000"]),
        Machine(name: "hailo-raspberry-pi-5", accelerators: ["digital-asic 1e60:2864"]),
        Machine(
            name: "intel-gpus", accelerators: ["gpu 8086:a780", "gpu 8086:56a0", "gpu 8086:56c0", "gpu 8086:0bd5"]),
        Machine(
            name: "intel-pac",
            accelerators: ["fpga 8086:09c4", "fpga 8086:0b2b", "fpga 1172:00a7", "fpga 8086:bcce", "fpga 8086:0b30"]),
        Machine(name: "intel-two-heads", accelerators: ["gpu 8086:2a42"]),
        Machine(name: "memryx", accelerators: ["gpu 8086:46d1", "digital-asic 1fe9:0100"]),
        Machine(name: "meteor-lake-laptop", accelerators: ["gpu 8086:7d55", "npu 8086:7d1d"]),
        Machine(name: "mi210-server", accelerators: ["gpu 1002:740f", "gpu 1002:740f"]),
        Machine(name: "mi300x-server", accelerators: Array(repeating: "gpu 1002:74a1", count: 8)),
        Machine(name: "no-accelerator", accelerators: []),
        Machine(name: "ryzen-ai", accelerators: ["gpu 1002:15bf", "npu 1022:1502"]),
        Machine(
            name: "tenstorrent",
            accelerators: ["digital-asic 1e52:401e", "digital-asic 1e52:b140", "digital-asic 1e52:faca"]),
        Machine(name: "this-machine", accelerators: []),
        Machine(name: "tpu-vm", accelerators: Array(repeating: "tpu 1ae0:005e", count: 4)),
        Machine(name: "unknown-accelerator", accelerators: ["other f00d:0001"]),
    ]

    @Test("A machine's accelerators are found, and nothing else", arguments: machines)
    func found(_ machine: Machine) throws {
        let scan = PCIScan.dump(try Fixtures.path(machine.name))
        #expect(scan.problems.isEmpty)
        let found = Accelerator.all(of: scan.devices).map {
            "\($0.kind.rawValue) \(PCIDevice.hex($0.vendorID)):\(PCIDevice.hex($0.deviceID))"
        }
        #expect(found == machine.accelerators)
    }

    @Test("Every fixture has its expectation")
    func complete() throws {
        let directory = try #require(Fixtures.directory)
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        let names = files.filter { $0.hasSuffix(".lspci") }.map { $0.dropLast(".lspci".count) }.sorted()
        #expect(names.map(String.init) == Self.machines.map(\.name).sorted())
    }

    @Test("Each class has a device that the fixtures do not")
    func single() throws {
        #expect(kind(0x1022, 0x17f0, 0x1180) == .npu)
        #expect(kind(0x8086, 0xb03e, 0x1200) == .npu)
        #expect(kind(0x1ae0, 0x0076, 0xff00) == .tpu)
        #expect(kind(0x1da3, 0x1060, 0x1200) == .digitalASIC)
        #expect(kind(0x1e60, 0x45c4, 0x0b40) == .digitalASIC)
        #expect(kind(0x1d0f, 0x7364, 0x0880) == .digitalASIC)
        #expect(kind(0x17cb, 0xa110, 0x1200) == .digitalASIC)
        #expect(kind(0x10ee, 0x1234, 0x1200) == .fpga)
        #expect(kind(0x1ed5, 0x0106, 0x0300) == .gpu)
        #expect(kind(0x1ed5, 0x0106, 0x0403) == nil)
        #expect(kind(0x8086, 0x774c, 0x0880) == .npu)
        #expect(kind(0x1d87, 0x1808, 0x1200) == .npu)
        #expect(kind(0x1f1c, 0x1686, 0x1200) == .digitalASIC)
    }

    @Test("A device of a known maker that is no accelerator is none")
    func none() throws {
        #expect(kind(0x10ee, 0x9038, 0x0580) == nil)
        #expect(kind(0x10de, 0x1af1, 0x0680) == nil)
        #expect(kind(0x8086, 0x4940, 0x0b40) == nil)
        #expect(kind(0x1ae0, 0x0042, 0x0200) == nil)
        #expect(kind(0x1d0f, 0xec20, 0x0200) == nil)
        #expect(kind(0x1a03, 0x2000, 0x0300) == nil)
        #expect(kind(0xffff, 0xffff, 0xff00) == nil)
    }

    @Test("A name comes from pci.ids, else from the table, else from the id")
    func names() throws {
        var device = Self.device(0x1e52, 0x401e, 0x1200)
        #expect(Accelerator(device)?.name == "Tenstorrent Wormhole")
        device.vendor = "Maker"
        device.device = "Card"
        #expect(Accelerator(device)?.name == "Maker Card")
        #expect(Accelerator(Self.device(0x10de, 0x2684, 0x0300))?.name == "NVIDIA device 2684")
        #expect(Accelerator(Self.device(0xf00d, 0x0001, 0x1200))?.name == "vendor f00d device 0001")
    }

    @Test("Virtual functions and further functions of a card are the card")
    func functions() throws {
        var first = Self.device(0x10de, 0x2235, 0x0302, at: "0000:41:00.0")
        var second = Self.device(0x10de, 0x2235, 0x0302, at: "0000:41:01.0")
        second.physicalFunction = first.address
        #expect(Accelerator.all(of: [first, second]).map(\.address) == ["0000:41:00.0"])
        second.physicalFunction = nil
        #expect(Accelerator.all(of: [second, first]).map(\.address) == ["0000:41:00.0", "0000:41:01.0"])
        // A graphics unit and an NPU may share a slot.
        first = Self.device(0x8086, 0x7d55, 0x0300, at: "0000:00:02.0")
        second = Self.device(0x8086, 0x7d1d, 0x1200, at: "0000:00:02.1")
        #expect(Accelerator.all(of: [first, second]).map(\.kind) == [.gpu, .npu])
    }

    private func kind(_ vendor: Int, _ device: Int, _ code: Int) -> AcceleratorClass? {
        Accelerator(Self.device(vendor, device, code))?.kind
    }

    static func device(_ vendor: Int, _ device: Int, _ code: Int, at address: String = "0000:01:00.0") -> PCIDevice {
        PCIDevice(
            address: address, vendorID: vendor, deviceID: device, classID: code, revision: 0, subsystemVendorID: 0,
            subsystemID: 0)
    }
}
