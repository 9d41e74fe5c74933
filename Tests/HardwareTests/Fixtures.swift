import Foundation
import TestSupport

extension TemporaryDirectory {
    /// A PCI device with the files that the kernel makes for one.
    func device(_ address: String, vendor: Int, device: Int, class code: Int, config length: Int = 64) throws {
        let path = "/sys/bus/pci/devices/\(address)"
        try write("\(path)/vendor", "0x\(hex(vendor, 4))\n")
        try write("\(path)/device", "0x\(hex(device, 4))\n")
        try write("\(path)/class", "0x\(hex(code, 4))00\n")
        try write("\(path)/revision", "0xa1\n")
        try write("\(path)/subsystem_vendor", "0x1af4\n")
        try write("\(path)/subsystem_device", "0x1100\n")
        try write("\(path)/irq", "0\n")
        try write("\(path)/resource", String(repeating: "0x0000000000000000 0x0000000000000000 0x0\n", count: 7))
        var config = [UInt8](repeating: 0, count: 64)
        config[0] = UInt8(vendor & 0xff)
        config[1] = UInt8(vendor >> 8)
        config[2] = UInt8(device & 0xff)
        config[3] = UInt8(device >> 8)
        config[10] = UInt8(code & 0xff)
        config[11] = UInt8(code >> 8)
        try write("\(path)/config", Data(config.prefix(length)))
    }

    /// A pci.ids file of the tests' own, so that none needs the system's. Like that, it has names for 0.
    func ids() throws -> String {
        let lines = [
            "# as pci.ids(5) has it", "0000  Nobody", "\t0000  Nothing", "10de  Maker One", "\t0000  Card Zero",
            "\t20b2  Card One", "1002  Maker Two", "\t74a1  Card Two", "C 00  Unclassified", "\t00  Old",
            "C 03  Display controller", "\t02  Screenless controller",
        ]
        try write("/pci.ids", lines.joined(separator: "\n") + "\n")
        return path + "/pci.ids"
    }

    private func hex(_ value: Int, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

enum Fixtures {
    static let directory = Bundle.module.url(forResource: "Fixtures", withExtension: nil)

    static func path(_ name: String) throws -> String {
        guard let directory else { throw CocoaError(.fileNoSuchFile) }
        return directory.appendingPathComponent("\(name).lspci").path
    }
}
