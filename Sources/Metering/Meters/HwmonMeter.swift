import Core
import Glibc
package import Host
import Sensors

/// Power and energy of hwmon chips, found by libsensors and read from their files, which stay open; by libsensors where
/// sensors.conf has something computed of them.
///
/// Documentation/hwmon/sysfs-interface.rst: `power[1-*]_average` and `_input` in microwatts, `energy[1-*]_input` in
/// microjoules, `in[0-*]_input` in millivolts, `curr[1-*]_input` in milliamperes, `power[1-*]_average_interval` and
/// `update_interval` in milliseconds.
package enum HwmonMeter {
    package static func discover(_ host: HostRoot) -> [MeterListing] {
        listings(of: HwmonChip.named(SensorFiles.completed(Sensors.chips(), host), host), host)
    }

    package static func listings(of chips: [HwmonChip], _ host: HostRoot) -> [MeterListing] {
        let acpi = ACPIPowerMeters(chips, host)
        return chips.flatMap { listings(of: $0, acpi, host) } + acpi.sum(host)
    }

    /// Counters first: of a chip that has energy and power of the same silicon the counter is the one that counts.
    private static func listings(of chip: HwmonChip, _ acpi: ACPIPowerMeters, _ host: HostRoot) -> [MeterListing] {
        let features = chip.sensors.features
        let energies = features.filter { $0.kind == .energy }.compactMap { energy(host, chip, $0, acpi) }
        let powers = features.filter { $0.kind == .power }.compactMap { power(host, chip, $0, acpi) }
        let measured = energies + powers
        return measured.isEmpty ? HwmonRail.pairs(of: chip.sensors).map { derived(host, chip, $0, acpi) } : measured
    }

    /// The id of a meter of a chip.
    static func id(_ chip: HwmonChip, _ feature: SensorChip.Feature) -> String { "hwmon/\(chip.name)/\(feature.name)" }

    private static func energy(
        _ host: HostRoot, _ chip: HwmonChip, _ feature: SensorChip.Feature, _ acpi: ACPIPowerMeters
    ) -> MeterListing? {
        guard let value = feature.values.first(where: { $0.name == "\(feature.name)_input" }) else { return nil }
        let place = HwmonPlace(chip, feature, acpi, host)
        let description = MeterDescription(
            id: id(chip, feature), name: place.name, scope: place.scope, kind: .counter,
            provenance: .measured, source: "\(chip.path)/\(value.name)",
            periodSeconds: updateInterval(host, chip) ?? 0.001, resolution: 1,
            // 64-bit counters of microjoules do not wrap in a machine's life; the chip's own width is not told.
            rangeMicrojoules: nil, plausiblePower: place.plausiblePower, parentID: place.parentID,
            silicon: place.silicon,
            remarks: place.remarks)
        return listing(host, chip, feature, description, [value]) {
            CounterFileReader(number(host, chip, value, scale: 1e6))
        }
    }

    private static func power(
        _ host: HostRoot, _ chip: HwmonChip, _ feature: SensorChip.Feature, _ acpi: ACPIPowerMeters
    ) -> MeterListing? {
        // An average says more than a moment, where the chip has both.
        let average = feature.values.first { $0.name == "\(feature.name)_average" }
        guard let value = average ?? feature.values.first(where: { $0.name == "\(feature.name)_input" }) else {
            return nil
        }
        let place = HwmonPlace(chip, feature, acpi, host)
        // libsensors gives the interval in seconds; the file has milliseconds.
        let window =
            average == nil
            ? nil : feature.values.first { $0.name == "\(feature.name)_average_interval" }?.value.flatMap(sensible)
        let period = updateInterval(host, chip) ?? window ?? 0.1
        var description = MeterDescription(
            id: id(chip, feature), name: place.name, scope: place.scope, kind: .gauge,
            provenance: .measured, source: "\(chip.path)/\(value.name)", periodSeconds: period,
            averagingSeconds: window ?? 0, resolution: 1, plausiblePower: place.plausiblePower,
            parentID: place.parentID, silicon: place.silicon,
            remarks: place.remarks)
        description.accuracy = accuracy(host, chip, feature)
        return listing(host, chip, feature, description, [value]) {
            GaugeFileReader(number(host, chip, value, scale: 1e6))
        }
    }

    /// What an ACPI power meter's firmware says of itself, `95.0%` of a meter that is within 5 % (ACPI specification 10.4.1, _PMC;
    /// drivers/hwmon/acpi_power_meter.c, which writes thousandths without their leading zeros). Some firmware gives the error instead:
    /// no meter is off by more than half. 100 % is what it says that knows nothing.
    private static func accuracy(
        _ host: HostRoot, _ chip: HwmonChip, _ feature: SensorChip.Feature
    ) -> StatedAccuracy? {
        guard let text = try? host.read("\(chip.path)/\(feature.name)_accuracy"),
            let percent = Double(text.prefix { $0.isNumber || $0 == "." }), percent > 0, percent < 100
        else { return nil }
        let relative = (percent >= 50 ? 100 - percent : percent) / 100
        return StatedAccuracy(relative, source: "\(feature.name)_accuracy, by the firmware")
    }

    /// Voltage × current, of a chip that tells only these.
    private static func derived(
        _ host: HostRoot, _ chip: HwmonChip, _ rail: HwmonRail, _ acpi: ACPIPowerMeters
    ) -> MeterListing {
        let (voltage, current) = (rail.voltage, rail.current)
        let place = HwmonPlace(chip, rail.feature, acpi, host)
        let description = MeterDescription(
            id: id(chip, rail.feature), name: place.name, scope: place.scope,
            kind: .gauge, provenance: .derived, source: "\(chip.path)/\(voltage.name) × \(current.name)",
            periodSeconds: updateInterval(host, chip) ?? 0.1,
            // A millivolt and a milliampere, at what flows now.
            resolution: max(1, 1000 * ((voltage.value ?? 0) + (current.value ?? 0))),
            plausiblePower: place.plausiblePower, silicon: place.silicon, remarks: place.remarks)
        return listing(host, chip, rail.feature, description, [voltage, current]) {
            ProductFileReader(
                millivolts: number(host, chip, voltage, scale: 1e3),
                milliamperes: number(host, chip, current, scale: 1e3))
        }
    }

    private static func listing(
        _ host: HostRoot, _ chip: HwmonChip, _ feature: SensorChip.Feature, _ description: MeterDescription,
        _ values: [SensorChip.Value],
        open: @escaping @Sendable () -> any MeterReader
    ) -> MeterListing {
        var listing = MeterListing(
            description: description, availability: availability(values, in: chip.path), open: open)
        // A GPU in runtime suspend refuses reads (drivers/gpu/drm/amd/pm/amdgpu_pm.c: EPERM). It is known, and joins when it wakes.
        if description.scope == .accelerator, !listing.availability.isAvailable,
            values.allSatisfy({ access(host.path("\(chip.path)/\($0.name)"), R_OK) == 0 })
        {
            listing.availability = .available
            listing.description.remarks.append("it cannot be read now; it may be asleep, and joins when it wakes")
        }
        listing.formerIDs = chip.formerName.map { ["hwmon/\($0)/\(feature.name)"] } ?? []
        return listing
    }

    /// - Parameter scale: how many of the file's units are one of libsensors'.
    static func number(
        _ host: HostRoot, _ chip: HwmonChip, _ value: SensorChip.Value, scale: Double
    ) -> SensorNumber {
        let (name, path) = (value.name, chip.path)
        // libsensors reads this machine, whatever stands in for it.
        let library: @Sendable () -> SensorReading = { Sensors.value(name, of: path) }
        return SensorNumber(
            host: host, path: "\(path)/\(name)", scale: scale, library: host.isThisMachine ? library : nil)
    }

    static func availability(_ values: [SensorChip.Value], in directory: String) -> MeterAvailability {
        guard let value = values.first(where: { $0.problem != nil }), let problem = value.problem else {
            return .available
        }
        let path = "\(directory)/\(value.name)"
        let remedy = problem == "not readable" || problem.contains("ermission") ? "sudo chmod a+r \(path)" : nil
        return .unavailable(reason: "\(path) cannot be read: \(problem)", remedy: remedy)
    }

    private static func updateInterval(_ host: HostRoot, _ chip: HwmonChip) -> Double? {
        (try? host.integer("\(chip.path)/update_interval")).flatMap { sensible(Double($0) / 1000) }
    }

    /// Firmware that does not know an interval says 0 or the largest number that there is.
    private static func sensible(_ seconds: Double) -> Double? { (0.001...60).contains(seconds) ? seconds : nil }
}

/// libsensors lists a chip's values by its name, so that several chips of one name all seem to have the values of the first
/// (lm-sensors, lib/access.c, `sensors_lookup_chip`). Here each has those that its directory holds.
enum SensorFiles {
    private static let kinds: [(prefix: String, kind: SensorChip.Kind, scale: Double)] = [
        ("power", .power, 1e6), ("energy", .energy, 1e6), ("curr", .current, 1e3), ("in", .voltage, 1e3),
    ]

    static func completed(_ chips: [SensorChip], _ host: HostRoot) -> [SensorChip] {
        var firsts: [String: String] = [:]
        return chips.map { chip in
            guard let first = firsts[chip.name] else {
                firsts[chip.name] = chip.path
                return chip
            }
            return completed(chip, first: first, host)
        }
    }

    private static func completed(_ chip: SensorChip, first: String, _ host: HostRoot) -> SensorChip {
        var chip = chip
        chip.features = chip.features.compactMap { feature in
            var feature = feature
            feature.values.removeAll { !host.exists("\(chip.path)/\($0.name)") }
            return feature.values.isEmpty ? nil : feature
        }
        let names = ((try? host.list(chip.path)) ?? []).filter { $0.hasSuffix("_input") || $0.hasSuffix("_average") }
        for name in names {
            let feature = String(name.prefix { $0 != "_" })
            // What the first has as well and is not listed is ignored by sensors.conf.
            guard !host.exists("\(first)/\(name)"),
                let (_, kind, scale) = kinds.first(where: {
                    feature.hasPrefix($0.prefix) && Int(feature.dropFirst($0.prefix.count)) != nil
                })
            else { continue }
            let value: SensorChip.Value
            do throws(HostError) {
                value = SensorChip.Value(name: name, value: Double(try host.integer("\(chip.path)/\(name)")) / scale)
            } catch {
                value = SensorChip.Value(name: name, problem: error.reason)
            }
            if let index = chip.features.firstIndex(where: { $0.name == feature }) {
                chip.features[index].values.append(value)
            } else {
                let label = (try? host.read("\(chip.path)/\(feature)_label")) ?? feature
                chip.features.append(SensorChip.Feature(name: feature, label: label, kind: kind, values: [value]))
            }
        }
        return chip
    }
}
