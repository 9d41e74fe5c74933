import Accounting
import Core
import Foundation
package import Metering
package import YAMLReading

/// The meters that a user lists, and what a user knows of the machine that it cannot tell: `meters:` and `overrides:`
/// of a `taskwatt.yaml`.
package struct MeterConfiguration: Sendable {
    /// Every type of device. A new one is a file of its own and one line here.
    static let types: [any DeviceMeter.Type] = [
        ShellyMeter.self, TasmotaMeter.self, HomeAssistantMeter.self, PrometheusMeter.self, JSONMeter.self,
        RedfishMeter.self,
    ]

    var meters: [ConfiguredMeter] = []
    var overrides: [String: MeterOverride] = [:]

    /// No meters and no overrides.
    package init() {}

    /// - Parameter file: for messages.
    /// - Throws: `YAMLProblem` with file, line and column for the first that is unknown, missing or out of range.
    package static func parse(text: String, file: String) throws(YAMLProblem) -> MeterConfiguration {
        var first: YAMLProblem?
        let sections = try ConfigurationFile.sections(text: text, file: file) { first = first ?? $0 }
        let configuration = read(sections) { first = first ?? $0 }
        if let first { throw first }
        return configuration
    }

    /// Reads what can be read of a file's sections, and says of all the rest what is wrong with it.
    ///
    /// - Parameter complain: is told all that is wrong.
    package static func read(
        _ root: [String: YAMLReader], complain: (YAMLProblem) -> Void
    ) -> MeterConfiguration {
        var configuration = MeterConfiguration()
        func collecting(_ body: () throws(YAMLProblem) -> Void) {
            do throws(YAMLProblem) { try body() } catch { complain(error) }
        }
        var (entries, overrides): ([YAMLReader], [(key: String, value: YAMLReader)]) = ([], [])
        collecting { () throws(YAMLProblem) in entries = try root["meters"]?.list() ?? [] }
        collecting { () throws(YAMLProblem) in overrides = try root["overrides"]?.entries() ?? [] }
        var ids: Set<String> = []
        var asked: [[String: JSONValue]: String] = [:]
        for entry in entries {
            collecting { () throws(YAMLProblem) in
                let meter = try ConfiguredMeter(entry)
                guard ids.insert(meter.id).inserted else { throw entry.problem("there are two meters \(meter.id)") }
                // Two plugs add up; one that is listed twice must not.
                let what = try Self.asked(entry)
                if let other = asked[what] {
                    throw entry.problem(
                        "\(meter.id) asks the same as \(other), and would be counted twice; leave one out")
                }
                asked[what] = meter.id
                configuration.meters.append(meter)
            }
        }
        for (id, entry) in overrides {
            collecting { () throws(YAMLProblem) in configuration.overrides[id] = try MeterOverride(entry, id: id) }
        }
        return configuration
    }

    /// What an entry asks for: all that it says but for its name, and how often and how well.
    private static func asked(_ entry: YAMLReader) throws(YAMLProblem) -> [String: JSONValue] {
        try entry.parameters().filter { !["name", "period_s", "accuracy", "scope", "invert"].contains($0.key) }
    }

    /// The ids of the meters that are listed, in order.
    package var ids: [String] { meters.map(\.id) }

    /// How many meters are listed.
    package var count: Int { meters.count }

    /// The ids that are overridden.
    package var overridden: Set<String> { Set(overrides.keys) }

    /// The listings as the user corrects them. What names a meter by an id that only it had in an earlier version corrects it too.
    package func applyOverrides(to listings: [MeterListing]) -> [MeterListing] {
        var corrections: [String: MeterOverride] = [:]
        for (id, override) in overrides {
            guard let found = listings.named(id)?.description.id else { continue }
            // The id that it has today is the one that counts.
            if found == id || overrides[found] == nil { corrections[found] = override }
        }
        let rails = Set(listings.filter { $0.description.scope == .rail }.map(\.description.id))
        var corrected = listings.map { corrections[$0.description.id]?.applied(to: $0) ?? $0 }
        let boards = corrected.indices.filter { index in
            corrected[index].description.scope == .system && rails.contains(corrected[index].description.id)
        }
        // Power supplies, which are chips of one driver and one channel each, feed the board together.
        for (_, supplies) in Dictionary(grouping: boards, by: { corrected[$0].description.name })
        where supplies.count > 1 {
            for index in supplies {
                corrected[index].description.silicon = TotalSelection.partOfBoard(corrected[index].description.id)
                corrected[index].description.remarks.append("one of \(supplies.count) that are added up to the board")
            }
        }
        return corrected
    }
}

/// What a user knows of a meter that the machine cannot tell.
struct MeterOverride: Sendable, Hashable {
    var scope: MeterScope?
    /// 0 where the meter's default is switched off.
    var accuracy: Double?
    var plausiblePower: Power?
    var isIgnored = false
    /// Whether a power reading is taken that the BMC marks as not active.
    var assumesActive = false

    static let keys = ["scope", "accuracy", "plausible_power_w", "ignore", "assume_active"]

    init(_ entry: YAMLReader, id: String) throws(YAMLProblem) {
        let fields = try MeterFields(entry, keys: Self.keys)
        scope = try fields.choice("scope", MeterScope.self)
        accuracy = try fields.accuracy()
        plausiblePower = try fields["plausible_power_w"]?.number(1...1e9).watts
        isIgnored = try fields["ignore"]?.bool() ?? false
        assumesActive = try fields["assume_active"]?.bool() ?? false
        if let key = fields["assume_active"], id != IPMIMeter.id {
            throw key.problem("`assume_active` is for \(IPMIMeter.id)")
        }
    }

    func applied(to listing: MeterListing) -> MeterListing {
        var listing = listing
        if let scope, scope != listing.description.scope {
            // What was remarked of a rail, that it is in no total, is no longer so.
            if listing.description.scope == .rail { listing.description.remarks = [] }
            listing.description.remarks.append("the scope \(scope.rawValue) is given by the configuration")
            listing.description.scope = scope
            if scope == .system { listing.description.silicon = ConfiguredMeter.board }
        }
        if let accuracy {
            listing.description.accuracy = accuracy > 0 ? ConfiguredMeter.stated(accuracy) : nil
        }
        if let plausiblePower { listing.description.plausiblePower = plausiblePower }
        if isIgnored {
            listing.isIgnored = true
            listing.availability = .unavailable(
                reason: "left out by the configuration",
                remedy: "remove `ignore` from the override of \(listing.description.id)")
        }
        return listing
    }
}

extension Double {
    fileprivate var watts: Power { Power(watts: self) }
}

/// One entry of `meters:`.
struct ConfiguredMeter: Sendable {
    /// All meters of the whole board see the same: one of them counts.
    static let board = "board"
    /// No plug, and no board that hangs on one, takes more.
    private static let plausiblePower = Power(watts: 20_000)
    static let commonKeys = ["name", "type", "scope", "accuracy", "period_s", "insecure", "ca_file"]

    var id: String
    var name: String
    var scope: MeterScope
    /// Whether the configuration gives the scope.
    var hasScope: Bool
    /// 0 where the type's default is switched off.
    var accuracy: Double?
    var access: DeviceAccess
    var device: any DeviceMeter
    var schedule: PollSchedule
    /// Whether what the device gives as negative is what is drawn.
    var isInverted: Bool

    init(_ entry: YAMLReader) throws(YAMLProblem) {
        // The type decides which other keys there are, so it is looked for among all of them first.
        let types = MeterConfiguration.types
        let all = Self.commonKeys + types.flatMap { $0.keys }
        let typeField = try MeterFields(entry, keys: all.uniqued).required("type")
        let typeName = try typeField.string()
        guard let type = types.first(where: { $0.type == typeName }) else {
            throw typeField.problem("\(UserError.unknown("type", typeName, known: types.map { $0.type }))")
        }
        let fields = try MeterFields(entry, keys: Self.commonKeys + type.keys)
        let nameField = try fields.required("name")
        name = try nameField.string()
        guard name.count <= 64, name.utf8.allSatisfy(Self.isNameByte) else {
            throw nameField.problem("`name` must be of letters, digits, `-`, `_` and `.` (64 at most), not `\(name)`")
        }
        id = "\(type.type)/\(name)"
        let given = try fields.choice("scope", MeterScope.self)
        hasScope = given != nil
        scope = given ?? type.defaultScope
        accuracy = try fields.accuracy()
        isInverted = try fields["invert"]?.bool() ?? false
        let period = try fields["period_s"]?.number(type.shortestPeriodSeconds...3600) ?? type.defaultPeriodSeconds
        // A device with a shortest period of its own is not asked sooner to retry either.
        schedule = PollSchedule(
            periodSeconds: period,
            shortestSpacing: type.shortestPeriodSeconds >= 1 ? type.shortestPeriodSeconds : 0)
        device = try type.init(fields)
        access = try Self.access(fields, isSecure: device.address.isSecure)
        access.takesPassword = type.keys.contains("password_file")
        access.takesToken = type.keys.contains("token_file")
    }

    private static func access(_ fields: MeterFields, isSecure: Bool) throws(YAMLProblem) -> DeviceAccess {
        var access = DeviceAccess()
        access.user = try fields["user"]?.string()
        access.passwordFile = try fields.file("password_file")
        access.tokenFile = try fields.file("token_file")
        access.isInsecure = try fields["insecure"]?.bool() ?? false
        access.caFile = try fields.file("ca_file")
        if (access.user == nil) != (access.passwordFile == nil) {
            throw fields.entry.problem("`user` and `password_file` go together")
        }
        if let token = fields["token_file"], access.user != nil {
            throw token.problem("give either `token_file` or `user` and `password_file`")
        }
        if let ca = fields["ca_file"], access.isInsecure {
            throw ca.problem("`ca_file` verifies the certificate and `insecure` does not; give one of them")
        }
        if let key = fields["insecure"] ?? fields["ca_file"], !isSecure {
            throw key.problem("`insecure` and `ca_file` are for addresses that begin with https://")
        }
        return access
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// An accuracy as the user gives it.
    static func stated(_ accuracy: Double) -> StatedAccuracy { StatedAccuracy(accuracy, source: "taskwatt.yaml") }

    /// - Parameter override: what the configuration says of this meter's id.
    func check(_ override: MeterOverride?) -> FigureCheck {
        FigureCheck(
            id: id, scope: override?.scope ?? scope, limit: override?.plausiblePower ?? Self.plausiblePower,
            isInverted: isInverted, canInvert: type(of: device).keys.contains("invert"))
    }

    /// - Parameters:
    ///   - unit: of the figures, which a device may only tell when it is asked.
    ///   - step: the smallest step of the figures, in the unit.
    func description(
        unit: MeterUnit, step: Double, periodSeconds: Double, outlet: String? = nil, remarks: [String] = []
    ) -> MeterDescription {
        MeterDescription(
            id: id, name: name, scope: scope, kind: unit.kind, provenance: .measured, source: device.address.shown,
            periodSeconds: periodSeconds, resolution: step * unit.micros, relativeAccuracy: accuracy,
            accuracySource: accuracy.map { Self.stated($0).source }, plausiblePower: Self.plausiblePower,
            silicon: scope == .system ? Self.board : outlet ?? device.outlet ?? id,
            remarks: remarks)
    }
}

extension [String] {
    /// Each once, in order.
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
