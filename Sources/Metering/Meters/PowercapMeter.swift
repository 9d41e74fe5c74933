import Accounting
import Core
import Foundation
package import Host

/// RAPL energy counters by the kernel's powercap interface, Intel and AMD.
///
/// `/sys/class/powercap/<control type>:<zone>[:<subzone>]`; Documentation/power/powercap/powercap.rst and
/// Documentation/ABI/testing/sysfs-class-powercap. Since Linux 5.10 `energy_uj` is readable by root alone.
package enum PowercapMeter {
    private static let directory = "/sys/class/powercap"
    /// The counters move about every millisecond (Intel SDM volume 3B, 15.10: "updated approximately once every 1 ms").
    private static let periodSeconds = 0.001
    /// 2^-14 J, the energy unit of most processors; the interface does not tell it.
    private static let resolutionMicrojoules = 61.0

    package static func discover(_ host: HostRoot) -> [MeterListing] {
        guard let entries = try? host.list(directory) else { return [] }
        return entries.filter { $0.contains(":") }.sorted(by: isBefore).compactMap { listing(host, zone: $0) }
    }

    /// Zones of `intel-rapl` first: of two that see the same silicon (`intel-rapl-mmio` repeats packages) the first counts.
    private static func isBefore(_ a: String, _ b: String) -> Bool {
        func key(_ zone: String) -> (Int, [Int], String) {
            let parts = zone.split(separator: ":")
            let rank = parts.first == "intel-rapl" ? 0 : 1
            return (rank, parts.dropFirst().map { Int($0) ?? .max }, zone)
        }
        let (x, y) = (key(a), key(b))
        if x.0 != y.0 { return x.0 < y.0 }
        if x.1 != y.1 { return x.1.lexicographicallyPrecedes(y.1) }
        return x.2 < y.2
    }

    private static func listing(_ host: HostRoot, zone: String) -> MeterListing? {
        let path = "\(directory)/\(zone)"
        let file = "\(path)/energy_uj"
        var availability = MeterAvailability.available
        do throws(HostError) {
            let counter = try host.openCounter(file)
            _ = try counter.read()
        } catch {
            switch error.kind {
            case .missing:
                // The kernel's links lead to the zones: one that leads nowhere is a container's, whose engine hides them.
                guard host.isDangling(path), parentZone(of: zone) == nil else { return nil }
                let container = Container.detect(host) ?? Container(engine: .other)
                availability = .unavailable(
                    reason: "\(path) leads nowhere: \(container.name) does not see its host's counters",
                    remedy: container.remedy)
            case .permissionDenied:
                availability = .unavailable(
                    reason: "\(file) is readable by root alone",
                    remedy:
                        "sudo chmod a+r \(directory)/*/energy_uj (until the next boot; for good: install the service, whose group "
                        + "may read it)")
            default:
                availability = .unavailable(reason: "reading \(file) failed: \(error.reason)", remedy: nil)
            }
        }
        let name = (try? host.read("\(path)/name")) ?? zone
        let range = (try? host.integer("\(path)/max_energy_range_uj")).flatMap { $0 > 0 ? $0 : nil }
        let parent = parentZone(of: zone)
        let parentName = parent.flatMap { try? host.read("\(directory)/\($0)/name") }
        // A zone without a name of its own is of the top, and as a rule a package.
        let scope = name == zone && parent == nil ? .package : scope(of: name)
        var remarks: [String] = []
        if range == nil {
            remarks.append("max_energy_range_uj cannot be read, so any step back of the counter is a gap")
        }
        if (try? host.integer("\(path)/enabled")) == 0 {
            // `enabled` is about the zone's power limits (powercap.rst); the counter runs whatever it says.
            remarks.append("its power limits are off (enabled is 0); it counts all the same")
        }
        if zone.hasPrefix("intel-rapl-mmio") { remarks.append("the same silicon as the intel-rapl zone of this name") }
        let description = MeterDescription(
            id: "powercap/\(zone)", name: parentName.map { "\($0)/\(name)" } ?? name, scope: scope, kind: .counter,
            provenance: .measured, source: file, periodSeconds: periodSeconds, resolution: resolutionMicrojoules,
            rangeMicrojoules: range, plausiblePower: scope.mostPower,
            parentID: scope == .dram ? nil : parent.map { "powercap/\($0)" },
            silicon: silicon(host, parentName.map { "\($0)/\(name)" } ?? name), remarks: remarks)
        return MeterListing(description: description, availability: availability) {
            CounterFileReader(host: host, path: file)
        }
    }

    /// Where every die's zone shows the counter of the whole package, they are one piece of silicon.
    private static func silicon(_ host: HostRoot, _ name: String) -> String {
        guard let die = name.range(of: "-die-"), RAPLDomains.hasOneCounterPerPackage(host) else { return name }
        let rest = name[die.upperBound...].drop { $0.isNumber }
        return String(name[..<die.lowerBound]) + String(rest)
    }

    private static func parentZone(of zone: String) -> String? {
        let parts = zone.split(separator: ":")
        return parts.count > 2 ? parts.dropLast().joined(separator: ":") : nil
    }

    /// The names that the driver gives: drivers/powercap/intel_rapl_common.c, `rapl_domain_names` and `package-%d-die-%d`.
    private static func scope(of name: String) -> MeterScope {
        if name.hasPrefix("package") { return .package }
        switch name {
        case "core": return .core
        case "uncore": return .uncore
        case "dram": return .dram
        case "psys": return .system
        default: return .rail
        }
    }
}
