import Core
import Glibc
import YAMLReading

/// Plugs and meters of Shelly, of all generations.
///
/// `GET /shelly` has `gen` from the second generation on, and `type` before. `ShellyStatus` knows the answers. Generation 1 takes
/// its password by Basic, the later ones by Digest with SHA-256.
struct ShellyMeter: DeviceMeter {
    static let type = "shelly"
    static let keys = ["address", "channel", "phase", "quantity", "invert", "user", "password_file"]
    static let defaultPeriodSeconds = 1.0

    let address: DeviceAddress
    private let selection: ChannelSelection

    init(_ fields: MeterFields) throws(YAMLProblem) {
        address = try fields.address("address")
        selection = try ChannelSelection(fields, takesPhase: true)
        if let phase = fields["phase"], selection.channel == .all {
            throw phase.problem("`phase` is one, and `channel: all` is all; give one of them")
        }
    }

    var expected: (unit: MeterUnit, step: Double) { selection.quantity == .power ? (.watt, 0.1) : (.wattHour, 0.1) }

    /// Its power and its energy are two meters of one outlet.
    var outlet: String? { selection.outlet(address) }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        let about = try await link.get("/shelly")
        if let generation = about["gen"]?.integerValue, generation >= 2 {
            guard about["auth_en"] != .bool(true) || link.user != nil else {
                throw DeviceError(
                    "\(link.address.shown) asks for a password",
                    remedy: "give `user: admin` and its `password_file`", errno: EACCES)
            }
            return try await connect(link, "/rpc/Shelly.GetStatus", selection, ShellyStatus.components)
        }
        guard about["type"]?.stringValue != nil else {
            throw .unusable(
                "\(link.address.shown) is not a Shelly", remedy: "check that `address` and `type` are correct")
        }
        return try await connect(link, "/status", selection.ofPhases) { ShellyStatus.firstGeneration($0, about: about) }
    }

    /// - Parameter ofPhases: the selection for a device with one channel of three phases.
    private func connect(
        _ link: DeviceLink, _ path: String, _ ofPhases: ChannelSelection,
        _ parse: @escaping @Sendable (JSONValue) -> [MeterChannel]
    ) async throws(DeviceError) -> DeviceConnection {
        let channels = parse(try await link.get(path))
        let selection = channels.count == 1 && channels[0].phases.count == 3 ? ofPhases : selection
        let (names, remark) = try selection.choose(among: channels)
        var connection = DeviceConnection { () async throws(DeviceError) -> DeviceValue in
            try selection.value(of: names, in: parse(try await link.get(path)))
        }
        let chosen = channels.filter { names.contains($0.name) }
        if selection.quantity == .energy { connection.slowestPeriod = chosen.map(\.energyPeriod).max() ?? 0 }
        if let remark { connection.remarks.append(remark) }
        if selection.channel == nil, selection.phase == nil, channels.count > 1, let number = chosen.first?.number {
            connection.outlet = "\(address.origin)#\(number)"
        }
        return connection
    }
}

/// The answers of Shelly's devices.
///
/// Generation 1, shelly-api-docs.shelly.cloud/gen1: `GET /status` has `meters[]` with `power` in watts and `total` in
/// watt-minutes since the last boot, or `emeters[]` with `power`, and `total` and `total_returned` in watt-hours; the 3EM three of
/// them, one a phase, and `total_power`. Figures that are none have `is_valid` false.
///
/// Generation 2 and later, shelly-api-docs.shelly.cloud/gen2: `Shelly.GetStatus` has the components `switch:N`, `light:N`, `cover:N`
/// and `pm1:N` (`apower` in watts, `aenergy.total` and `ret_aenergy.total` in watt-hours), `em:N` (three phases: `a_act_power` …, `total_act_power`) and
/// `em1:N` (`act_power`), whose energies are in `emdata:N` (`total_act`, `total_act_ret`) and `em1data:N` (`total_act_energy`,
/// `total_act_ret_energy`), in watt-hours, every minute. `errors` and, of one phase, `a_errors` … say which figures are none.
enum ShellyStatus {
    /// `type` of the 3EM; shelly-api-docs.shelly.cloud/gen1/#shelly-3em.
    static let threePhaseType = "SHEM-3"
    /// What is said of the installation and not of the figures.
    private static let harmless: Set<String> = ["phase_sequence", "no_load"]

    static func firstGeneration(_ status: JSONValue, about: JSONValue) -> [MeterChannel] {
        // A three-phase or clamp meter has `emeters`, a plug has `meters`.
        if let list = status["emeters"]?.elements, !list.isEmpty {
            let conductors = list.map { conductor($0, wattHours: 1) }
            let total = status["total_power"]?.numeric
            guard list.count == 3, total != nil || about["type"]?.stringValue == threePhaseType else {
                return conductors.enumerated().map { number, conductor in
                    MeterChannel(name: "emeters/\(number)", number: number, total: conductor, powerStep: 0.01)
                }
            }
            let sum = MeterChannel.Conductor(
                power: total ?? sum(conductors.map(\.power)), energy: sum(conductors.map(\.energy)),
                returned: sum(conductors.map(\.returned)), problem: conductors.compactMap(\.problem).first)
            return [
                MeterChannel(name: "total_power", number: 0, total: sum, phases: conductors, powerStep: 0.01)
            ]
        }
        return (status["meters"]?.elements ?? []).enumerated().map { number, meter in
            // Watt-minutes.
            MeterChannel(
                name: "meters/\(number)", number: number, total: conductor(meter, wattHours: 1.0 / 60),
                energyStep: 1.0 / 60)
        }
    }

    private static func conductor(_ meter: JSONValue, wattHours: Double) -> MeterChannel.Conductor {
        MeterChannel.Conductor(
            power: meter["power"]?.numeric, energy: meter["total"]?.numeric.map { $0 * wattHours },
            returned: meter["total_returned"]?.numeric.map { $0 * wattHours },
            problem: meter["is_valid"] == .bool(false) ? "the plug marks its figure as not valid" : nil)
    }

    static func components(_ status: JSONValue) -> [MeterChannel] {
        guard case .object(let members) = status else { return [] }
        var found: [(order: Int, channel: MeterChannel)] = []
        for (name, value) in members {
            let parts = name.split(separator: ":")
            guard parts.count == 2, let number = Int(parts[1]) else { continue }
            switch parts[0] {
            case "switch": found.append((0, plug(name, number, value)))
            // Dimmers, and motors of shutters.
            case "light", "rgb", "rgbw", "cct", "cover": found.append((1, plug(name, number, value)))
            case "pm1": found.append((1, plug(name, number, value)))
            case "em": found.append((2, threePhases(name, number, value, status["emdata:\(number)"])))
            case "em1": found.append((3, clamp(name, number, value, status["em1data:\(number)"])))
            // The energies alone, where the status is asked for in parts.
            case "emdata" where status["em:\(number)"] == nil:
                found.append((2, threePhases("em:\(number)", number, .null, value)))
            case "em1data" where status["em1:\(number)"] == nil:
                found.append((3, clamp("em1:\(number)", number, .null, value)))
            default: continue
            }
        }
        return found.sorted { ($0.order, $0.channel.number) < ($1.order, $1.channel.number) }.map(\.channel)
    }

    private static func plug(_ name: String, _ number: Int, _ value: JSONValue) -> MeterChannel {
        let total = MeterChannel.Conductor(
            power: value["apower"]?.numeric, energy: value["aenergy"]?["total"]?.numeric,
            returned: value["ret_aenergy"]?["total"]?.numeric,
            // Of a relay without a meter there is nothing to be wrong.
            problem: value["apower"] == nil ? nil : problem(value["errors"]))
        return MeterChannel(name: name, number: number, total: total, energyStep: 0.001)
    }

    private static func clamp(
        _ name: String, _ number: Int, _ value: JSONValue, _ data: JSONValue?
    ) -> MeterChannel {
        let data = counts(value) ? data : nil
        let total = MeterChannel.Conductor(
            power: value["act_power"]?.numeric, energy: data?["total_act_energy"]?.numeric,
            returned: data?["total_act_ret_energy"]?.numeric, problem: problem(value["errors"], data?["errors"]))
        return MeterChannel(name: name, number: number, total: total, energyStep: 0.01, energyPeriod: 60)
    }

    private static func threePhases(
        _ name: String, _ number: Int, _ value: JSONValue, _ data: JSONValue?
    ) -> MeterChannel {
        let data = counts(value) ? data : nil
        let phases = Phase.allCases.map { phase in
            MeterChannel.Conductor(
                power: value["\(phase.rawValue)_act_power"]?.numeric,
                energy: data?["\(phase.rawValue)_total_act_energy"]?.numeric,
                returned: data?["\(phase.rawValue)_total_act_ret_energy"]?.numeric,
                problem: problem(value["\(phase.rawValue)_errors"]))
        }
        let total = MeterChannel.Conductor(
            power: value["total_act_power"]?.numeric ?? sum(phases.map(\.power)),
            energy: data?["total_act"]?.numeric, returned: data?["total_act_ret"]?.numeric,
            problem: problem(value["errors"], data?["errors"]))
        return MeterChannel(
            name: name, number: number, total: total, phases: phases, energyStep: 0.01, energyPeriod: 60)
    }

    /// `flags` of `em` and `em1`: what is measured may not be counted.
    private static func counts(_ value: JSONValue) -> Bool {
        !(value["flags"]?.elements ?? []).contains(.string("count_disabled"))
    }

    private static func problem(_ errors: JSONValue?...) -> String? {
        let words = errors.flatMap { $0?.elements ?? [] }.compactMap(\.stringValue).filter { !harmless.contains($0) }
        return words.isEmpty ? nil : "it reports \(words.map { String($0.prefix(40)) }.joined(separator: ", "))"
    }

    /// `nil` where one is missing.
    private static func sum(_ numbers: [Double?]) -> Double? {
        numbers.contains { $0 == nil } ? nil : numbers.reduce(0) { $0 + ($1 ?? 0) }
    }
}
