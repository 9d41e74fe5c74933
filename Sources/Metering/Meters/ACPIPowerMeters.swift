import Accounting
import Core
import Host
import Sensors

/// What the ACPI power meters of this machine measure, which each of them may tell: `power*_oem_info`, a text of the firmware
/// (Documentation/hwmon/acpi_power_meter.rst; ACPI specification 10.4.1, _PMC).
///
/// NVIDIA's Grace has up to four a socket (NVIDIA Grace Performance Tuning Guide, Power Telemetry): `Module Power Socket 0`, the
/// whole module of CPU, GPU, memory and the losses of its regulators; `Grace Power Socket 0`, the CPU's socket; in that
/// `CPU Power Socket 0`, the rail of its cores, and `SysIO Power Socket 0`, the rail of the rest of the chip.
struct ACPIPowerMeters {
    private enum Part: String {
        case module = "Module"
        case grace = "Grace"
        case cpu = "CPU"
        case rest = "SysIO"
    }

    private struct Meter {
        var chip: HwmonChip
        var feature: SensorChip.Feature
        var info: String
        var isBattery: Bool
        var part: Part?
        var socket: String
        var id: String { HwmonMeter.id(chip, feature) }
    }

    private var meters: [Meter] = []
    private static let plausiblePower = Power(watts: 20_000)
    private static let sumID = "hwmon/power_meter-modules/power"

    init(_ chips: [HwmonChip], _ host: HostRoot) {
        for chip in chips where Self.isPowerMeter(chip) {
            for feature in chip.sensors.features where feature.kind == .power {
                let info = (try? host.read("\(chip.path)/\(feature.name)_oem_info")) ?? ""
                let words = info.split(separator: " ").map(String.init)
                let isKnown = words.count == 4 && words[1] == "Power" && words[2] == "Socket" && Int(words[3]) != nil
                let isBattery = (try? host.integer("\(chip.path)/\(feature.name)_is_battery")) == 1
                meters.append(
                    Meter(
                        chip: chip, feature: feature, info: info, isBattery: isBattery,
                        part: isKnown && !isBattery ? Part(rawValue: words[0]) : nil, socket: isKnown ? words[3] : ""))
            }
        }
    }

    /// drivers/hwmon/acpi_power_meter.c.
    static func isPowerMeter(_ chip: HwmonChip) -> Bool { ["power_meter", "acpi_power_meter"].contains(chip.driver) }

    private var modules: [Meter] { meters.filter { $0.part == .module } }
    private var untold: [Meter] { meters.filter { $0.part == nil && !$0.isBattery } }

    /// What the meter calls itself, where it does.
    func label(of id: String) -> String? {
        meters.first { $0.id == id }.flatMap { $0.info.isEmpty ? nil : $0.info }
    }

    func place(of id: String) -> (scope: MeterScope, silicon: String, remarks: [String]) {
        guard let meter = meters.first(where: { $0.id == id }) else { return (.rail, id, []) }
        switch meter.part {
        case .module:
            // More than one make up the board together.
            if modules.count == 1 { return (.system, "board", ["the whole module: CPU, GPU and memory"]) }
            return (.rail, id, ["one of \(modules.count) modules, whose sum is \(Self.sumID)"])
        case .grace: return (.package, "package-\(meter.socket)", ["the CPU's whole socket"])
        case .cpu:
            let hasSocket = meters.contains { $0.part == .grace && $0.socket == meter.socket }
            return hasSocket
                ? (.core, "package-\(meter.socket)/core", ["the rail of the CPU's cores"])
                : (
                    .package, "package-\(meter.socket)",
                    ["the rail of the CPU's cores, which stands for its socket: no meter here sees the rest of that"]
                )
        case .rest:
            return (.uncore, "package-\(meter.socket)/uncore", ["the rail of what is not cores on the CPU's chip"])
        case nil:
            if meter.isBattery { return (.rail, id, ["the firmware says that it measures a battery"]) }
            // One that is alone measures the machine, which is what such a meter is for.
            if meters.count(where: { !$0.isBattery }) == 1 { return (.system, "board", []) }
            return (.rail, id, [question(about: meter)])
        }
    }

    private func question(about meter: Meter) -> String {
        let others = untold.filter { $0.id != meter.id }.map { other in
            // One that does not measure now is a meter all the same: this one is not the machine's for that.
            let notes = [
                other.info.isEmpty ? nil : other.info, Self.measures(other) ? nil : "which does not measure now",
            ]
            let text = notes.compactMap(\.self).joined(separator: ", ")
            return other.id + (text.isEmpty ? "" : " (\(text))")
        }
        let which =
            others.isEmpty
            ? "it does not tell what it measures"
            : "it may be the whole machine's, as may \(others.joined(separator: ", "))"
        return
            "\(which), so it is in no total; if it is, say in taskwatt.yaml: overrides: {\"\(meter.id)\": {scope: system}}"
    }

    private static func measures(_ meter: Meter) -> Bool {
        guard let value = value(of: meter)?.value, value.isFinite else { return false }
        return plausibility.allows(Int64(saturating: value * 1e6))
    }

    private static let plausibility = Plausibility(least: 1, most: plausiblePower.microwatts)

    /// An average says more than a moment.
    private static func value(of meter: Meter) -> SensorChip.Value? {
        ["average", "input"].lazy.compactMap { name in
            meter.feature.values.first { $0.name == "\(meter.feature.name)_\(name)" }
        }.first
    }

    /// The machine's board, where it is several modules.
    func sum(_ host: HostRoot) -> [MeterListing] {
        let modules = modules
        guard modules.count > 1 else { return [] }
        let parts = modules.compactMap { meter in Self.value(of: meter).map { (chip: meter.chip, value: $0) } }
        guard parts.count == modules.count else { return [] }
        let intervals = modules.compactMap { meter in
            meter.feature.values.first { $0.name == "\(meter.feature.name)_average_interval" }?.value
        }
        let window = intervals.max().flatMap { (0.001...60).contains($0) ? $0 : nil }
        let description = MeterDescription(
            id: Self.sumID, name: "sum of \(modules.count) modules", scope: .system, kind: .gauge, provenance: .derived,
            source: modules.map(\.id).joined(separator: " + "), periodSeconds: window ?? 0.1,
            averagingSeconds: window ?? 0,
            resolution: 1, plausiblePower: Self.plausiblePower, silicon: "board")
        let broken = parts.map { HwmonMeter.availability([$0.value], in: $0.chip.path) }.first { !$0.isAvailable }
        return [
            MeterListing(description: description, availability: broken ?? .available) {
                SumReader(parts.map { HwmonMeter.number(host, $0.chip, $0.value, scale: 1e6) }, Self.plausibility)
            }
        ]
    }
}

/// Several gauges in microwatts, added up; a reading without one of them is none. Each is a module that runs: where one says what cannot
/// be, such as nothing, that is the reading, for in a sum it would not be seen.
private final class SumReader: MeterReader {
    private let parts: [SensorNumber]
    private let plausibility: Plausibility

    init(_ parts: [SensorNumber], _ plausibility: Plausibility) {
        self.parts = parts
        self.plausibility = plausibility
    }

    func read() -> Reading {
        do throws(HostError) {
            var sum = 0.0
            for part in parts {
                let microwatts = try part.read()
                guard plausibility.allows(microwatts) else { return .gauge(microwatts: microwatts) }
                sum += Double(microwatts)
            }
            return .gauge(microwatts: Int64(saturating: sum))
        } catch {
            return Reading(error)
        }
    }
}
