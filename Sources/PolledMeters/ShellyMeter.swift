import Core
import Glibc
import YAMLReading

/// Plugs and meters of Shelly, of all generations.
///
/// Generation 1, shelly-api-docs.shelly.cloud/gen1: `GET /shelly` has `type`; `GET /status` has `meters[]` with `power`
/// in watts and `total` in watt-minutes since the last boot, or `emeters[]` with `power` and `total` in watt-hours.
/// Generation 2 and later, shelly-api-docs.shelly.cloud/gen2: `GET /shelly` has `gen`; `Shelly.GetStatus` has the
/// components `switch:N` and `pm1:N` (`apower` in watts, `aenergy.total` in watt-hours), `em:N` (`total_act_power`) and
/// `em1:N` (`act_power`), whose energies are in `emdata:N` (`total_act`) and `em1data:N` (`total_act_energy`), in
/// watt-hours, every minute. Generation 1 takes its password by Basic, the later ones by Digest with SHA-256.
struct ShellyMeter: DeviceMeter {
    static let type = "shelly"
    static let keys = ["address", "channel", "quantity", "user", "password_file"]
    static let defaultPeriodSeconds = 1.0

    let address: DeviceAddress
    private let channel: Int
    private let quantity: Quantity

    init(_ fields: MeterFields) throws(YAMLProblem) {
        address = try fields.address("address")
        channel = try fields.channel()
        quantity = try fields.choice("quantity", Quantity.self) ?? .power
    }

    var expected: (unit: MeterUnit, step: Double) { quantity == .power ? (.watt, 0.1) : (.wattHour, 0.1) }

    /// Its power and its energy are two meters of one outlet.
    var outlet: String? { "\(address.origin)#\(channel)" }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        let about = try await link.get("/shelly")
        if let generation = about["gen"]?.integerValue, generation >= 2 {
            guard about["auth_en"] != .bool(true) || link.user != nil else {
                throw DeviceError(
                    "\(link.address.shown) asks for a password", remedy: "give its `user`, admin, and `password_file`",
                    errno: EACCES)
            }
            return try await connectComponents(link)
        }
        guard about["type"]?.stringValue != nil else {
            throw .unusable("\(link.address.shown) is no Shelly", remedy: "see that the address and the type are right")
        }
        return DeviceConnection { () async throws(DeviceError) -> DeviceValue in
            try readFirstGeneration(try await link.get("/status"))
        }
    }

    private func readFirstGeneration(_ status: JSONValue) throws(DeviceError) -> DeviceValue {
        // A three-phase or clamp meter has `emeters`, a plug has `meters`.
        let list = status["emeters"]?[channel] != nil ? "emeters" : "meters"
        guard let meter = status[list]?[channel] else {
            throw .unusable("the plug has no meter at channel \(channel)", remedy: "channels count from 0")
        }
        guard meter["is_valid"] != .bool(false) else { throw .unusable("the plug marks its figure as not valid") }
        switch quantity {
        case .power:
            guard let power = meter["power"]?.numeric else { throw missing("/\(list)/\(channel)/power") }
            return DeviceValue(power, .watt, step: list == "meters" ? 0.1 : 0.01)
        case .energy:
            guard let total = meter["total"]?.numeric else { throw missing("/\(list)/\(channel)/total") }
            // Watt-minutes or watt-hours.
            return list == "meters"
                ? DeviceValue(total / 60, .wattHour, step: 1.0 / 60) : DeviceValue(total, .wattHour, step: 0.1)
        }
    }

    /// Where a component of a later generation has its figure.
    private struct Figure {
        var component: String
        var path: [String]
        var step: Double
        var slowestPeriod = 0.0
    }

    private var figures: [Figure] {
        switch quantity {
        case .power:
            [
                Figure(component: "switch", path: ["apower"], step: 0.1),
                Figure(component: "pm1", path: ["apower"], step: 0.1),
                Figure(component: "em", path: ["total_act_power"], step: 0.1),
                Figure(component: "em1", path: ["act_power"], step: 0.1),
            ]
        case .energy:
            [
                Figure(component: "switch", path: ["aenergy", "total"], step: 0.001),
                Figure(component: "pm1", path: ["aenergy", "total"], step: 0.001),
                Figure(component: "emdata", path: ["total_act"], step: 0.01, slowestPeriod: 60),
                Figure(component: "em1data", path: ["total_act_energy"], step: 0.01, slowestPeriod: 60),
            ]
        }
    }

    private func connectComponents(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        let status = try await link.get("/rpc/Shelly.GetStatus")
        // A relay that does not measure has no `apower`, and its neighbour of the same number may be the meter.
        guard let figure = figures.first(where: { find($0, in: status) != nil }) else {
            throw .unusable(
                "the plug has no meter of \(quantity.rawValue) at channel \(channel)", remedy: "channels count from 0")
        }
        return DeviceConnection(slowestPeriod: figure.slowestPeriod) { () async throws(DeviceError) -> DeviceValue in
            let status = try await link.get("/rpc/Shelly.GetStatus")
            guard let number = find(figure, in: status) else {
                throw missing("/\(figure.component):\(channel)/\(figure.path.joined(separator: "/"))")
            }
            return DeviceValue(number, quantity == .power ? .watt : .wattHour, step: figure.step)
        }
    }

    private func find(_ figure: Figure, in status: JSONValue) -> Double? {
        figure.path.reduce(status["\(figure.component):\(channel)"]) { value, key in value?[key] }?.numeric
    }

    private func missing(_ place: String) -> DeviceError { .unusable("the answer has no \(place)") }
}
