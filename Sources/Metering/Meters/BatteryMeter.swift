import Accounting
import Core
import Glibc
package import Host

/// The power that a laptop draws from its battery: while it is unplugged that is the power of the whole machine, and stands in
/// for a wall meter. A battery discharges while the machine is plugged in, too, where the charger is too weak for what it does:
/// then it gives a part of the power, and no meter here the other.
///
/// `/sys/class/power_supply/<name>/`: `type`, `scope`, `present`, `status`, `online`, `power_now` (µW), `current_now` (µA),
/// `voltage_now` (µV); Documentation/ABI/testing/sysfs-class-power.
package enum BatteryMeter {
    fileprivate static let directory = "/sys/class/power_supply"
    /// The kernel asks an ACPI battery once a second at the most (drivers/acpi/battery.c, `cache_time`).
    private static let periodSeconds = 1.0
    /// ACPI tells whole milliwatts (_BST, ACPI specification 10.2.2.11).
    private static let resolutionMicrowatts = 1000.0

    package static func discover(_ host: HostRoot) -> [MeterListing] {
        ((try? host.list(directory)) ?? []).compactMap { listing(host, battery: $0) }
    }

    private static func listing(_ host: HostRoot, battery: String) -> MeterListing? {
        let path = "\(directory)/\(battery)"
        guard (try? host.read("\(path)/type")) == "Battery",
            // Those of a mouse or a headset say `Device`.
            (try? host.read("\(path)/scope")) != "Device", (try? host.integer("\(path)/present")) != 0
        else { return nil }
        let status = (try? host.read("\(path)/status")) ?? "Unknown"
        let power = "\(path)/power_now"
        let (voltage, current) = ("\(path)/voltage_now", "\(path)/current_now")
        let hasPower = (try? host.integer(power)) != nil
        let hasBoth = (try? host.integer(voltage)) != nil && (try? host.integer(current)) != nil
        var availability = MeterAvailability.available
        if !hasPower, !hasBoth, status == "Discharging" {
            availability = .unavailable(
                reason: "\(path) tells neither power_now nor voltage_now and current_now", remedy: nil)
        } else if status != "Discharging" {
            availability = .unavailable(
                reason:
                    "\(battery) is \(status.lowercased()): it measures the machine only while it discharges",
                // Just unplugged, or a driver that does not know.
                remedy: PowerSupplies(host).plugged == nil && !["Charging", "Not charging"].contains(status)
                    ? "it is used as soon as the kernel says that it discharges; no power supply is plugged in now"
                    : "unplug the power supply: the battery then measures the whole machine")
        } else if let mains = PowerSupplies(host).plugged {
            availability = .unavailable(
                reason:
                    "\(battery) discharges while \(mains) is plugged in: it gives only part of the machine's power",
                remedy: "unplug the power supply, or measure it: name a plug in taskwatt.yaml")
        }
        let description = MeterDescription(
            id: "battery/\(battery)", name: battery, scope: .battery, kind: .gauge,
            provenance: hasPower ? .measured : .derived,
            source: hasPower ? power : "\(voltage) × current_now", periodSeconds: periodSeconds,
            resolution: resolutionMicrowatts, plausiblePower: Power(watts: 500), silicon: battery,
            remarks: ["the whole machine while it runs on battery; plugged in, the time counts as a gap"])
        return MeterListing(description: description, availability: availability) {
            BatteryReader(
                status: TextFileReader(host: host, path: "\(path)/status"), supplies: PowerSupplies(host),
                power: hasPower
                    ? .file(NumberFileReader(host: host, path: power))
                    : .product(
                        NumberFileReader(host: host, path: voltage), NumberFileReader(host: host, path: current)))
        }
    }
}

private final class BatteryReader: MeterReader {
    enum Source {
        case file(NumberFileReader)
        /// µV × µA, which is pW.
        case product(NumberFileReader, NumberFileReader)
    }

    private let status: TextFileReader
    private let supplies: PowerSupplies
    private let power: Source

    init(status: TextFileReader, supplies: PowerSupplies, power: Source) {
        self.status = status
        self.supplies = supplies
        self.power = power
    }

    func read() -> Reading {
        do throws(HostError) {
            // What goes into the battery, or past it, is not the machine's power.
            // `Discharging` is the only status that begins so; `Charging`, `Full`, `Not charging`, `Unknown` are the others.
            let isDischarging = try status.read { $0.first == UInt8(ascii: "D") }
            guard isDischarging, supplies.plugged == nil else { return .noData(.onMains) }
            switch power {
            // Some drivers count a current out of the battery as negative.
            case .file(let file): return .gauge(microwatts: Int64(clamping: try file.read().magnitude))
            case .product(let voltage, let current):
                let product = Double(try voltage.read()) * Double(try current.read())
                return .gauge(microwatts: Int64(saturating: abs(product) / 1e6))
            }
        } catch {
            return Reading(error)
        }
    }
}

/// What the machine can be plugged into.
private struct PowerSupplies {
    private let host: HostRoot

    init(_ host: HostRoot) { self.host = host }

    /// The supply that is plugged in; `nil` where none is. `online` is 1 or, of one with a voltage that is agreed on, 2. Looked up
    /// each time, for a dock brings a supply of its own. As the kernel decides it: drivers/power/supply/power_supply_core.c,
    /// `power_supply_is_system_supplied`.
    var plugged: String? {
        let directory = BatteryMeter.directory
        return ((try? host.list(directory)) ?? []).first { name in
            let path = "\(directory)/\(name)"
            return (try? host.integer("\(path)/online")) ?? 0 > 0 && (try? host.read("\(path)/type")) != "Battery"
                && (try? host.read("\(path)/scope")) != "Device"
        }
    }
}
