import Core
import Host
import Sensors

/// Power and energy of hwmon chips, found by libsensors and read from their files, which stay open.
///
/// Documentation/hwmon/sysfs-interface.rst: `power[1-*]_average` and `_input` in microwatts, `energy[1-*]_input` in
/// microjoules, `in[0-*]_input` in millivolts, `curr[1-*]_input` in milliamperes, `power[1-*]_average_interval` and
/// `update_interval` in milliseconds.
enum HwmonMeter {
    static func discover(_ host: HostRoot) -> [MeterListing] {
        Sensors.chips().flatMap { listings(of: $0, host) }
    }

    /// Counters first: of a chip that has energy and power of the same silicon the counter is the one that counts.
    static func listings(of chip: SensorChip, _ host: HostRoot) -> [MeterListing] {
        let energies = chip.features.filter { $0.kind == .energy }.compactMap { energy(host, chip, $0) }
        let powers = chip.features.filter { $0.kind == .power }.compactMap { power(host, chip, $0) }
        let measured = energies + powers
        return measured.isEmpty ? HwmonRail.pairs(of: chip).map { derived(host, chip, $0) } : measured
    }

    private static func energy(_ host: HostRoot, _ chip: SensorChip, _ feature: SensorChip.Feature) -> MeterListing? {
        guard let value = feature.values.first(where: { $0.name == "\(feature.name)_input" }) else { return nil }
        let path = "\(chip.path)/\(value.name)"
        let place = HwmonPlace(chip, feature, host)
        let description = MeterDescription(
            id: "hwmon/\(chip.name)/\(feature.name)", name: name(chip, feature), scope: place.scope, kind: .counter,
            provenance: .measured, source: path, periodSeconds: updateInterval(host, chip) ?? 0.001, resolution: 1,
            // 64-bit counters of microjoules do not wrap in a machine's life; the chip's own width is not told.
            rangeMicrojoules: nil, plausiblePower: place.plausiblePower, silicon: place.silicon,
            remarks: place.remarks)
        return MeterListing(description: description, availability: availability([value], path: path)) {
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
        let place = HwmonPlace(chip, feature, host)
        // libsensors gives the interval in seconds; the file has milliseconds.
        let window =
            average == nil
            ? nil : feature.values.first { $0.name == "\(feature.name)_average_interval" }?.value.flatMap(sensible)
        let period = updateInterval(host, chip) ?? window ?? 0.1
        let description = MeterDescription(
            id: "hwmon/\(chip.name)/\(feature.name)", name: name(chip, feature), scope: place.scope, kind: .gauge,
            provenance: .measured, source: path, periodSeconds: period, averagingSeconds: window ?? 0, resolution: 1,
            plausiblePower: place.plausiblePower, silicon: place.silicon, remarks: place.remarks)
        return MeterListing(description: description, availability: availability([value], path: path)) {
            GaugeFileReader(host: host, path: path)
        }
    }

    /// Voltage × current, of a chip that tells only these.
    private static func derived(_ host: HostRoot, _ chip: SensorChip, _ rail: HwmonRail) -> MeterListing {
        let (voltage, current) = ("\(chip.path)/\(rail.voltage.name)", "\(chip.path)/\(rail.current.name)")
        let place = HwmonPlace(chip, rail.feature, host)
        let description = MeterDescription(
            id: "hwmon/\(chip.name)/\(rail.feature.name)", name: name(chip, rail.feature), scope: place.scope,
            kind: .gauge, provenance: .derived, source: "\(voltage) × \(rail.current.name)",
            periodSeconds: updateInterval(host, chip) ?? 0.1,
            // A millivolt and a milliampere, at what flows now.
            resolution: max(1, 1000 * ((rail.voltage.value ?? 0) + (rail.current.value ?? 0))),
            plausiblePower: place.plausiblePower, silicon: place.silicon, remarks: place.remarks)
        return MeterListing(
            description: description, availability: availability([rail.voltage, rail.current], path: voltage)
        ) {
            ProductFileReader(host: host, millivolts: voltage, milliamperes: current)
        }
    }

    private static func name(_ chip: SensorChip, _ feature: SensorChip.Feature) -> String {
        feature.label == feature.name ? "\(chip.driver) \(feature.name)" : "\(chip.driver) \(feature.label)"
    }

    private static func availability(_ values: [SensorChip.Value], path: String) -> MeterAvailability {
        guard let problem = values.compactMap(\.problem).first else { return .available }
        let remedy = problem == "not readable" || problem.contains("ermission") ? "sudo chmod a+r \(path)" : nil
        return .unavailable(reason: "\(path) cannot be read: \(problem)", remedy: remedy)
    }

    private static func updateInterval(_ host: HostRoot, _ chip: SensorChip) -> Double? {
        (try? host.integer("\(chip.path)/update_interval")).flatMap { sensible(Double($0) / 1000) }
    }

    /// Firmware that does not know an interval says 0 or the largest number that there is.
    private static func sensible(_ seconds: Double) -> Double? { (0.001...60).contains(seconds) ? seconds : nil }
}
