import Core
import Foundation
import Host

/// Where the power comes from, and what holds it down.
enum PowerChecks {
    /// Packages that may take less than their maximum for long: constraint 0 of RAPL is the long-term one.
    /// Documentation/power/powercap/powercap.rst, Documentation/ABI/testing/sysfs-class-powercap; in µW.
    static func limits(_ host: HostRoot) -> Check {
        let subject = CheckSubject("power-limits", "Power limits")
        let directory = "/sys/class/powercap"
        let zones = ((try? host.list(directory)) ?? []).filter { $0.split(separator: ":").count == 2 }
        var limited: [String] = []
        var stated: [String] = []
        for zone in zones {
            let path = "\(directory)/\(zone)"
            guard let limit = try? host.integer("\(path)/constraint_0_power_limit_uw"), limit > 0,
                let maximum = try? host.integer("\(path)/constraint_0_max_power_uw"), maximum > 0
            else { continue }
            let name = (try? host.read("\(path)/name")) ?? zone
            // A zone that is not enabled has limits that do not hold.
            if limit < maximum, (try? host.integer("\(path)/enabled")) != 0 {
                limited.append("\(name) to \(watts(limit)) of \(watts(maximum)) (\(zone))")
            } else {
                stated.append("\(name) \(watts(maximum))")
            }
        }
        if !limited.isEmpty {
            return subject.warn(
                "limited: \(limited.joined(separator: ", "))",
                remedy:
                    "change the limit in the firmware or in the program that set it (thermald, tuned, a battery profile)"
            )
        }
        if stated.isEmpty { return subject.unknown("no powercap zone states a limit") }
        return subject.pass("none below the maximum: \(stated.joined(separator: ", "))")
    }

    private static func watts(_ microwatts: Int64) -> String { "\(FigureText.short(Double(microwatts) / 1e6)) W" }

    /// On battery, firmware and kernel save power, and the limits change with the charge.
    /// Documentation/ABI/testing/sysfs-class-power.
    static func supply(_ host: HostRoot) -> Check {
        let subject = CheckSubject("power-supply", "Power supply")
        let directory = "/sys/class/power_supply"
        func read(_ name: String, _ file: String) -> String? { try? host.read("\(directory)/\(name)/\(file)") }
        var batteries: [(name: String, status: String)] = []
        var mains: [Bool] = []
        for name in (try? host.list(directory)) ?? [] {
            switch read(name, "type") {
            // The battery of a mouse has the scope `Device`.
            case "Battery" where read(name, "scope") != "Device" && read(name, "present") != "0":
                batteries.append((name, read(name, "status") ?? "Unknown"))
            case "Mains", "USB", "Wireless":
                if let online = read(name, "online") { mains.append(online != "0") }
            default: break
            }
        }
        if batteries.isEmpty { return subject.pass("mains; there is no battery") }
        let states = batteries.map { "\($0.name): \($0.status.lowercased())" }.joined(separator: ", ")
        let isDischarging = batteries.contains { $0.status == "Discharging" }
        if isDischarging || (!mains.isEmpty && !mains.contains(true)) {
            let source = mains.contains(true) ? "mains and battery" : "battery"
            return subject.warn("\(source) (\(states))", remedy: "plug in the mains and let the battery charge")
        }
        return mains.isEmpty && batteries.contains { $0.status == "Unknown" }
            ? subject.unknown(states) : subject.pass("mains (\(states))")
    }

    /// The firmware's balance of speed, heat and noise: Documentation/userspace-api/sysfs-platform_profile.rst.
    static func platformProfile(_ host: HostRoot) -> Check {
        let subject = CheckSubject("platform-profile", "Platform profile")
        let file = "/sys/firmware/acpi/platform_profile"
        do throws(HostError) {
            let profile = try host.read(file)
            switch profile {
            case "performance", "balanced", "balanced-performance", "max-power": return subject.pass(profile)
            case "low-power", "cool", "quiet":
                return subject.warn(
                    "\(profile): the firmware limits the speed", remedy: "echo balanced | sudo tee \(file)")
            default: return subject.unknown(profile)
            }
        } catch {
            return error.kind == .missing ? subject.pass("the firmware has no profiles") : subject.unknown("\(error)")
        }
    }
}
