import Core
import Glibc
import Synchronization
import YAMLReading

/// The BMC of a server, by Redfish (DMTF DSP0266 and the schemas of DSP8010).
///
/// `RedfishChassis` finds which of the chassis is the machine, `RedfishSources` what of it is the power of the whole. Where that
/// cannot be known the meter is unavailable, with the candidates and the key that chooses.
struct RedfishMeter: DeviceMeter {
    static let type = "redfish"
    /// A BMC takes half a second and more for each of up to some fifty resources, of which it is asked for four at a time.
    static let probeSeconds = 15.0
    static let keys = ["address", "chassis", "member", "sensor", "user", "password_file"]
    static let defaultPeriodSeconds = 5.0
    /// A BMC is slow, and its host's fans depend on it.
    static let shortestPeriodSeconds = 1.0
    static let defaultScope = MeterScope.system

    private static let collection = "/redfish/v1/Chassis"

    let address: DeviceAddress
    private let choice: RedfishChoice

    init(_ fields: MeterFields) throws(YAMLProblem) {
        address = try fields.address("address")
        choice = RedfishChoice(
            chassis: try fields["chassis"]?.string(), member: try fields["member"]?.string(),
            sensor: try fields["sensor"]?.string())
        if choice.member != nil, let sensor = fields["sensor"] {
            throw sensor.problem("`member` is of `PowerControl` and `sensor` of `Sensors`; give one of them")
        }
    }

    var expected: (unit: MeterUnit, step: Double) { (.watt, 1) }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        let bmc = RedfishService(link)
        let source = try await find(bmc)
        let watch = RedfishWatch(source)
        return DeviceConnection(remarks: ["read from \(source.name) of \(source.chassis)"], part: source.part) {
            () async throws(DeviceError) -> DeviceValue in
            if watch.mustLook(), let source = try? await find(bmc) { watch.take(source) }
            bmc.begin()
            do throws(DeviceError) {
                return try await watch.source.read(bmc)
            } catch {
                watch.hasFailed(error)
                throw error
            }
        }
    }

    private func find(_ bmc: RedfishService) async throws(DeviceError) -> RedfishSource {
        bmc.begin()
        // A BMC at work may take long for all of it, and one that is silent is not waited for.
        var links = try await within(bmc.link.patience, from: address.shown) {
            () async throws(DeviceError) -> [RedfishService.Member] in
            try await bmc.members(of: Self.collection)
        }
        let all = links.map { $0.name }
        if let name = choice.chassis {
            links = links.filter { $0.name == name }
            guard !links.isEmpty else {
                throw .unusable("there is no chassis \(name)", remedy: "give one of \(all.joined(separator: ", "))")
            }
        }
        var chassis: [RedfishChassis] = []
        var failure: DeviceError?
        for (link, answer) in zip(links, await bmc.resources(links)) {
            switch answer {
            case .success(let resource): chassis.append(RedfishChassis(path: link.path, resource))
            // It goes on for ever; what was found by then may be anything.
            case .failure(let error) where error.errno == EMSGSIZE: throw error
            // One chassis that does not answer does not hide another that does.
            case .failure(let error): failure = failure ?? error
            }
        }
        var search = RedfishSearch(choice: choice, parts: Set(RedfishChassis.parts(among: chassis).map(\.path)))
        let ranks = choice.chassis == nil ? RedfishChassis.ranked(chassis) : [chassis]
        for candidate in ranks.first ?? [] { await search.look(into: candidate, bmc) }
        if var source = try search.one(of: ranks.first ?? []) {
            if choice.chassis != nil, let part = chassis.first(where: { $0.name == source.chassis && $0.isNamedAsPart })
            {
                source.part = source.part ?? "chassis \(part.name)"
            }
            return source
        }
        if let source = await search.whole(toldBy: chassis, bmc) { return source }
        for candidate in ranks.dropFirst().joined() { await search.look(into: candidate, bmc) }
        if let question = search.question() { throw question }
        if search.found.isEmpty, search.problems.isEmpty, let error = failure ?? search.failure { throw error }
        throw search.nothing(in: chassis)
    }
}

/// What the configuration says of the source.
struct RedfishChoice: Sendable {
    var chassis: String?
    /// Of `PowerControl`, by its `MemberId` or its `Name`.
    var member: String?
    /// Of `Sensors`, by the last part of its path or its `Name`.
    var sensor: String?
}

/// Where the power is read.
struct RedfishSource: Sendable {
    struct Figure: Sendable {
        var path: String
        var pointer: JSONPointer
        /// Watts of one of its units.
        var scale = 1.0
    }

    var chassis: String
    var name: String
    /// Their sum is the power.
    var figures: [Figure]
    /// As it was found.
    var watts: Double
    /// What it is of, where that is a part of the machine.
    var part: String?

    func read(_ bmc: RedfishService) async throws(DeviceError) -> DeviceValue {
        var sum = 0.0
        var step = 1e-9
        let answers = await bmc.gather(figures) { figure throws(DeviceError) in try await bmc.get(figure.path) }
        for (figure, answer) in zip(figures, answers) {
            guard let value = figure.pointer.find(in: try answer.get()), let number = value.numeric else {
                throw .unusable("\(figure.path) has no \(figure.pointer.text) now")
            }
            // In a sum it would not be seen.
            guard figures.count == 1 || (number >= 0 && !FigureCheck.isErrorCode(number)) else {
                throw .unusable("\(figure.path) says \(number.short) W, which is not a measurement")
            }
            sum += number * figure.scale
            step = max(step, value.printedStep * figure.scale)
        }
        return DeviceValue(sum, .watt, step: step)
    }
}

/// The source as it is now: supplies are plugged in and out, and a BMC that has started anew may number its resources otherwise.
final class RedfishWatch: Sendable {
    /// Of a sum, after so many readings; at 5 s each that is every five minutes.
    static let longestSum = 60

    private struct State {
        var source: RedfishSource
        var readings = 0
        var isGone = false
    }

    private let state: Mutex<State>

    init(_ source: RedfishSource) { state = Mutex(State(source: source)) }

    var source: RedfishSource { state.withLock(\.source) }

    /// Whether the source is to be looked for again before the next reading.
    func mustLook() -> Bool {
        state.withLock { state in
            state.readings += 1
            let isOld = state.source.figures.count > 1 && state.readings >= Self.longestSum
            guard state.isGone || isOld else { return false }
            // Once: what cannot be found now must not keep what can be read.
            state.isGone = false
            state.readings = 0
            return true
        }
    }

    func take(_ source: RedfishSource) { state.withLock { $0 = State(source: source) } }

    /// One that does not answer is asked again where it is; one whose figure is not there any more is looked for.
    func hasFailed(_ error: DeviceError) {
        if error.errno == EBADMSG || error.status == 404 { state.withLock { $0.isGone = true } }
    }
}

/// What has been found, chassis by chassis.
struct RedfishSearch: Sendable {
    let choice: RedfishChoice
    /// The paths of chassis that are parts of the machine.
    let parts: Set<String>
    private(set) var found: [RedfishSource] = []
    /// Why a source that is there gives nothing, in words.
    private(set) var problems: [String] = []
    private(set) var failure: DeviceError?
    /// What nothing says to be the whole, as the user chooses it.
    private var offers: [String] = []
    private var hints: [String] = []
    /// By the chassis: several in it, of which one must be chosen.
    private var questions: [String: DeviceError] = [:]

    init(choice: RedfishChoice, parts: Set<String>) {
        self.choice = choice
        self.parts = parts
    }

    mutating func look(into chassis: RedfishChassis, _ bmc: RedfishService) async {
        var sources = RedfishSources(chassis: chassis, choice: choice, parts: parts)
        if let source = await sources.find(bmc) { found.append(source) }
        problems += sources.problems.map { "\(chassis.name): \($0)" }
        offers += sources.offers
        hints += sources.hints.map { "\(chassis.name): \($0)" }
        failure = failure ?? sources.failure
        questions[chassis.name] = sources.question
    }

    /// The power of the whole machine where a part tells it: Intel's BMC has it in the chassis of the baseboard.
    func whole(toldBy chassis: [RedfishChassis], _ bmc: RedfishService) async -> RedfishSource? {
        guard choice.chassis == nil, problems.isEmpty else { return nil }
        let wholes = Set(chassis.filter { $0.kind == .machine && !parts.contains($0.path) }.map(\.path))
        var told: [RedfishSource] = []
        for part in chassis.filter({ parts.contains($0.path) && $0.resource["Power"] != nil }).prefix(8) {
            var sources = RedfishSources(chassis: part, choice: choice, parts: parts)
            sources.wholes = wholes
            if let source = await sources.find(bmc) { told.append(source) }
        }
        return told.count == 1 ? told[0] : nil
    }

    /// The one that is the machine; `nil` where none of the candidates tells its power.
    ///
    /// - Throws: `DeviceError`, where it cannot be known which.
    func one(of candidates: [RedfishChassis]) throws(DeviceError) -> RedfishSource? {
        let telling = candidates.filter { chassis in
            questions[chassis.name] != nil || found.contains { $0.chassis == chassis.name }
        }
        let outermost = RedfishChassis.outermost(of: telling)
        let open = outermost.filter { chassis in !found.contains { $0.chassis == chassis.name } }
        if let question = open.first.flatMap({ questions[$0.name] }) { throw question }
        let hosts = RedfishChassis.hosts(among: candidates)
        if let only = outermost.first, outermost.count == 1, choice.chassis == nil, hosts.count > 1 {
            throw .unusable(
                "the BMC has \(hosts.count) machines (\(hosts.prefix(8).map(\.name).joined(separator: ", "))), and one "
                    + "tells its power", remedy: "if it is this one, give `chassis: \(only.name.yamlText)`")
        }
        if outermost.count <= 1 { return found.first { $0.chassis == outermost.first?.name } }
        let sources = found.filter { source in outermost.contains { $0.name == source.chassis } }
        let (list, keys) = Self.lists(sources)
        throw .unusable("\(sources.count) chassis of the BMC tell their power: \(list)", remedy: "give \(keys)")
    }

    /// Where what is known to be the machine says nothing, and something else may be it.
    func question() -> DeviceError? {
        guard !found.isEmpty else { return questions.values.first }
        let (list, keys) = Self.lists(found)
        let why = problems.isEmpty ? "" : " (\(problems.prefix(4).joined(separator: ", ")))"
        return .unusable(
            "the machine's chassis tells no power\(why), and others do: \(list)",
            remedy: "if it is the machine, give \(keys)")
    }

    private static func lists(_ sources: [RedfishSource]) -> (watts: String, keys: String) {
        (
            sources.prefix(8).map { "\($0.chassis) \($0.watts.short) W" }.joined(separator: ", "),
            sources.prefix(8).map { "`chassis: \($0.chassis.yamlText)`" }.joined(separator: " or ")
        )
    }

    func nothing(in chassis: [RedfishChassis]) -> DeviceError {
        let wanted = choice.sensor.map { " by a sensor \($0)" } ?? choice.member.map { " by a member \($0)" } ?? ""
        let told = problems + hints
        let places = told.isEmpty ? chassis.map(\.name) : told
        let shown = places.prefix(6).joined(separator: ", ") + (places.count > 6 ? ", …" : "")
        let part = chassis.first { parts.contains($0.path) }.map(\.name)
        let shownOffers = offers.prefix(8).joined(separator: " or ") + (offers.count > 8 ? " …" : "")
        let remedy =
            !offers.isEmpty
            ? "if one of them is the machine's power, give \(shownOffers); a part takes a `scope` of its own too"
            : choice.chassis == nil && part != nil
                ? "see if `ipmi/dcmi` is there; a part is read by `chassis: \(part?.yamlText ?? "")` with a `scope` of its own"
                : "see if `ipmi/dcmi` is there"
        return .unusable("no chassis of the BMC tells its power\(wanted) (\(shown))", remedy: remedy)
    }
}

extension String {
    /// As a value of YAML that is a text, whatever it looks like.
    var yamlText: String {
        let isPlain =
            first?.isLetter == true && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) }
        return isPlain && !["true", "false", "yes", "no", "on", "off", "null"].contains(lowercased())
            ? self : "'" + replacing("'", with: "''") + "'"
    }
}
