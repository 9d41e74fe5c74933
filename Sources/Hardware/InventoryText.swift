import Core
import Foundation
import Sensors

/// An inventory for people to read.
package enum InventoryText {
    package static func render(_ inventory: Inventory) -> String {
        var lines: [String] = []
        let cpu = inventory.cpu
        lines.append("CPU       \(cpu.model)")
        var shape = "\(cpu.sockets) socket\(plural(cpu.sockets)), \(cpu.cores) core\(plural(cpu.cores)), "
        shape += "\(cpu.threads) thread\(plural(cpu.threads))"
        switch (cpu.minimumMHz, cpu.maximumMHz) {
        case (let low?, let high?): shape += ", \(Self.whole(low)) to \(Self.whole(high)) MHz"
        case (nil, let high?): shape += ", up to \(Self.whole(high)) MHz"
        default: if let now = cpu.currentMHz { shape += ", now \(Self.whole(now)) MHz" }
        }
        lines.append("          \(shape)")
        if !cpu.features.isEmpty { lines.append("          \(cpu.features.joined(separator: " "))") }
        lines.append(
            "memory    \(gibibytes(inventory.memory.totalBytes)) GiB, swap \(gibibytes(inventory.memory.swapBytes)) GiB"
        )
        if let product = inventory.product { lines.append("machine   \(product)") }
        if let hypervisor = inventory.hypervisor { lines.append("virtual   \(HypervisorName.shown(hypervisor))") }
        lines.append("kernel    \(inventory.kernel)")

        lines += ["", "Accelerators"]
        if inventory.accelerators.isEmpty { lines.append("  none") }
        for accelerator in inventory.accelerators {
            let driver = accelerator.driver.map { "driver \($0)" } ?? "no driver"
            lines.append("  \(accelerator.address)  \(accelerator.kind.rawValue)  \(accelerator.name)  (\(driver))")
        }

        lines += ["", "PCI devices"]
        if inventory.pciDevices.isEmpty { lines.append("  none") }
        for device in inventory.pciDevices { lines += self.lines(device) }

        lines += ["", "Sensor chips"]
        if inventory.sensorChips.isEmpty { lines.append("  none") }
        for chip in inventory.sensorChips {
            lines.append("  \(chip.name)\(chip.adapter.map { " on \($0)" } ?? "")")
            for feature in chip.features {
                let value = feature.values.first { $0.name.hasSuffix("_input") || $0.name.hasSuffix("_average") }
                let reading =
                    value?.value.map { "\(short($0)) \(unit(feature.kind))" } ?? value?.problem ?? "no reading"
                lines.append("    \(feature.label): \(reading)")
            }
        }
        if !inventory.problems.isEmpty { lines += ["", "Problems"] + inventory.problems.map { "  \($0)" } }
        // What the firmware says of itself may hold anything.
        return lines.map { PrintableText.of($0) + "\n" }.joined()
    }

    private static func lines(_ device: PCIDevice) -> [String] {
        let ids = "\(PCIDevice.hex(device.vendorID)):\(PCIDevice.hex(device.deviceID))"
        let kind = device.className ?? "class \(PCIDevice.hex(device.classID))"
        var details = [device.driver.map { "driver \($0)" } ?? "no driver"]
        if let speed = device.linkSpeed, let width = device.linkWidth {
            var link = "link \(short(speed)) GT/s ×\(width)"
            if let most = device.maximumLinkSpeed, let widest = device.maximumLinkWidth,
                most != speed || widest != width
            {
                link += " of \(short(most)) GT/s ×\(widest)"
            }
            details.append(link)
        }
        if let node = device.numaNode { details.append("NUMA node \(node)") }
        if let problem = device.problem { details.append(problem) }
        return [
            "  \(device.address)  \(kind): \(device.title) [\(ids)]",
            "                \(details.joined(separator: ", "))",
        ]
    }

    private static func plural(_ count: Int) -> String { count == 1 ? "" : "s" }

    private static func gibibytes(_ bytes: Int64) -> String {
        short((Double(bytes) / 1_073_741_824 * 10).rounded() / 10)
    }

    /// Without decimals, however large: what a file of the system holds must end nothing.
    private static func whole(_ value: Double) -> String { FigureText.fixed(value, 0) }

    private static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? whole(value) : String((value * 1000).rounded() / 1000)
    }

    private static func unit(_ kind: SensorChip.Kind) -> String {
        switch kind {
        case .voltage: "V"
        case .fan: "rpm"
        case .temperature: "°C"
        case .power: "W"
        case .energy: "J"
        case .current: "A"
        case .humidity: "%"
        case .other: ""
        }
    }
}
