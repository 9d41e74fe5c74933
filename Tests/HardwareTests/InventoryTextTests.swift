import Foundation
import TestSupport
import Testing

@testable import Hardware

@Suite("Inventory as text")
struct InventoryTextTests {
    private func machine(_ fixture: String) throws -> Inventory {
        let scan = PCIScan.dump(try Fixtures.path(fixture), ids: "/nowhere/pci.ids")
        return Inventory(
            cpu: Processor(cpuinfo: CPUInfo.xeon(sockets: 2, cores: 56)),
            memory: Inventory.Memory(totalBytes: 2 << 40, swapBytes: 0), kernel: "6.1.0",
            accelerators: Accelerator.all(of: scan.devices), pciDevices: scan.devices, sensorChips: [],
            problems: scan.problems)
    }

    @Test("A server")
    func server() throws {
        let text = InventoryText.render(try machine("dgx-a100"))
        #expect(text.contains("CPU       Intel(R) Xeon(R) Platinum 8480+\n"))
        #expect(text.contains("2 sockets, 112 cores, 224 threads, now 800 MHz\n"))
        #expect(text.contains("memory    2048 GiB, swap 0 GiB\n"))
        #expect(text.contains("0000:07:00.0  gpu  NVIDIA device 20b2  (no driver)\n"))
        #expect(text.components(separatedBy: "  gpu  ").count == 9)
        #expect(text.contains("[10de:20b2]\n                no driver, link 16 GT/s ×16\n"))
        #expect(!text.contains("Problems"))
        #expect(text.hasSuffix("\n"))
    }

    @Test("A link that could be more says so")
    func downgraded() throws {
        let text = InventoryText.render(try machine("geforce-desktop"))
        #expect(text.contains("link 2.5 GT/s ×8 of 16 GT/s ×16\n"))
    }

    @Test("The clock: the range where there is one, else the present")
    func clock() throws {
        var inventory = try machine("no-accelerator")
        inventory.cpu.minimumMHz = 800
        inventory.cpu.maximumMHz = 3800
        #expect(InventoryText.render(inventory).contains(", 800 to 3800 MHz\n"))
        inventory.cpu.minimumMHz = nil
        #expect(InventoryText.render(inventory).contains(", up to 3800 MHz\n"))
        inventory.cpu.maximumMHz = nil
        inventory.cpu.currentMHz = 2596.13
        #expect(InventoryText.render(inventory).contains(", now 2596 MHz\n"))
        inventory.cpu.currentMHz = nil
        #expect(InventoryText.render(inventory).contains("224 threads\n"))
    }

    @Test("A machine with nothing, and its problems")
    func bare() throws {
        let tree = try TemporaryDirectory()
        var inventory = Inventory.discover(tree.host)
        inventory.sensorChips = []
        inventory.problems = ["libpci: it broke"]
        let text = InventoryText.render(inventory)
        #expect(text.contains("1 socket, 1 core, 1 thread\n"))
        #expect(text.contains("Accelerators\n  none\n\nPCI devices\n  none\n\nSensor chips\n  none\n"))
        #expect(text.hasSuffix("Problems\n  libpci: it broke\n"))
    }

    @Test("Sensors: a reading with its unit, or why there is none")
    func sensors() throws {
        let chip = """
            [{"name": "amdgpu-pci-0300", "driver": "amdgpu", "adapter": "PCI adapter", "path": "/sys/class/hwmon/hwmon0",
              "features": [
                {"name": "power1", "label": "PPT", "kind": "power", "values": [{"name": "power1_average", "value": 87.5}]},
                {"name": "temp1", "label": "edge", "kind": "temperature",
                 "values": [{"name": "temp1_input", "problem": "Can't read"}]},
                {"name": "fan1", "label": "fan1", "kind": "fan", "values": []}]}]
            """
        var inventory = try machine("mi210-server")
        let decoder = JSONDecoder()
        // The module of the chips is not this test's to import; the wire form is as good.
        inventory.sensorChips = try decoder.decode(type(of: inventory.sensorChips), from: Data(chip.utf8))
        let text = InventoryText.render(inventory)
        #expect(
            text.contains(
                "  amdgpu-pci-0300 on PCI adapter\n    PPT: 87.5 W\n    edge: Can't read\n    fan1: no reading\n"))
    }

    @Test("An inventory comes back from JSON as it was")
    func roundTrip() throws {
        let inventory = try machine("tenstorrent")
        let data = try JSONEncoder().encode(inventory)
        #expect(try JSONDecoder().decode(Inventory.self, from: data) == inventory)
    }
}
