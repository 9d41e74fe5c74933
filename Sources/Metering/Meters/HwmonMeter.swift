import Core
import Host
import Sensors

/// Power and energy inputs of hwmon chips, found by libsensors and read from their files, which stay open.
///
/// Documentation/hwmon/sysfs-interface.rst: `power[1-*]_average` and `_input` in microwatts, `energy[1-*]_input` in
/// microjoules, `power[1-*]_average_interval` in milliseconds, `update_interval` in milliseconds.
enum HwmonMeter {
    static func discover(_ host: HostRoot) -> [MeterListing] {
        Sensors.chips().flatMap { chip in
            chip.features.compactMap { feature in
                switch feature.kind {
                case .energy: energy(host, chip, feature)
                case .power: power(host, chip, feature)
                default: nil
                }
            }
        }
    }

    private static func energy(_ host: HostRoot, _ chip: SensorChip, _ feature: SensorChip.Feature) -> MeterListing? {
        guard let value = feature.values.first(where: { $0.name == "\(feature.name)_input" }) else { return nil }
        let path = "\(chip.path)/\(value.name)"
        let place = Place(chip, host)
        let description = MeterDescription(
            id: "hwmon/\(chip.name)/\(feature.name)", name: name(chip, feature), scope: place.scope, kind: .counter,
            provenance: .measured, source: path, periodSeconds: updateInterval(host, chip) ?? 0.001, resolution: 1,
            // 64-bit counters of microjoules do not wrap in a machine's life; the chip's own width is not told.
            rangeMicrojoules: nil, plausiblePower: place.plausiblePower, silicon: place.silicon(feature),
            remarks: place.remarks)
        return MeterListing(description: description, availability: availability(value, path: path)) {
            CounterFileReader(host: host, path: path)
        }
    }

    private static func power(_ host: HostRoot, _ chip: SensorChip, _ feature: SensorChip.Feature) -> MeterListing? {
        // An average says more than a moment, where the chip has both.
        let average = feature.values.first { $0.name == "\(feature.name)_average" }
        guard let value = average ?? feature.values.first(where: { $0.name == "\(feature.name)_input" }) else {
            return nil
        }
        let path = "\(chip.path)/\(value.name)"
        let place = Place(chip, host)
        // libsensors gives the interval in seconds; the file has milliseconds.
        let window =
            average == nil ? nil : feature.values.first { $0.name == "\(feature.name)_average_interval" }?.value
        let period = updateInterval(host, chip) ?? window ?? 0.1
        let description = MeterDescription(
            id: "hwmon/\(chip.name)/\(feature.name)", name: name(chip, feature), scope: place.scope, kind: .gauge,
            provenance: .measured, source: path, periodSeconds: period, averagingSeconds: window ?? 0, resolution: 1,
            plausiblePower: place.plausiblePower, silicon: place.silicon(feature), remarks: place.remarks)
        return MeterListing(description: description, availability: availability(value, path: path)) {
            GaugeFileReader(host: host, path: path)
        }
    }

    private static func name(_ chip: SensorChip, _ feature: SensorChip.Feature) -> String {
        feature.label == feature.name ? "\(chip.driver) \(feature.name)" : "\(chip.driver) \(feature.label)"
    }

    private static func availability(_ value: SensorChip.Value, path: String) -> MeterAvailability {
        guard let problem = value.problem else { return .available }
        let remedy = problem == "not readable" || problem.contains("ermission") ? "sudo chmod a+r \(path)" : nil
        return .unavailable(reason: "\(path) cannot be read: \(problem)", remedy: remedy)
    }

    private static func updateInterval(_ host: HostRoot, _ chip: SensorChip) -> Double? {
        (try? host.integer("\(chip.path)/update_interval")).flatMap { $0 > 0 ? Double($0) / 1000 : nil }
    }

    /// Where a chip sits, as far as its driver tells.
    private struct Place {
        var scope: MeterScope
        var plausiblePower: Power
        var remarks: [String] = []
        private var device: String

        init(_ chip: SensorChip, _ host: HostRoot) {
            // The PCI address of a GPU, so that its own library's meter of it is known to be the same silicon.
            device = (try? host.linkTarget("\(chip.path)/device")) ?? chip.name
            switch chip.driver {
            // drivers/gpu/drm: amdgpu_pm.c, i915_hwmon.c, xe_hwmon.c, nouveau_hwmon.c.
            case "amdgpu", "radeon", "i915", "xe", "nouveau":
                scope = .accelerator
                plausiblePower = Power(watts: 3000)
            // drivers/hwmon/acpi_power_meter.c.
            case "power_meter", "acpi_power_meter":
                scope = .system
                plausiblePower = Power(watts: 20_000)
            // drivers/hwmon/fam15h_power.c: the power of the processor's package.
            case "fam15h_power":
                scope = .package
                plausiblePower = Power(watts: 1500)
            default:
                scope = .rail
                plausiblePower = Power(watts: 20_000)
                remarks = ["where \(chip.driver) sits is not known, so it is in no total"]
            }
        }

        /// All meters of one GPU are of the same silicon: one of them counts.
        func silicon(_ feature: SensorChip.Feature) -> String {
            scope == .rail ? "\(device)/\(feature.name)" : device
        }
    }
}
