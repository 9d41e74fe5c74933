import Foundation
import Host
import TestSupport
import Testing

@testable import Hardware

@Suite("Accelerators on USB")
struct USBDeviceTests {
    private func tree(_ devices: [(port: String, vendor: String, product: String)]) throws -> TemporaryDirectory {
        let tree = try TemporaryDirectory()
        for device in devices {
            try tree.write("/sys/bus/usb/devices/\(device.port)/idVendor", device.vendor + "\n")
            try tree.write("/sys/bus/usb/devices/\(device.port)/idProduct", device.product + "\n")
        }
        return tree
    }

    @Test(
        "A device is known by its id, and has its class",
        arguments: [
            ("1a6e", "089a", "tpu", "Google Coral USB Accelerator"),
            ("18d1", "9302", "tpu", "Google Coral USB Accelerator"),
            ("03e7", "2485", "npu", "Intel Movidius Myriad X"), ("03e7", "f63b", "npu", "Intel Movidius Myriad"),
            ("3231", "0100", "npu", "Kneron KL520"), ("05e3", "0769", "digital-asic", "Gyrfalcon Lightspeeur 2801S"),
        ])
    func known(_ vendor: String, _ product: String, _ kind: String, _ name: String) throws {
        let tree = try tree([("usb1", "1d6b", "0003"), ("1-2", vendor, product)])
        try tree.write("/sys/bus/usb/devices/1-2:1.0/bInterfaceClass", "ff\n")
        let found = Inventory.discover(tree.host).accelerators
        #expect(found.map(\.kind.rawValue) == [kind])
        #expect(found.first?.name == name && found.first?.address == "usb:1-2")
    }

    @Test("Hubs, phones of the same makers and broken ids are none")
    func none() throws {
        let tree = try tree([
            ("usb1", "1d6b", "0002"), ("1-1", "18d1", "4ee7"), ("1-3", "05e3", "0610"), ("1-4", "1a6e", "89a"),
            ("1-5", "zzzz", "089a"), ("1-6", "", ""), ("1-7", "1a6e1a6e", "089a"),
        ])
        #expect(Inventory.discover(tree.host).accelerators.isEmpty)
        #expect(USBDevice.all(tree.host).map(\.port) == ["1-1", "1-3", "usb1"])
        #expect(USBDevice.all(try TemporaryDirectory().host).isEmpty)
    }

    @Test(
        "What can be unplugged is no part of the machine: neither it nor its port makes another one, and the state has it"
    )
    func removable() throws {
        let (bare, plugged) = (try tree([]), try tree([("1-2", "18d1", "9302")]))
        let inventory = Inventory.discover(plugged.host)
        #expect(inventory.permanent == Inventory.discover(bare.host).permanent)
        #expect(inventory.accelerators.map(\.isRemovable) == [true])
        #expect(MachineState(plugged.host).removableAccelerators?.map(\.name) == ["Google Coral USB Accelerator"])
        #expect(MachineState(bare.host).removableAccelerators == nil)
    }
}
