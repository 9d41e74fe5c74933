import Core
import Metering
import YAMLReading

/// `channel:` of a device with several.
enum ChannelChoice: Sendable, Hashable {
    /// Counted from 0.
    case one(Int)
    /// The sum.
    case all

    static let allName = "all"

    var text: String {
        switch self {
        case .one(let number): "\(number)"
        case .all: Self.allName
        }
    }
}

/// `phase:` of a device on three-phase current.
enum Phase: String, Sendable, CaseIterable {
    case a
    case b
    case c

    var index: Int { self == .a ? 0 : self == .b ? 1 : 2 }
}

/// What a device measures in one place, whatever its maker calls it.
struct MeterChannel: Sendable {
    /// One conductor of three.
    struct Conductor: Sendable {
        /// In watts.
        var power: Double?
        /// In watt-hours; `returned` is what flowed back.
        var energy: Double?
        var returned: Double?
        /// Why its figures are none.
        var problem: String?
    }

    /// As the device names it.
    var name: String
    /// As the user gives it by `channel`.
    var number: Int
    var total: Conductor
    /// Of three-phase current, a, b and c.
    var phases: [Conductor] = []
    /// Smallest steps, in watts and watt-hours.
    var powerStep = 0.1
    var energyStep = 0.1
    /// New energies come every so many seconds at the fastest.
    var energyPeriod = 0.0
}

/// Which of a device's channels is read, as far as the configuration says.
struct ChannelSelection: Sendable {
    var channel: ChannelChoice?
    var phase: Phase?
    var quantity: Quantity
    var isInverted: Bool

    init(_ fields: MeterFields, takesPhase: Bool = false) throws(YAMLProblem) {
        channel = try fields.channel()
        phase = takesPhase ? try fields.choice("phase", Phase.self) : nil
        quantity = try fields.choice("quantity", Quantity.self) ?? .power
        isInverted = try fields["invert"]?.bool() ?? false
    }

    /// Where the channels of a device are its phases, as those of the first three-phase meters.
    var ofPhases: ChannelSelection {
        guard case .one(let number) = channel, Phase.allCases.indices.contains(number) else { return self }
        var selection = self
        selection.channel = nil
        selection.phase = Phase.allCases[number]
        return selection
    }

    /// Names what is read among what a device has; its power and its energy are two meters of one outlet.
    func outlet(_ address: DeviceAddress) -> String {
        "\(address.origin)#\(channel?.text ?? "0")\(phase.map(\.rawValue) ?? "")"
    }

    /// The numbers of the channels to read, and what is to be remarked of the choice.
    ///
    /// - Throws: `DeviceError` that lists them, where the configuration must choose.
    func choose(among channels: [MeterChannel]) throws(DeviceError) -> (names: [String], remark: String?) {
        let measured = channels.filter { $0.total.problem != nil || figure(of: $0.total) != nil }
        if let phase, !measured.contains(where: { $0.phases.indices.contains(phase.index) }) {
            throw .unusable(
                "the device has no phase \(phase.rawValue)", remedy: "take away `phase`, or choose by `channel`")
        }
        switch channel {
        case .one(let number):
            // A relay that does not measure may have the number of a meter beside it.
            guard let found = measured.first(where: { $0.number == number }) else {
                throw .unusable(
                    "the plug has no meter of \(quantity.rawValue) at channel \(number)", remedy: remedy(measured))
            }
            return ([found.name], nil)
        case .all:
            guard !measured.isEmpty else { throw nothing(at: "any channel") }
            return (measured.map(\.name), measured.count > 1 ? "the sum of \(Self.list(measured))" : nil)
        case nil:
            let withPhase = measured.filter { phase == nil || !$0.phases.isEmpty }
            guard let first = withPhase.first else { throw nothing(at: "channel 0") }
            if withPhase.count == 1 { return ([first.name], nil) }
            // What draws nothing is not what this machine hangs on.
            let drawing = withPhase.filter { $0.total.power != 0 && $0.total.problem == nil }
            if drawing.count == 1, drawing[0].total.power != nil {
                return (
                    [drawing[0].name],
                    "\(drawing[0].name), the only one of \(withPhase.count) with any power; `channel: \(drawing[0].number)` keeps to it"
                )
            }
            throw .unusable(
                "the device measures in \(withPhase.count) places: \(Self.list(withPhase))", remedy: remedy(withPhase))
        }
    }

    /// The figure of the chosen channels, as they read now.
    func value(of names: [String], in channels: [MeterChannel]) throws(DeviceError) -> DeviceValue {
        var sum: DeviceValue?
        for name in names {
            guard let channel = channels.first(where: { $0.name == name }) else { throw missing(name) }
            let value = try value(of: channel)
            // In a sum it would only make it smaller.
            let drawn = (quantity == .power ? value.number : value.power ?? 0) * (isInverted ? -1 : 1)
            guard drawn >= -1 || names.count == 1 else {
                throw .unusable("\(name): power flows back, \(drawn.short) W", remedy: "turn that clamp round")
            }
            guard var known = sum else {
                sum = value
                continue
            }
            known.number += value.number
            known.power = known.power.flatMap { power in value.power.map { power + $0 } }
            known.step = max(known.step, value.step)
            sum = known
        }
        guard let sum else { throw missing("channel") }
        return sum
    }

    private func value(of channel: MeterChannel) throws(DeviceError) -> DeviceValue {
        var conductor = channel.total
        if let phase {
            guard channel.phases.indices.contains(phase.index) else { throw missing("phase \(phase.rawValue)") }
            conductor = channel.phases[phase.index]
        } else if channel.phases.contains(where: { $0.power != nil }) {
            try checkPhases(of: channel)
        }
        if let problem = conductor.problem { throw .unusable("\(channel.name): \(problem)") }
        guard let number = figure(of: conductor) else {
            throw .noData("the answer has no \(quantity.rawValue) of \(channel.name) now")
        }
        var value =
            quantity == .power
            ? DeviceValue(number, .watt, step: channel.powerStep)
            : DeviceValue(number, .wattHour, step: channel.energyStep)
        if quantity == .energy {
            value.power = conductor.power
            value.isPowersIntegral = false
        }
        return value
    }

    /// One clamp of three that sits the wrong way round makes a sum that is too small, and no negative one.
    private func checkPhases(of channel: MeterChannel) throws(DeviceError) {
        let names = Phase.allCases.map(\.rawValue)
        for (name, conductor) in zip(names, channel.phases) {
            if let problem = conductor.problem { throw .unusable("\(channel.name), phase \(name): \(problem)") }
        }
        let powers = channel.phases.map { ($0.power ?? 0) * (isInverted ? -1 : 1) }
        let noise = max(1, 0.01 * powers.reduce(0) { $0 + abs($1) })
        let wrong = zip(names, powers).filter { $0.1 < -noise }
        // All of them are the business of the sign of the sum.
        guard !wrong.isEmpty, powers.contains(where: { $0 > noise }) else { return }
        let shown = wrong.map { "phase \($0.0) \($0.1.short) W" }.joined(separator: ", ")
        throw .unusable("\(channel.name): power flows back in \(shown)", remedy: "turn that clamp round")
    }

    private func figure(of conductor: MeterChannel.Conductor) -> Double? {
        switch quantity {
        case .power: conductor.power
        case .energy: isInverted ? conductor.returned : conductor.energy
        }
    }

    private func missing(_ place: String) -> DeviceError { .unusable("the answer has no \(place) now") }

    private func nothing(at place: String) -> DeviceError {
        .unusable("the plug has no meter of \(quantity.rawValue) at \(place)", remedy: "check that the device measures")
    }

    private static func list(_ channels: [MeterChannel]) -> String {
        channels.map { "\($0.name) \($0.total.power.map { "\($0.short) W" } ?? "without power")" }
            .joined(separator: ", ")
    }

    private func remedy(_ channels: [MeterChannel]) -> String? {
        var numbers: [Int] = []
        for number in channels.map(\.number) where !numbers.contains(number) { numbers.append(number) }
        guard !numbers.isEmpty else { return nil }
        var choices = numbers.prefix(8).map { "`channel: \($0)`" }
        if channels.count > 1 { choices.append("`channel: \(ChannelChoice.allName)` for the sum") }
        return "give " + choices.joined(separator: " or ")
    }
}
