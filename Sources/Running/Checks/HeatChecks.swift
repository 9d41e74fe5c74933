import Foundation
import Host

/// Whether the machine is too hot to run at its speed.
enum HeatChecks {
    /// A temperature sensor, in degrees Celsius.
    private struct Sensor {
        var name: String
        var temperature: Double
        /// Where the machine switches itself off; `nil` where that is not stated.
        var critical: Double?

        var margin: Double? { critical.map { $0 - temperature } }
        var text: String {
            String(format: "%.0f °C", temperature) + critical.map { String(format: " of %.0f °C", $0) }.orEmpty
                + " (\(name))"
        }
    }

    /// Warns of what is within 10 K of its critical temperature.
    static func temperatures(_ host: HostRoot) -> Check {
        let subject = CheckSubject("temperature", "Temperature")
        let sensors = zones(host) + chips(host)
        let hot = sensors.filter { ($0.margin ?? .infinity) < 10 }
        if !hot.isEmpty {
            return subject.warn(
                "close to critical: \(hot.map(\.text).joined(separator: ", "))",
                remedy: "let the machine cool down, and look at its fans and the air around it")
        }
        if let nearest = sensors.filter({ $0.critical != nil }).min(by: { ($0.margin ?? 0) < ($1.margin ?? 0) }) {
            return subject.pass("nearest to critical: \(nearest.text)")
        }
        guard let hottest = sensors.max(by: { $0.temperature < $1.temperature }) else {
            return subject.unknown("there is no sensor")
        }
        return subject.unknown("\(hottest.text), and no critical temperature is stated")
    }

    /// `temp` and the trip point of type `critical`, in millidegrees: Documentation/driver-api/thermal/sysfs-api.rst.
    private static func zones(_ host: HostRoot) -> [Sensor] {
        let directory = "/sys/class/thermal"
        return ((try? host.list(directory)) ?? []).filter { $0.hasPrefix("thermal_zone") }.compactMap { zone in
            let path = "\(directory)/\(zone)"
            guard let temperature = try? host.integer("\(path)/temp") else { return nil }
            let trips = ((try? host.list(path)) ?? []).filter { $0.hasPrefix("trip_point_") && $0.hasSuffix("_type") }
            let critical = trips.filter { (try? host.read("\(path)/\($0)")) == "critical" }.compactMap {
                try? host.integer("\(path)/\($0.dropLast("_type".count))_temp")
            }
            return sensor((try? host.read("\(path)/type")) ?? zone, temperature, critical: critical.min())
        }
    }

    /// `temp*_input` and `temp*_crit` of hwmon, in millidegrees: Documentation/hwmon/sysfs-interface.rst.
    private static func chips(_ host: HostRoot) -> [Sensor] {
        let directory = "/sys/class/hwmon"
        return ((try? host.list(directory)) ?? []).flatMap { chip -> [Sensor] in
            let path = "\(directory)/\(chip)"
            let name = (try? host.read("\(path)/name")) ?? chip
            let inputs = ((try? host.list(path)) ?? []).filter { $0.hasPrefix("temp") && $0.hasSuffix("_input") }
            return inputs.compactMap { input -> Sensor? in
                let number = input.dropLast("_input".count)
                guard let temperature = try? host.integer("\(path)/\(input)") else { return nil }
                let label = (try? host.read("\(path)/\(number)_label")) ?? String(number)
                return sensor("\(name) \(label)", temperature, critical: try? host.integer("\(path)/\(number)_crit"))
            }
        }
    }

    /// A critical temperature of 0 or less, or over 200 °C, is how firmware says that it has none.
    private static func sensor(_ name: String, _ millidegrees: Int64, critical: Int64?) -> Sensor {
        let stated = critical.flatMap { $0 > 0 && $0 <= 200_000 ? Double($0) / 1000 : nil }
        return Sensor(name: name, temperature: Double(millidegrees) / 1000, critical: stated)
    }

    /// Whether a core or package was throttled while this process slept; see `MachineActivity.throttles`.
    static func throttling(_ before: MachineActivity, _ after: MachineActivity) -> Check {
        let subject = CheckSubject("thermal-throttling", "Thermal throttling")
        guard !after.throttles.isEmpty else { return subject.unknown("this processor does not count it") }
        let risen = after.throttles.filter { $0.value > before.throttles[$0.key] ?? $0.value }
        guard !risen.isEmpty else {
            let most = after.throttles.values.max() ?? 0
            return subject.pass("not now" + (most > 0 ? "; up to \(count(Int(most), "time", "times")) since boot" : ""))
        }
        let cpus = Set(risen.keys.compactMap { $0.split(separator: "/").first { $0.hasPrefix("cpu") && $0 != "cpu" } })
        return subject.warn(
            "now, on \(count(cpus.count, "CPU", "CPUs"))",
            remedy: "let the machine cool down, and look at its fans and the air around it")
    }
}

extension String? {
    fileprivate var orEmpty: String { self ?? "" }
}
