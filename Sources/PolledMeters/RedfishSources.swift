import Core

/// What in one chassis tells its power.
///
/// The schemas of DSP8010, in the order in which they are looked for: `EnvironmentMetrics.PowerWatts` (a sensor's excerpt, with its
/// `DataSourceUri`); `Power.PowerControl[].PowerConsumedWatts`, of which one is the whole; a sensor of `ReadingType` Power that is
/// named or placed as the whole; `PowerSubsystem.PowerSupplies[].Metrics.InputPowerWatts` and
/// `Power.PowerSupplies[].PowerInputWatts`, whose sum it is, for each supply has an input of its own. 0 W and `null` are no reading.
struct RedfishSources: Sendable {
    let chassis: RedfishChassis
    let choice: RedfishChoice
    /// The paths of chassis that are parts of the machine.
    let parts: Set<String>
    /// Where only what is related to a whole system, or to one of these chassis, is looked for; `nil` otherwise.
    var wholes: Set<String>?
    private(set) var problems: [String] = []
    private(set) var failure: DeviceError?
    private(set) var question: DeviceError?
    /// What there is that nothing says to be the whole, as the user chooses it.
    private(set) var offers: [String] = []
    /// What that is, in words; it is no problem where another source tells.
    private(set) var hints: [String] = []

    /// A board has some hundreds; those of power are few, and named so.
    private static let mostSensors = 32

    init(chassis: RedfishChassis, choice: RedfishChoice, parts: Set<String>) {
        self.chassis = chassis
        self.choice = choice
        self.parts = parts
    }

    /// The inputs of power supplies, whose sum is the power of the machine; a spare one may take nothing.
    private struct SupplyInputs {
        var names: [String] = []
        var figures: [RedfishSource.Figure] = []
        var sum = 0.0

        /// - Parameter watts: `nil` of one that does not tell.
        mutating func add(_ name: String, _ figure: RedfishSource.Figure?, _ watts: Double?) {
            names.append(name)
            guard let figure, let watts, watts >= 0, !FigureCheck.isErrorCode(watts) else { return }
            figures.append(figure)
            sum += watts
        }
    }
    private var supplyInputs = SupplyInputs()

    /// A figure that may be the one.
    private struct Entry {
        var name: String
        /// As the user gives it by `member` or `sensor`.
        var id: String
        var context: PartWords.Context
        var watts: Double
        var figure: RedfishSource.Figure

        /// Whether the place is one through which all that the machine takes may go.
        var isOfTheWholeInput = false
        var isPart: Bool { context == .part || (context == .unknown && PartWords.isPart(name)) }
        var isWhole: Bool { context == .whole || PartWords.isWhole(name) }
        var isPlacedWhole: Bool { context == .whole }
        var isTotal: Bool { PartWords.isTotal(name) }
    }

    mutating func find(_ bmc: RedfishService) async -> RedfishSource? {
        if wholes != nil { return control(await get(chassis.resource["Power"]?.link, bmc)) }
        if choice.sensor != nil { return await sensor(bmc) }
        if choice.member == nil, let source = await environment(bmc) { return source }
        let power = await get(chassis.resource["Power"]?.link, bmc)
        if let source = control(power) { return source }
        if choice.member != nil { return nil }
        if let source = await sensor(bmc) { return source }
        if let source = await supplies(bmc) { return source }
        if let source = oldSupplies(power) { return source }
        // As OpenBMC has it, whose supplies are sensors: `ps0_input_power` and so on.
        return sumOfSupplies(supplyInputs)
    }

    // MARK: EnvironmentMetrics

    private mutating func environment(_ bmc: RedfishService) async -> RedfishSource? {
        guard let path = chassis.resource["EnvironmentMetrics"]?.link, let metrics = await get(path, bmc),
            let power = metrics["PowerWatts"], let pointer = JSONPointer("/PowerWatts/Reading")
        else { return nil }
        var figure = RedfishSource.Figure(path: path, pointer: pointer)
        var watts = power["Reading"]?.numeric
        var sensor: JSONValue?
        if let source = power["DataSourceUri"]?.stringValue, source.hasPrefix("/"),
            let reading = JSONPointer("/Reading")
        {
            let owner = source.split(separator: "/").prefix { $0 != "Sensors" }.map { "/\($0)" }.joined()
            guard !parts.contains(owner) || owner == chassis.path else {
                problems.append("EnvironmentMetrics is of \(owner.lastPathPart)")
                return nil
            }
            // That it cannot be asked says nothing of the figure.
            sensor = try? await bmc.get(source)
            if watts == nil || watts == 0, let own = sensor?["Reading"]?.numeric, own != 0,
                let scale = Self.watts(inUnitOf: sensor)
            {
                (watts, figure) = (own * scale, RedfishSource.Figure(path: source, pointer: reading, scale: scale))
            }
        }
        if PartWords.Context(sensor?["PhysicalContext"]?.stringValue) == .part, !isAskedFor {
            problems.append("EnvironmentMetrics is of \(sensor?["PhysicalContext"]?.stringValue ?? "a part")")
            return nil
        }
        return source("EnvironmentMetrics", [figure], watts)
    }

    // MARK: Power

    private mutating func control(_ power: JSONValue?) -> RedfishSource? {
        guard let path = chassis.resource["Power"]?.link, let members = power?["PowerControl"]?.elements else {
            return nil
        }
        var entries: [Entry] = []
        for (index, member) in members.enumerated() {
            guard let pointer = JSONPointer("/PowerControl/\(index)/PowerConsumedWatts"), Self.isThere(member) else {
                continue
            }
            let id = member["MemberId"]?.text ?? "\(index)"
            let name = member["Name"]?.stringValue ?? ""
            if let wanted = choice.member, wanted != id, wanted != name {
                offers.append("`member: \(id.yamlText)`")
                continue
            }
            if let wholes, !Self.isRelated(member["RelatedItem"], to: wholes) { continue }
            guard let watts = member["PowerConsumedWatts"]?.numeric else {
                if member["PowerConsumedWatts"] != nil { problems.append("PowerControl \(id) has no reading") }
                continue
            }
            guard watts != 0 || isAskedFor else {
                problems.append("PowerControl \(id) says 0 W")
                continue
            }
            var entry = Entry(
                name: name, id: id, context: PartWords.Context(member["PhysicalContext"]?.stringValue), watts: watts,
                figure: RedfishSource.Figure(path: path, pointer: pointer))
            let place = member["PhysicalContext"]?.stringValue ?? ""
            entry.isOfTheWholeInput = ["PowerSupply", "Exhaust"].contains(place) && !PartWords.isPart(name)
            if Self.isOfParts(member["RelatedItem"]) { (entry.context, entry.isOfTheWholeInput) = (.part, false) }
            entries.append(entry)
        }
        if choice.member != nil, let first = entries.first, entries.count == 1 { return source(first, "PowerControl") }
        return one(of: entries, "PowerControl", key: "member", mayBeUnnamed: true)
    }

    /// Whether all that a member is related to are processors, memories and their like.
    private static func isOfParts(_ related: JSONValue?) -> Bool {
        let links = related.links
        return !links.isEmpty
            && links.allSatisfy { link in
                ["/Processors/", "/Memory/", "/Storage/", "/PCIeDevices/", "/NetworkAdapters/"].contains {
                    link.contains($0)
                }
            }
    }

    private static func isRelated(_ related: JSONValue?, to wholes: Set<String>) -> Bool {
        related.links.contains { link in
            wholes.contains(link)
                || (link.hasPrefix("/redfish/v1/Systems/") && link.split(separator: "/").count == 4)
        }
    }

    // MARK: Sensors

    private mutating func sensor(_ bmc: RedfishService) async -> RedfishSource? {
        guard let path = chassis.resource["Sensors"]?.link, var links = await members(of: path, bmc) else { return nil }
        if let wanted = choice.sensor, let found = links.first(where: { $0.name == wanted }) {
            links = [found]
        } else {
            let named = links.filter { PartWords.isPower($0.name) }
            links = Array((named.isEmpty || choice.sensor != nil ? links : named).prefix(Self.mostSensors))
        }
        var entries: [Entry] = []
        var inputs = SupplyInputs()
        for (link, answer) in zip(links, await bmc.resources(links)) {
            if case .failure = answer, PartWords.isInputOfSupply(link.name), PartWords.isPower(link.name) {
                inputs.add(link.name, nil, nil)
            }
            guard case .success(let sensor) = answer, Self.isThere(sensor), let reading = JSONPointer("/Reading"),
                sensor["ReadingType"]?.stringValue == "Power" || sensor["ReadingUnits"]?.stringValue == "W"
            else { continue }
            guard let scale = Self.watts(inUnitOf: sensor) else {
                problems.append("Sensors/\(link.name) is in \(sensor["ReadingUnits"]?.stringValue ?? "no unit")")
                continue
            }
            let name = sensor["Name"]?.stringValue ?? link.name
            if let wanted = choice.sensor, wanted != link.name, wanted != name {
                offers.append("`sensor: \(link.name.yamlText)`")
                continue
            }
            let figure = RedfishSource.Figure(path: link.path, pointer: reading, scale: scale)
            if PartWords.isInputOfSupply(link.name) {
                inputs.add(link.name, figure, sensor["Reading"]?.numeric.map { $0 * scale })
            }
            guard let watts = sensor["Reading"]?.numeric, watts != 0 || isAskedFor else {
                if choice.sensor != nil { problems.append("Sensors/\(link.name) has no reading but 0 W or nothing") }
                continue
            }
            entries.append(
                Entry(
                    name: "\(link.name) \(name)", id: link.name,
                    context: PartWords.Context(sensor["PhysicalContext"]?.stringValue), watts: watts * scale,
                    figure: figure))
        }
        if choice.sensor != nil { return entries.first.flatMap { source($0, "Sensors") } }
        supplyInputs = inputs
        return one(of: entries.filter { !PartWords.isOther($0.name) }, "Sensors", key: "sensor", mayBeUnnamed: false)
    }

    /// `ReadingUnits` of a sensor, by the codes of UCUM (DSP2046, Sensor); power without any is in watts.
    private static func watts(inUnitOf sensor: JSONValue?) -> Double? {
        guard let unit = sensor?["ReadingUnits"]?.stringValue, !unit.isEmpty else { return 1 }
        return ["W": 1, "Watts": 1, "mW": 1e-3, "kW": 1e3, "MW": 1e6][unit]
    }

    // MARK: supplies

    private mutating func supplies(_ bmc: RedfishService) async -> RedfishSource? {
        guard let subsystem = await get(chassis.resource["PowerSubsystem"]?.link, bmc),
            let path = subsystem["PowerSupplies"]?.link, let links = await members(of: path, bmc),
            let pointer = JSONPointer("/InputPowerWatts/Reading")
        else { return nil }
        let present = zip(links, await bmc.resources(links)).compactMap {
            link, answer -> (name: String, metrics: String?)? in
            guard case .success(let supply) = answer else { return (link.name, nil) }
            return Self.isThere(supply) ? (link.name, supply["Metrics"]?.link) : nil
        }
        var inputs = SupplyInputs()
        let answers = await bmc.gather(present.compactMap(\.metrics)) { path throws(DeviceError) in
            try await bmc.get(path)
        }
        var metrics = answers.makeIterator()
        for supply in present {
            guard let path = supply.metrics, case .success(let metrics)? = metrics.next() else {
                inputs.add(supply.name, nil, nil)
                continue
            }
            inputs.add(
                supply.name, RedfishSource.Figure(path: path, pointer: pointer), pointer.find(in: metrics)?.numeric)
        }
        return sumOfSupplies(inputs)
    }

    private mutating func oldSupplies(_ power: JSONValue?) -> RedfishSource? {
        guard let path = chassis.resource["Power"]?.link, let all = power?["PowerSupplies"]?.elements else {
            return nil
        }
        var inputs = SupplyInputs()
        for (index, supply) in all.enumerated() where Self.isThere(supply) {
            let figure = JSONPointer("/PowerSupplies/\(index)/PowerInputWatts").map {
                RedfishSource.Figure(path: path, pointer: $0)
            }
            inputs.add(supply["MemberId"]?.text ?? "\(index)", figure, supply["PowerInputWatts"]?.numeric)
        }
        return sumOfSupplies(inputs)
    }

    /// One that does not tell would make the sum too small.
    private mutating func sumOfSupplies(_ inputs: SupplyInputs) -> RedfishSource? {
        guard !inputs.figures.isEmpty else { return nil }
        guard inputs.figures.count == inputs.names.count else {
            problems.append("\(inputs.figures.count) of \(inputs.names.count) power supplies tell their input")
            return nil
        }
        let names = inputs.names.joined(separator: " + ")
        return source("the input of its power supplies (\(names))", inputs.figures, inputs.sum)
    }

    // MARK: choosing

    /// The one that is the whole; where it cannot be known, a question.
    ///
    /// - Parameter mayBeUnnamed: whether the only one that is of no part is the whole, whatever its name.
    private mutating func one(of entries: [Entry], _ list: String, key: String, mayBeUnnamed: Bool) -> RedfishSource? {
        guard !entries.isEmpty else { return nil }
        // A part that was asked for may have figures of nothing else.
        // And the only member of a machine's control is the machine, wherever it is metered: Cisco's says `PowerSupply`.
        let isSole = mayBeUnnamed && entries.count == 1 && entries[0].isOfTheWholeInput
        let candidates =
            isSole || (isAskedFor && entries.allSatisfy(\.isPart)) ? entries : entries.filter { !$0.isPart }
        if candidates.isEmpty {
            problems.append("\(list) tells of parts only: \(Self.names(entries))")
            offers += Self.keys(entries, key)
            return nil
        }
        if candidates.count == 1, mayBeUnnamed { return source(candidates[0], list) }
        for isIt in [\Entry.isWhole, \.isPlacedWhole, \.isTotal] {
            let left = candidates.filter { $0[keyPath: isIt] }
            if left.count == 1 { return source(left[0], list) }
        }
        guard mayBeUnnamed || candidates.contains(where: \.isWhole) else {
            hints.append("none of \(list) is named as the whole: \(Self.names(candidates))")
            offers += Self.keys(candidates, key)
            return nil
        }
        let keys = Self.keys(candidates, key).joined(separator: " or ")
        question =
            question
            ?? .unusable(
                "\(candidates.count) of \(list) of \(chassis.name) may be its power: \(Self.names(candidates))",
                remedy: "give \(keys)")
        return nil
    }

    private static func keys(_ entries: [Entry], _ key: String) -> [String] {
        entries.prefix(8).map { "`\(key): \($0.id.yamlText)`" }
    }

    private static func names(_ entries: [Entry]) -> String {
        entries.prefix(8).map { entry in
            "\(entry.id)\(entry.name.isEmpty || entry.name.hasPrefix(entry.id) ? "" : " (\(entry.name))") \(entry.watts.short) W"
        }.joined(separator: ", ")
    }

    private mutating func source(_ entry: Entry, _ list: String) -> RedfishSource? {
        let isNamed = entry.name.isEmpty || entry.name.hasPrefix(entry.id)
        var source = source("\(list)/\(entry.id)\(isNamed ? "" : " (\(entry.name))")", [entry.figure], entry.watts)
        if entry.isPart, !entry.isOfTheWholeInput { source?.part = "\(list)/\(entry.id)" }
        return source
    }

    private mutating func source(_ name: String, _ figures: [RedfishSource.Figure], _ watts: Double?) -> RedfishSource?
    {
        guard let watts else {
            problems.append("\(name) has no reading")
            return nil
        }
        guard watts != 0 || isAskedFor else {
            problems.append("\(name) says 0 W")
            return nil
        }
        return RedfishSource(chassis: chassis.name, name: name, figures: figures, watts: watts)
    }

    /// Whether the user named the place, so that what it says is for the check of figures to judge.
    private var isAskedFor: Bool { choice.chassis != nil && parts.contains(chassis.path) }

    // MARK: asking

    private mutating func get(_ path: String?, _ bmc: RedfishService) async -> JSONValue? {
        guard let path else { return nil }
        do throws(DeviceError) {
            return try await bmc.get(path)
        } catch {
            failure = failure ?? error
            return nil
        }
    }

    private mutating func members(of path: String, _ bmc: RedfishService) async -> [RedfishService.Member]? {
        do throws(DeviceError) {
            return try await bmc.members(of: path)
        } catch {
            failure = failure ?? error
            return nil
        }
    }

    /// `Status.State` of DSP8010: what is not plugged in or is off has no figure.
    private static func isThere(_ resource: JSONValue) -> Bool {
        guard let state = resource["Status"]?["State"]?.stringValue else { return true }
        return !["Absent", "Disabled", "UnavailableOffline", "StandbyOffline", "Deferring", "Missing"].contains(state)
    }
}
