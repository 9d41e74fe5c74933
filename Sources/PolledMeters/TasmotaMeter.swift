import Core
import Glibc
import YAMLReading

/// Plugs with the Tasmota firmware.
///
/// tasmota.github.io/docs/Commands: `GET /cm?cmnd=Status%2010` answers with `StatusSNS.ENERGY`, in it `Power` in watts
/// and `Total` in kilowatt-hours, each a list where the device has several outlets. `user` and `password` go into the
/// query.
struct TasmotaMeter: DeviceMeter {
    static let type = "tasmota"
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

    /// The defaults of `WattRes` 0 and `EnergyRes` 3.
    var expected: (unit: MeterUnit, step: Double) { quantity == .power ? (.watt, 1) : (.kilowattHour, 0.001) }

    /// Its power and its energy are two meters of one outlet.
    var outlet: String? { "\(address.origin)#\(channel)" }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        var path = "/cm?"
        if let user = link.user, let password = link.password {
            path += "user=\(user.queryValue)&password=\(password.queryValue)&"
        }
        path += "cmnd=Status%2010"
        return DeviceConnection { [path] () async throws(DeviceError) -> DeviceValue in
            try read(try await link.get(path, sendsCredentials: false))
        }
    }

    private func read(_ answer: JSONValue) throws(DeviceError) -> DeviceValue {
        if let warning = answer["WARNING"]?.stringValue {
            throw DeviceError(
                "the plug refuses: \(warning.prefix(100))", remedy: "give its `user` and `password_file`", errno: EACCES
            )
        }
        guard let energy = answer["StatusSNS"]?["ENERGY"] else {
            throw .unusable("the answer has no /StatusSNS/ENERGY", remedy: "see that the plug has a meter")
        }
        let key = quantity == .power ? "Power" : "Total"
        let member = energy[key]
        let figure = if case .array = member { member?[channel] } else { channel == 0 ? member : nil }
        guard let figure, let number = figure.numeric else {
            throw .unusable(
                "the answer has no /StatusSNS/ENERGY/\(key) of channel \(channel)", remedy: "channels count from 0")
        }
        return DeviceValue(number, expected.unit, step: min(expected.step, figure.printedStep))
    }
}
