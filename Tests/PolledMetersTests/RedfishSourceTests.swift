import Accounting
import Core
import Foundation
import Metering
import TestSupport
import Testing

@testable import PolledMeters

/// Which of the figures of a BMC is the power of the machine.
@Suite struct RedfishSourceTests {
    private static let root = "/redfish/v1/Chassis"

    /// A BMC of some chassis: each with its fields, and its resources by what follows its path.
    private struct BMC {
        var resources: [String: String] = [:]
        var names: [String] = []

        /// - Parameter fields: of the chassis, without what its resources are linked by.
        mutating func add(_ name: String, _ fields: String, _ parts: [String: String] = [:]) {
            names.append(name)
            let path = "\(root)/\(name)"
            let links = ["EnvironmentMetrics", "Power", "Sensors", "PowerSubsystem"].filter { parts[$0] != nil }
                .map { #""\#($0)":{"@odata.id":"\#(path)/\#($0)"}"# }
            resources[path] =
                "{" + ([#""Id":"\#(name)""#, fields] + links).filter { !$0.isEmpty }.joined(separator: ",") + "}"
            for (place, text) in parts {
                resources["\(path)/\(place)"] = text.replacing("HERE", with: path)
            }
        }

        func collection(_ names: some Sequence<String>) -> String {
            names.map { #"{"@odata.id":"\#(root)/\#($0)"}"# }.joined(separator: ",")
        }

        func server() throws -> TestServer {
            var all = resources
            all[root] = all[root] ?? #"{"Members":[\#(collection(names))]}"#
            return try TestServer { [all] in all[$0.path].map { .json($0) } ?? .json("{}", status: 404) }
        }

        func listing(_ keys: String = "") async throws -> MeterListing {
            try await RedfishSourceTests.listing(server(), keys)
        }
    }

    private static func listing(_ server: TestServer, _ keys: String = "") async throws -> MeterListing {
        let rest = keys.isEmpty ? "" : ", \(keys)"
        return try #require(
            try await discover("meters: [{name: m, type: redfish, address: \"\(server.url)\"\(rest)}]").first)
    }

    private static func watts(_ listing: MeterListing) async -> Double? {
        guard case .gauge(let microwatts) = await next(listing.open()) else { return nil }
        return Double(microwatts) / 1e6
    }

    private static func metrics(_ watts: String) -> [String: String] {
        ["EnvironmentMetrics": #"{"PowerWatts":{"Reading":\#(watts)}}"#]
    }

    private static func control(_ members: String) -> [String: String] { ["Power": #"{"PowerControl":[\#(members)]}"#] }

    private static func sensors(_ names: [String: String]) -> [String: String] {
        let members = names.keys.sorted().map { #"{"@odata.id":"HERE/Sensors/\#($0)"}"# }.joined(separator: ",")
        var parts = ["Sensors": #"{"Members":[\#(members)]}"#]
        for (name, text) in names { parts["Sensors/\(name)"] = text }
        return parts
    }

    private static func supplies(_ watts: [String?]) -> [String: String] {
        let members = watts.indices.map { #"{"@odata.id":"HERE/PowerSubsystem/PowerSupplies/\#($0)"}"# }
        var parts = [
            "PowerSubsystem": #"{"PowerSupplies":{"@odata.id":"HERE/PowerSubsystem/PowerSupplies"}}"#,
            "PowerSubsystem/PowerSupplies": #"{"Members":[\#(members.joined(separator: ","))]}"#,
        ]
        for (index, watts) in watts.enumerated() {
            let path = "PowerSubsystem/PowerSupplies/\(index)"
            parts[path] = #"{"Status":{"State":"Enabled"},"Metrics":{"@odata.id":"HERE/\#(path)/Metrics"}}"#
            parts["\(path)/Metrics"] = watts.map { #"{"InputPowerWatts":{"Reading":\#($0)}}"# } ?? "{}"
        }
        return parts
    }

    // MARK: chassis

    @Test func aModuleIsNotTheMachine() async throws {
        var bmc = BMC()
        bmc.add("HGX_GPU_SXM_1", #""ChassisType":"Module""#, Self.metrics("88.4"))
        bmc.add("HGX_GPU_SXM_2", #""ChassisType":"Module""#, Self.metrics("88.4"))
        bmc.add("Self", #""ChassisType":"RackMount""#, Self.control(#"{"PowerConsumedWatts":2210}"#))
        let listing = try await bmc.listing()
        #expect(await Self.watts(listing) == 2210)
        #expect(listing.description.remarks.contains { $0.contains("Self") && $0.contains("PowerControl") })
        let part = try await bmc.listing("chassis: HGX_GPU_SXM_2, scope: accelerator")
        #expect(await Self.watts(part) == 88.4)
        #expect(part.description.scope == .accelerator)
    }

    /// Whatever a part is called or typed, and however many there are.
    @Test(arguments: [
        #""ChassisType":"Component""#, #""ChassisType":"Card""#, "",
        #""ChassisType":"Other","Links":{"ContainedBy":{"@odata.id":"/redfish/v1/Chassis/Self"}}"#,
    ])
    func partsAmongMany(fields: String) async throws {
        var bmc = BMC()
        for number in 1...24 { bmc.add("HGX_GPU_SXM_\(number)", fields, Self.metrics("700")) }
        bmc.add(
            "Self", #""ChassisType":"StandAlone","Links":{"ComputerSystems":[{"@odata.id":"/redfish/v1/Systems/1"}]}"#,
            Self.metrics("9800"))
        // On two pages.
        bmc.resources[Self.root] =
            #"{"Members":[\#(bmc.collection(bmc.names.prefix(20)))],"Members@odata.nextLink":"\#(Self.root)?$skip=20"}"#
        bmc.resources["\(Self.root)?$skip=20"] = #"{"Members":[\#(bmc.collection(bmc.names.dropFirst(20)))]}"#
        #expect(await Self.watts(try await bmc.listing()) == 9800)
    }

    @Test func partsAloneAreNotTheMachine() async throws {
        var bmc = BMC()
        bmc.add("HGX_GPU_SXM_1", #""ChassisType":"Module""#, Self.metrics("88.4"))
        bmc.add("Self", #""ChassisType":"RackMount""#)
        let listing = try await bmc.listing()
        #expect(listing.reason?.contains("HGX_GPU_SXM_1") == true)
        #expect(listing.remedy?.contains("`chassis: HGX_GPU_SXM_1`") == true)
    }

    /// Some BMCs give every chassis the same type.
    @Test func aTypeThatIsTheSameForAll() async throws {
        var bmc = BMC()
        bmc.add("HGX_GPU_SXM_1", #""ChassisType":"RackMount""#, Self.metrics("88.4"))
        bmc.add("Self", #""ChassisType":"RackMount""#)
        #expect(try await bmc.listing().reason?.contains("HGX_GPU_SXM_1") == true)
    }

    /// As Intel's BMC has it: what a member is related to tells what it is of.
    @Test func theWholeIsToldByAPart() async throws {
        var bmc = BMC()
        bmc.add("RackMount", #""ChassisType":"RackMount""#)
        let related = #"[{"@odata.id":"/redfish/v1/Systems/QSBP"},{"@odata.id":"/redfish/v1/Chassis/RackMount"}]"#
        let member = #"{"Name":"Server Power Control","RelatedItem":\#(related),"PowerConsumedWatts":280}"#
        bmc.add("Baseboard", #""ChassisType":"Component""#, Self.control(member))
        bmc.add("GPU_1", #""ChassisType":"Component""#, Self.control(#"{"PowerConsumedWatts":75}"#))
        let listing = try await bmc.listing()
        #expect(await Self.watts(listing) == 280)
        #expect(listing.description.remarks.contains { $0.contains("Baseboard") })
    }

    @Test func wordsOfNames() {
        #expect(PartWords.words(of: "PSU1_TotalGPUPower") == ["psu", "total", "gpu", "power"])
        #expect(PartWords.words(of: "CPU Sub-system Power") == ["cpu", "sub", "system", "power"])
        #expect(PartWords.words(of: "HGX_Chassis_0") == ["hgx", "chassis"])
    }

    /// An enclosure's manager: which blade this is cannot be known, though one alone tells its power.
    @Test func aBladeAmongOthers() async throws {
        var bmc = BMC()
        for number in 1...3 {
            let system = #"{"@odata.id":"/redfish/v1/Systems/\#(number)"}"#
            bmc.add(
                "Blade\(number)", #""ChassisType":"Blade","Links":{"ComputerSystems":[\#(system)]}"#,
                number == 2 ? Self.metrics("212") : [:])
        }
        #expect(try await bmc.listing().remedy?.contains("`chassis: Blade2`") == true)
        #expect(await Self.watts(try await bmc.listing("chassis: Blade2")) == 212)
    }

    /// What is not known to be the machine is not taken for it while the machine says nothing.
    @Test(arguments: [#""ChassisType":"Other""#, #""ChassisType":"Zone""#, ""])
    func anotherIsNotTakenForTheMachine(fields: String) async throws {
        var bmc = BMC()
        bmc.add("Tray1", fields, Self.metrics("88.4"))
        #expect(await Self.watts(try await bmc.listing()) == 88.4)
        bmc.add("Self", #""ChassisType":"RackMount""#, Self.metrics("null"))
        let listing = try await bmc.listing()
        #expect(listing.reason?.contains("Tray1 88.4 W") == true)
        #expect(listing.remedy?.contains("`chassis: Tray1`") == true)
        var gpu = BMC()
        gpu.add("GPU1", fields, Self.metrics("88.4"))
        #expect(try await !gpu.listing().availability.isAvailable)
    }

    @Test func whatHoldsAnotherIsTheMachine() async throws {
        var bmc = BMC()
        bmc.add("Baseboard", #""ChassisType":"RackMount""#, Self.metrics("900"))
        bmc.add(
            "Box", #""ChassisType":"RackMount","Links":{"Contains":[{"@odata.id":"/redfish/v1/Chassis/Baseboard"}]}"#,
            Self.metrics("1200"))
        #expect(await Self.watts(try await bmc.listing()) == 1200)
    }

    /// A rack with one system in it is that system; one with several is none of them.
    @Test func aRackOfOneAndARackOfSeveral() async throws {
        let one = #"{"@odata.id":"/redfish/v1/Systems/1"}"#
        var alone = BMC()
        alone.add("1", #""ChassisType":"Rack","Links":{"ComputerSystems":[\#(one)]}"#, Self.metrics("300"))
        #expect(await Self.watts(try await alone.listing()) == 300)
        var shared = BMC()
        shared.add(
            "Shelf", #""ChassisType":"Enclosure","Links":{"ComputerSystems":[\#(one),\#(one)]}"#, Self.metrics("2000"))
        shared.add(
            "Node", #""ChassisType":"Blade","Links":{"ContainedBy":{"@odata.id":"/redfish/v1/Chassis/Shelf"}}"#,
            Self.metrics("450"))
        #expect(await Self.watts(try await shared.listing()) == 450)
    }

    @Test func severalMachinesAreAskedFor() async throws {
        var bmc = BMC()
        bmc.add("Node1", #""ChassisType":"RackMount""#, Self.metrics("400"))
        bmc.add("2", #""ChassisType":"RackMount""#, Self.control(#"{"PowerConsumedWatts":500}"#))
        let listing = try await bmc.listing()
        #expect(listing.reason?.contains("Node1 400 W") == true && listing.reason?.contains("2 500 W") == true)
        #expect(
            listing.remedy?.contains("`chassis: Node1`") == true && listing.remedy?.contains("`chassis: '2'`") == true)
        #expect(await Self.watts(try await bmc.listing("chassis: '2'")) == 500)
    }

    /// Some BMCs write a slash at the end of some paths.
    @Test func pathsWithASlashAtTheEnd() async throws {
        var bmc = BMC()
        bmc.add("Board", #""Links":{"ContainedBy":{"@odata.id":"/redfish/v1/Chassis/1"}}"#, Self.metrics("300"))
        bmc.add("1", #""ChassisType":"RackMount""#, Self.metrics("420"))
        for name in bmc.names { bmc.resources["\(Self.root)/\(name)/"] = bmc.resources["\(Self.root)/\(name)"] }
        let members = bmc.names.map { #"{"@odata.id":"\#(Self.root)/\#($0)/"}"# }.joined(separator: ",")
        bmc.resources[Self.root] = #"{"Members":[\#(members)]}"#
        #expect(await Self.watts(try await bmc.listing()) == 420)
    }

    // MARK: zero, null and impossible figures

    @Test(arguments: ["0", "0.0", "null"])
    func aBoardThatSaysNothing(watts: String) async throws {
        var bmc = BMC()
        bmc.add("1", #""ChassisType":"RackMount""#, Self.control(#"{"PowerConsumedWatts":\#(watts)}"#))
        // Which is not the machine because the machine says nothing.
        if watts != "null" { bmc.add("Board", "", Self.metrics("50")) }
        let listing = try await bmc.listing()
        #expect(listing.reason?.contains(watts == "null" ? "no reading" : "0 W") == true)
        #expect(listing.open().read() == .failed(errno: EBADMSG))
    }

    @Test(arguments: [("-1", "-1 W"), ("65535", "error code"), ("50000", "that can be")])
    func anImpossibleFigure(watts: String, reason: String) async throws {
        var bmc = BMC()
        bmc.add("1", #""ChassisType":"RackMount""#, Self.control(#"{"PowerConsumedWatts":\#(watts)}"#))
        #expect(try await bmc.listing().reason?.contains(reason) == true)
    }

    /// A source that says 0 W does not hide one that measures.
    @Test func zeroInOneSourceAndAFigureInTheNext() async throws {
        var bmc = BMC()
        let parts = Self.metrics("0").merging(Self.control(#"{"PowerConsumedWatts":321}"#)) { $1 }
        bmc.add("1", #""ChassisType":"RackMount""#, parts)
        #expect(await Self.watts(try await bmc.listing()) == 321)
    }

    // MARK: members, sensors and supplies

    @Test(arguments: [
        // Named as Lenovo's XCC does.
        #"""
        {"MemberId":"1","Name":"CPU Sub-system Power","PhysicalContext":"CPU","PowerConsumedWatts":85},
        {"MemberId":"2","Name":"Memory Sub-system Power","PowerConsumedWatts":20},
        {"MemberId":"0","Name":"Server Power Control","PhysicalContext":"Chassis","PowerConsumedWatts":450}
        """#,
        #"""
        {"MemberId":"a","PhysicalContext":"GPU","PowerConsumedWatts":85},{"MemberId":"b","PowerConsumedWatts":450}
        """#,
        #"""
        {"MemberId":"a","Name":"Node power","PowerConsumedWatts":85,"Status":{"State":"Absent"}},
        {"MemberId":"b","Name":"Power 2","PowerConsumedWatts":450}
        """#,
        #"""
        {"MemberId":"0","RelatedItem":[{"@odata.id":"/redfish/v1/Systems/1/Processors/1"}],"PowerConsumedWatts":85},
        {"MemberId":"1","RelatedItem":[{"@odata.id":"/redfish/v1/Chassis/1"}],"PowerConsumedWatts":450}
        """#,
    ])
    func theMemberThatIsTheWhole(members: String) async throws {
        var bmc = BMC()
        bmc.add("1", #""ChassisType":"RackMount""#, Self.control(members))
        #expect(await Self.watts(try await bmc.listing()) == 450)
    }

    /// The only member of a machine's control is the machine, wherever it is metered; that of a part is not.
    @Test(arguments: [("PowerSupply", 324.0), ("Exhaust", 324), ("GPU", nil)] as [(String, Double?)])
    func theOnlyMember(place: String, watts: Double?) async throws {
        var bmc = BMC()
        bmc.add(
            "1", #""ChassisType":"RackMount""#,
            Self.control(#"{"MemberId":"1","PhysicalContext":"\#(place)","PowerConsumedWatts":324}"#))
        #expect(await Self.watts(try await bmc.listing()) == watts)
    }

    @Test func membersThatCannotBeToldApart() async throws {
        var bmc = BMC()
        let members = #"""
            {"MemberId":"0","Name":"Node A","PowerConsumedWatts":410},{"MemberId":"1","Name":"Node B","PowerConsumedWatts":430}
            """#
        bmc.add("1", #""ChassisType":"RackMount""#, Self.control(members))
        let listing = try await bmc.listing()
        #expect(listing.reason?.contains("410 W") == true && listing.reason?.contains("430 W") == true)
        #expect(listing.remedy?.contains("`member: '1'`") == true)
        #expect(await Self.watts(try await bmc.listing("member: '1'")) == 430)
        #expect(await Self.watts(try await bmc.listing("member: Node A")) == 410)
    }

    @Test func partsOfAMachineAreNotSummed() async throws {
        var bmc = BMC()
        let members = #"{"Name":"CPU 0","PowerConsumedWatts":85},{"Name":"CPU 1","PowerConsumedWatts":90}"#
        bmc.add("1", #""ChassisType":"RackMount""#, Self.control(members))
        #expect(try await bmc.listing().reason?.contains("parts only") == true)
    }

    /// What a BMC without `Power` has.
    @Test func theTotalAmongTheSensors() async throws {
        var bmc = BMC()
        let sensors = Self.sensors([
            "total_power": #"{"Name":"total power","ReadingType":"Power","ReadingUnits":"W","Reading":476}"#,
            "ps0_input_power": #"{"Name":"ps0 input power","ReadingType":"Power","Reading":240}"#,
            "cpu_power": #"{"Name":"cpu power","ReadingType":"Power","Reading":180}"#,
            "total_gpu_power": #"{"ReadingType":"Power","Reading":300}"#,
            "max_total_power": #"{"ReadingType":"Power","Reading":900}"#,
            "total_power_factor": #"{"ReadingType":"PowerFactor","Reading":0.9}"#,
        ])
        let parts = sensors.merging(Self.supplies(["240", "236"])) { $1 }
            .merging(["EnvironmentMetrics": #"{"TemperatureCelsius":{"Reading":24}}"#]) { $1 }
        bmc.add("chassis", #""ChassisType":"RackMount""#, parts)
        let listing = try await bmc.listing()
        #expect(await Self.watts(listing) == 476)
        #expect(listing.description.remarks.contains { $0.contains("total_power") })
        #expect(await Self.watts(try await bmc.listing("sensor: cpu_power, scope: package")) == 180)
        // A part is not the system because the user names it.
        #expect(try await bmc.listing("sensor: cpu_power").remedy?.contains("`scope: accelerator`") == true)
    }

    /// OpenBMC's supplies are sensors; a spare one takes nothing, and one that does not tell is no spare one.
    @Test(arguments: [(["240", "236"], 476.0), (["240", "0"], 240), (["240", "null"], nil), (["0", "0"], nil)])
    func theSuppliesAmongTheSensors(readings: [String], watts: Double?) async throws {
        var bmc = BMC()
        let names = readings.enumerated().flatMap { index, reading in
            [
                ("ps\(index)_input_power", #"{"ReadingType":"Power","Reading":\#(reading)}"#),
                ("ps\(index)_output_power", #"{"ReadingType":"Power","Reading":200}"#),
            ]
        }
        bmc.add(
            "chassis", #""ChassisType":"RackMount""#, Self.sensors(Dictionary(uniqueKeysWithValues: names)))
        #expect(await Self.watts(try await bmc.listing()) == watts)
    }

    /// A supply whose sensor does not answer now is missing in the sum all the same.
    @Test func aSupplyWhoseSensorDoesNotAnswer() async throws {
        var bmc = BMC()
        let sensors = ["ps0_input_power", "ps1_input_power"].map { ($0, #"{"ReadingType":"Power","Reading":240}"#) }
        bmc.add("chassis", #""ChassisType":"RackMount""#, Self.sensors(Dictionary(uniqueKeysWithValues: sensors)))
        #expect(await Self.watts(try await bmc.listing()) == 480)
        bmc.resources["\(Self.root)/chassis/Sensors/ps1_input_power"] = nil
        #expect(try await bmc.listing().reason?.contains("1 of 2 power supplies") == true)
    }

    /// What nothing says to be the whole is offered by the key that chooses it.
    @Test func whatMayBeTheWholeIsOffered() async throws {
        var bmc = BMC()
        let sensors = Self.sensors([
            "P_12V_IN": #"{"ReadingType":"Power","Reading":430}"#, "P_VCORE": #"{"ReadingType":"Power","Reading":180}"#,
        ])
        bmc.add("chassis", #""ChassisType":"RackMount""#, sensors)
        let listing = try await bmc.listing()
        #expect(listing.remedy?.contains("`sensor: P_12V_IN`") == true, "\(listing.remedy ?? "")")
        #expect(await Self.watts(try await bmc.listing("sensor: P_12V_IN")) == 430)
        #expect(try await bmc.listing("sensor: P_13V").remedy?.contains("`sensor: P_12V_IN`") == true)
        var other = BMC()
        other.add("1", #""ChassisType":"RackMount""#, Self.control(#"{"MemberId":"7","PowerConsumedWatts":430}"#))
        #expect(try await other.listing("member: '8'").remedy?.contains("`member: '7'`") == true)
    }

    /// A chassis that is a part, by its type or its name, is not the system because the user names it.
    @Test(arguments: [("HGX_GPU_SXM_1", #""ChassisType":"Module""#), ("GPU_1", #""ChassisType":"RackMount""#)])
    func aPartThatIsNamedTakesAScope(name: String, fields: String) async throws {
        var bmc = BMC()
        bmc.add(name, fields, Self.metrics("88.4"))
        bmc.add("Self", #""ChassisType":"RackMount""#, Self.metrics("1200"))
        #expect(try await bmc.listing("chassis: \(name)").remedy?.contains("`scope: accelerator`") == true)
        #expect(await Self.watts(try await bmc.listing("chassis: \(name), scope: rail")) == 88.4)
        #expect(await Self.watts(try await bmc.listing("chassis: Self")) == 1200)
    }

    /// A sensor says its unit; one that is none of power is no figure.
    @Test func aSensorInAnotherUnit() async throws {
        for (unit, watts) in [("kW", 476.0), ("mW", 0.000476), ("J", nil)] {
            var bmc = BMC()
            let sensors = Self.sensors([
                "total_power": #"{"ReadingType":"Power","ReadingUnits":"\#(unit)","Reading":0.476}"#
            ])
            bmc.add("chassis", #""ChassisType":"RackMount""#, sensors)
            #expect(await Self.watts(try await bmc.listing()) == watts, "\(unit)")
        }
    }

    /// An error code among the figures of a sum is none of its terms, whatever the bound.
    @Test func anErrorCodeInASum() async throws {
        var bmc = BMC()
        bmc.add("chassis", #""ChassisType":"RackMount""#, Self.supplies(["240", "65535"]))
        #expect(await Self.watts(try await bmc.listing()) == nil)
    }

    @Test func theInputOfAllSupplies() async throws {
        var bmc = BMC()
        bmc.add("chassis", #""ChassisType":"RackMount""#, Self.supplies(["240.5", "236"]))
        let listing = try await bmc.listing()
        #expect(await Self.watts(listing) == 476.5)
        #expect(listing.description.remarks.contains { $0.contains("supplies") })
        var older = BMC()
        let supplies = #"""
            {"PowerSupplies":[{"MemberId":"0","PowerInputWatts":120},{"MemberId":"1","PowerInputWatts":130},
                              {"MemberId":"2","Status":{"State":"Absent"}}]}
            """#
        older.add("1", #""ChassisType":"RackMount""#, ["Power": supplies])
        #expect(await Self.watts(try await older.listing()) == 250)
    }

    /// A sum knows of a supply that is plugged in later, and a figure that has gone is looked for.
    @Test func whatIsReadIsLookedForAgain() async throws {
        var (before, after) = (BMC(), BMC())
        before.add("1", #""ChassisType":"RackMount""#, Self.supplies(["240", "236"]))
        after.add("1", #""ChassisType":"RackMount""#, Self.supplies(["160", "158", "162"]))
        let isPlugged = LockedFlag()
        let server = try TestServer { [before, after] in
            if $0.path == Self.root { return .json(#"{"Members":[\#(before.collection(["1"]))]}"#) }
            let answer = (isPlugged.isSet ? after : before).resources[$0.path]
            return answer.map { .json($0) } ?? .json("{}", status: 404)
        }
        let yaml = "meters: [{name: m, type: redfish, address: \"\(server.url)\"}]"
        let meter = try #require(try MeterConfiguration.parse(text: yaml, file: "f").meters.first)
        let connection = try await meter.device.connect(
            DeviceLink(meter.device.address, meter.access, client: .shared))
        #expect(try await connection.read().number == 476)
        isPlugged.set()
        for _ in 2..<RedfishWatch.longestSum { #expect(try await connection.read().number == 318) }
        #expect(try await connection.read().number == 480)
    }

    /// It would make the sum too small.
    @Test(arguments: [nil, "null", "-1"])
    func aSupplyThatDoesNotTell(watts: String?) async throws {
        var bmc = BMC()
        bmc.add("chassis", #""ChassisType":"RackMount""#, Self.supplies(["240", watts]))
        #expect(try await bmc.listing().reason?.contains("1 of 2 power supplies") == true)
    }

    @Test func sensorsThatCannotBeToldApart() async throws {
        var bmc = BMC()
        let sensors = Self.sensors([
            "SysPowerA": #"{"ReadingType":"Power","Reading":400}"#,
            "SysPowerB": #"{"ReadingType":"Power","Reading":410}"#,
        ])
        bmc.add("1", #""ChassisType":"RackMount""#, sensors)
        let listing = try await bmc.listing()
        #expect(listing.remedy?.contains("`sensor: SysPowerB`") == true)
        #expect(await Self.watts(try await bmc.listing("sensor: SysPowerB")) == 410)
    }

    /// The figure is that of a sensor, which tells what it is of.
    @Test func theSourceOfAFigure() async throws {
        func metrics(_ reading: String) -> String {
            #"{"PowerWatts":{"DataSourceUri":"HERE/Sensors/p","Reading":\#(reading)}}"#
        }
        var bmc = BMC()
        let gpu = #"{"ReadingType":"Power","PhysicalContext":"GPU","Reading":80}"#
        let power = Self.control(#"{"PowerConsumedWatts":450}"#)
        bmc.add(
            "1", #""ChassisType":"RackMount""#,
            power.merging(["EnvironmentMetrics": metrics("80"), "Sensors/p": gpu]) { $1 })
        #expect(await Self.watts(try await bmc.listing()) == 450)
        var other = BMC()
        let whole = #"{"ReadingType":"Power","PhysicalContext":"Chassis","Reading":512}"#
        other.add(
            "1", #""ChassisType":"RackMount""#, ["EnvironmentMetrics": metrics("null"), "Sensors/p": whole])
        #expect(await Self.watts(try await other.listing()) == 512)
    }
}
