import Core
import Glibc
import YAMLReading

/// Plugs and meters with the Tasmota firmware.
///
/// tasmota.github.io/docs/Commands: `GET /cm?cmnd=Status%2010` answers with `StatusSNS.ENERGY`, in it `Power` in watts and `Total`
/// in kilowatt-hours. Of several outlets, or phases, `Power` is a list, and `Total` one figure or a list (`SetOption129`).
/// `ExportActive` is what flowed back. `user` and `password` go into the query.
struct TasmotaMeter: DeviceMeter {
    static let type = "tasmota"
    static let keys = ["address", "channel", "quantity", "invert", "user", "password_file"]
    static let defaultPeriodSeconds = 1.0

    let address: DeviceAddress
    private let selection: ChannelSelection

    init(_ fields: MeterFields) throws(YAMLProblem) {
        address = try fields.address("address")
        selection = try ChannelSelection(fields)
    }

    /// The defaults of `WattRes` 0 and `EnergyRes` 3.
    var expected: (unit: MeterUnit, step: Double) {
        selection.quantity == .power ? (.watt, 1) : (.kilowattHour, 0.001)
    }

    /// Its power and its energy are two meters of one outlet.
    var outlet: String? { selection.outlet(address) }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        var path = "/cm?"
        if let user = link.user, let password = link.password {
            path += "user=\(PercentEncoding.encoded(user))&password=\(PercentEncoding.encoded(password))&"
        }
        path += "cmnd=Status%2010"
        let channels = try self.channels(try await link.get(path, sendsCredentials: false))
        let (names, remark) = try selection.choose(among: channels)
        return DeviceConnection(remarks: remark.map { [$0] } ?? []) {
            [path] () async throws(DeviceError) -> DeviceValue in
            let channels = try self.channels(try await link.get(path, sendsCredentials: false))
            return try inKilowattHours(try selection.value(of: names, in: channels))
        }
    }

    private func inKilowattHours(_ value: DeviceValue) throws(DeviceError) -> DeviceValue {
        guard value.unit == .wattHour else { return value }
        var value = value
        value.number /= 1000
        value.step /= 1000
        value.unit = .kilowattHour
        return value
    }

    private func channels(_ answer: JSONValue) throws(DeviceError) -> [MeterChannel] {
        if let warning = answer["WARNING"]?.stringValue {
            throw DeviceError(
                "the plug refuses: \(warning.prefix(100))", remedy: "give its `user` and `password_file`", errno: EACCES
            )
        }
        guard let energy = answer["StatusSNS"]?["ENERGY"] else {
            throw .unusable("the answer has no /StatusSNS/ENERGY", remedy: "check that the plug has a meter")
        }
        let (powers, totals) = (Self.list(energy["Power"]), Self.list(energy["Total"]))
        let exports = Self.list(energy["ExportActive"])
        let count = max(powers.count, totals.count)
        // One total of several channels is that of their sum.
        if selection.quantity == .energy, count > 1, totals.count == 1 {
            guard selection.channel == .all else {
                throw .unusable(
                    "the device has one energy for all its \(count) channels", remedy: "give `channel: all` for the sum"
                )
            }
            return [channel(0, "Total", nil, totals, exports)]
        }
        return (0..<count).map { number in
            channel(number, count == 1 ? "ENERGY" : "channel \(number)", powers, totals, exports)
        }
    }

    private func channel(
        _ number: Int, _ name: String, _ powers: [JSONValue]?, _ totals: [JSONValue], _ exports: [JSONValue]
    ) -> MeterChannel {
        func at(_ list: [JSONValue]?) -> JSONValue? {
            list.flatMap { $0.indices.contains(number) ? $0[number] : nil }
        }
        let (power, total) = (at(powers), at(totals))
        let conductor = MeterChannel.Conductor(
            power: power?.numeric, energy: total?.numeric.map { $0 * 1000 },
            returned: at(exports)?.numeric.map { $0 * 1000 })
        return MeterChannel(
            name: name, number: number, total: conductor, powerStep: min(1, power?.printedStep ?? 1),
            energyStep: min(1, (total?.printedStep ?? 1) * 1000))
    }

    private static func list(_ value: JSONValue?) -> [JSONValue] { value.map { $0.elements ?? [$0] } ?? [] }
}
