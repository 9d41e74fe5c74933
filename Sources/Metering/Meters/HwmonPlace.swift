import Core
import Host
import Sensors

/// Where a chip of hwmon sits, as far as its driver tells.
struct HwmonPlace {
    let name: String
    let scope: MeterScope
    let plausiblePower: Power
    let silicon: String
    let remarks: [String]
    /// The id of the meter of the whole, where this is one of a part of it.
    private(set) var parentID: String?

    init(_ chip: HwmonChip, _ feature: SensorChip.Feature, _ acpi: ACPIPowerMeters, _ host: HostRoot) {
        let id = HwmonMeter.id(chip, feature)
        let label = feature.label == feature.name ? acpi.label(of: id) ?? feature.name : feature.label
        name = "\(chip.driver) \(label)"
        // The driver's own word, whatever sensors.conf calls it, and that.
        let own = try? host.read("\(chip.path)/\(feature.name)_label")
        let labels = [own, feature.label].compactMap { $0 }
        // The PCI address of a GPU, by which its own library's meter of it is known to be the same silicon.
        let device = chip.node ?? chip.name
        switch chip.driver {
        // An APU has the voltage `vddnb` (amdgpu_pm.c), and its power is that of the processor's whole package.
        case "amdgpu" where Self.isAPU(chip, host):
            scope = .package
            plausiblePower = Power(watts: 1500)
            silicon = "package-0"
            remarks = ["an APU: its power is that of the whole package, processor and graphics"]
        // drivers/gpu/drm: amdgpu_pm.c, i915_hwmon.c, xe_hwmon.c, nouveau_hwmon.c. All meters of one GPU are of the same
        // silicon, and one of them counts.
        case "amdgpu", "radeon", "i915", "xe", "nouveau":
            scope = .accelerator
            plausiblePower = Power(watts: 3000)
            silicon = device
            // Documentation/ABI/testing/sysfs-driver-intel-xe-hwmon: a card's energy and that of the package on it.
            let card = labels.contains("pkg") ? chip.sensors.features.first { Self.isCard($0, chip, host) } : nil
            parentID = card.map { HwmonMeter.id(chip, $0) }
            remarks = card == nil ? [] : ["the GPU's package, which is a part of what the card takes"]
        // Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon: `i915_gt0` and so on, one for each of a GPU's graphics tiles.
        case _ where chip.driver.hasPrefix("i915_gt") || chip.driver.hasPrefix("xe_gt"):
            scope = .rail
            plausiblePower = Power(watts: 3000)
            silicon = "\(device)/\(chip.driver)"
            remarks = ["a part of the GPU, whose whole is measured by the chip of the card"]
        case _ where ACPIPowerMeters.isPowerMeter(chip):
            let place = acpi.place(of: id)
            scope = place.scope
            plausiblePower = Power(watts: 20_000)
            silicon = place.silicon
            remarks = place.remarks
        // drivers/hwmon/fam15h_power.c: the power of the processor's package.
        case "fam15h_power":
            scope = .package
            plausiblePower = Power(watts: 1500)
            silicon = device
            remarks = []
        // RAPL's counters of AMD, `Esocket0` of a package and `Ecore000` of a core (Documentation/hwmon/amd_energy.rst).
        case "amd_energy" where labels.contains { Self.number(in: $0, after: "Esocket") != nil }:
            scope = .package
            plausiblePower = Power(watts: 1500)
            silicon = "package-\(labels.compactMap { Self.number(in: $0, after: "Esocket") }.first ?? 0)"
            remarks = []
        case "amd_energy" where labels.contains { $0.hasPrefix("Ecore") }:
            scope = .core
            plausiblePower = Power(watts: 1500)
            silicon = "\(chip.name)/\(feature.name)"
            remarks = []
        // Ampere's Altra and its forebears (drivers/hwmon/xgene-hwmon.c): a chip for each socket.
        case "apm_xgene" where labels.contains("CPU power"):
            scope = .package
            plausiblePower = Power(watts: 1500)
            silicon = device
            remarks = ["the CPU's processor modules, without its IO"]
        case "apm_xgene" where labels.contains("IO power"):
            scope = .uncore
            plausiblePower = Power(watts: 1500)
            silicon = "\(device)/uncore"
            remarks = ["the IO of the CPU's chip, beside its processor modules"]
        // NVIDIA's Jetson modules: this rail feeds the module (Jetson Linux Developer Guide, Software-Based Power
        // Consumption Modeling).
        case "ina3221" where labels.contains { ["VDD_IN", "POM_5V_IN"].contains($0) }:
            scope = .system
            plausiblePower = Power(watts: 500)
            silicon = "board"
            remarks = ["the input of the whole module"]
        // Apple's Macs with Linux: arch/arm64/boot/dts/apple/hwmon-common.dtsi.
        case "macsmc_hwmon" where labels.contains("Total System Power"):
            scope = .system
            plausiblePower = Power(watts: 500)
            silicon = "board"
            remarks = []
        default:
            scope = .rail
            plausiblePower = Power(watts: 20_000)
            silicon = "\(chip.name)/\(feature.name)"
            remarks = [
                "where \(chip.driver) sits is not known, so it is in no total; if you know, give it its scope in taskwatt.yaml, such "
                    + "as overrides: {\"\(id)\": {scope: package}}"
            ]
        }
    }

    private static func isAPU(_ chip: HwmonChip, _ host: HostRoot) -> Bool {
        chip.sensors.features.contains { feature in
            feature.kind == .voltage
                && (feature.label == "vddnb" || (try? host.read("\(chip.path)/\(feature.name)_label")) == "vddnb")
        }
    }

    /// Of energy as of a package's, so that both are of one kind.
    private static func isCard(_ feature: SensorChip.Feature, _ chip: HwmonChip, _ host: HostRoot) -> Bool {
        [.energy, .power].contains(feature.kind) && feature.values.contains { $0.name.hasSuffix("_input") }
            && [feature.label, try? host.read("\(chip.path)/\(feature.name)_label")].contains("card")
    }

    private static func number(in label: String, after prefix: String) -> Int? {
        label.hasPrefix(prefix) ? Int(label.dropFirst(prefix.count)) : nil
    }
}

/// A rail of a chip that tells voltage and current and no power.
struct HwmonRail {
    /// The current's feature, by which the rail goes; with the voltage's label where that says more.
    let feature: SensorChip.Feature
    let voltage: SensorChip.Value
    let current: SensorChip.Value

    /// Voltages and currents that belong together: by PMBus's names (`vin` and `iin`, `vout1` and `iout1`;
    /// Documentation/hwmon/pmbus.rst), by equal labels, else by equal numbers.
    static func pairs(of chip: SensorChip) -> [HwmonRail] {
        let voltages = chip.features.filter { $0.kind == .voltage }
        return chip.features.filter { $0.kind == .current }.compactMap { current in
            guard let voltage = voltages.first(where: { belong($0, current) }),
                let volts = voltage.values.first(where: { $0.name == "\(voltage.name)_input" }),
                let amperes = current.values.first(where: { $0.name == "\(current.name)_input" }),
                // The voltage over a shunt is some millivolts and has nothing to do with the rail's.
                volts.value ?? 1 >= 0.5
            else { return nil }
            var feature = current
            if current.label == current.name, voltage.label != voltage.name { feature.label = voltage.label }
            return HwmonRail(feature: feature, voltage: volts, current: amperes)
        }
    }

    private static func belong(_ voltage: SensorChip.Feature, _ current: SensorChip.Feature) -> Bool {
        let (v, i) = (voltage.label.lowercased(), current.label.lowercased())
        let hasOwnLabel = current.label != current.name
        if hasOwnLabel, v.first == "v", i.first == "i", v.dropFirst() == i.dropFirst() { return true }
        if hasOwnLabel, voltage.label != voltage.name { return v == i }
        return voltage.name.drop { $0.isLetter } == current.name.drop { $0.isLetter }
    }
}
