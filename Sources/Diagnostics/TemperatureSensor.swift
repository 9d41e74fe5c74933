import Core
import Foundation
package import Host

/// A temperature that the machine tells, in degrees Celsius.
package struct TemperatureSensor {
    /// The thermal zone's type or the hwmon chip's name.
    package var part: String
    var name: String
    package var temperature: Double
    /// Where the machine switches itself off; `nil` where that is not stated.
    var critical: Double?

    var margin: Double? { critical.map { $0 - temperature } }
    var text: String {
        let limit = critical.map { " of \(FigureText.fixed($0, 0)) °C" } ?? ""
        return "\(FigureText.fixed(temperature, 0)) °C\(limit) (\(name))"
    }

    package static func all(_ host: HostRoot) -> [TemperatureSensor] { zones(host) + chips(host) }

    /// `temp` and the trip point of type `critical`, in millidegrees: Documentation/driver-api/thermal/sysfs-api.rst.
    private static func zones(_ host: HostRoot) -> [TemperatureSensor] {
        let directory = "/sys/class/thermal"
        return ((try? host.list(directory)) ?? []).filter { $0.hasPrefix("thermal_zone") }.compactMap { zone in
            let path = "\(directory)/\(zone)"
            guard let temperature = try? host.integer("\(path)/temp") else { return nil }
            let trips = ((try? host.list(path)) ?? []).filter { $0.hasPrefix("trip_point_") && $0.hasSuffix("_type") }
            let critical = trips.filter { (try? host.read("\(path)/\($0)")) == "critical" }.compactMap {
                try? host.integer("\(path)/\($0.dropLast("_type".count))_temp")
            }
            let type = (try? host.read("\(path)/type")) ?? zone
            return TemperatureSensor(part: type, name: type, temperature, critical: critical.min())
        }
    }

    /// `temp*_input` and `temp*_crit` of hwmon, in millidegrees: Documentation/hwmon/sysfs-interface.rst.
    private static func chips(_ host: HostRoot) -> [TemperatureSensor] {
        let directory = "/sys/class/hwmon"
        return ((try? host.list(directory)) ?? []).flatMap { chip -> [TemperatureSensor] in
            let path = "\(directory)/\(chip)"
            let name = (try? host.read("\(path)/name")) ?? chip
            let inputs = ((try? host.list(path)) ?? []).filter { $0.hasPrefix("temp") && $0.hasSuffix("_input") }
            return inputs.compactMap { input -> TemperatureSensor? in
                let number = input.dropLast("_input".count)
                guard let temperature = try? host.integer("\(path)/\(input)") else { return nil }
                let label = (try? host.read("\(path)/\(number)_label")) ?? String(number)
                return TemperatureSensor(
                    part: name, name: "\(name) \(label)", temperature,
                    critical: try? host.integer("\(path)/\(number)_crit"))
            }
        }
    }

    /// A critical temperature of 0 or less, or over 200 °C, is how firmware says that it has none.
    private init(part: String, name: String, _ millidegrees: Int64, critical: Int64?) {
        self.part = part
        self.name = name
        temperature = Double(millidegrees) / 1000
        self.critical = critical.flatMap { $0 > 0 && $0 <= 200_000 ? Double($0) / 1000 : nil }
    }
}
