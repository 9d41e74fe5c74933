import Accounting
import Core
import Foundation
import Glibc
import Host
import Metering
import NIOHTTP1
import TestSupport
import Testing

@testable import PolledMeters

/// Every type of device, with answers as its maker documents them.
@Suite struct DeviceMeterTests {
    private static let firstGeneration =
        #"{"type":"SHPLG-S","mac":"B4E62D000000","auth":true,"fw":"20230913","num_meters":1}"#
    private static let laterGeneration =
        #"{"id":"shellyplusplugs-1","mac":"FCE8C0","gen":2,"app":"PlusPlugS","auth_en":false,"auth_domain":null}"#

    /// One entry, one server: what the listing says and what the reader reads.
    private func check(
        _ entry: String, _ answers: [String: String], expect reading: Reading, kind: MeterKind, resolution: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let server = try TestServer { request in
            let path = request.path.split(separator: "?").first.map(String.init) ?? ""
            return answers[path].map { .json($0) } ?? .json(#"{"message":"nothing here"}"#, status: 404)
        }
        let listing = try #require(
            try await discover("meters:\n  - {name: m, \(entry.replacing("ADDRESS", with: "\"\(server.url)\""))}\n")
                .first)
        #expect(listing.availability == .available, sourceLocation: sourceLocation)
        #expect(listing.description.kind == kind, sourceLocation: sourceLocation)
        #expect(listing.description.scope == .wall, sourceLocation: sourceLocation)
        #expect(listing.description.provenance == .measured, sourceLocation: sourceLocation)
        #expect(
            listing.description.silicon.hasPrefix(listing.description.source)
                || listing.description.silicon == listing.description.id, sourceLocation: sourceLocation)
        #expect(listing.description.rangeMicrojoules == nil, sourceLocation: sourceLocation)
        #expect(listing.description.plausiblePower.watts == 20_000, sourceLocation: sourceLocation)
        #expect(abs(listing.description.resolution / resolution - 1) < 1e-9, sourceLocation: sourceLocation)
        let reader = listing.open()
        #expect(await next(reader) == reading, sourceLocation: sourceLocation)
    }

    @Test func shellyOfTheFirstGeneration() async throws {
        let status = #"""
            {"relays":[{"ison":true}],
             "meters":[{"power":9.31,"overpower":0.0,"is_valid":true,"timestamp":1663863464,
                        "counters":[9.1,9.2,9.0],"total":120}],"uptime":4}
            """#
        let answers = ["/shelly": Self.firstGeneration, "/status": status]
        try await check(
            "type: shelly, address: ADDRESS", answers, expect: .gauge(microwatts: 9_310_000), kind: .gauge,
            resolution: 1e5)
        // 120 watt-minutes are 7.2 kJ.
        try await check(
            "type: shelly, address: ADDRESS, quantity: energy", answers, expect: .counter(microjoules: 7_200_000_000),
            kind: .counter, resolution: 60e6)
    }

    @Test func shellyClampOfTheFirstGeneration() async throws {
        let status = #"""
            {"emeters":[{"power":10.66,"pf":1.00,"current":0.08,"voltage":232.06,"is_valid":true,"total":5.3},
                        {"power":20.5,"pf":1.00,"current":0.01,"voltage":232.06,"is_valid":true,"total":10.0}]}
            """#
        let answers = ["/shelly": Self.firstGeneration, "/status": status]
        try await check(
            "type: shelly, address: ADDRESS, channel: 1", answers, expect: .gauge(microwatts: 20_500_000), kind: .gauge,
            resolution: 1e4)
        try await check(
            "type: shelly, address: ADDRESS, channel: 1, quantity: energy", answers,
            expect: .counter(microjoules: 36_000_000_000), kind: .counter, resolution: 360e6)
    }

    @Test func shellyOfLaterGenerations() async throws {
        let plug = #"""
            {"switch:0":{"id":0,"source":"init","output":true},
             "switch:1":{"id":1,"output":true,"apower":8.9,"voltage":237.5,
                         "aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779}},
             "pm1:0":{"id":0,"apower":3.5,"aenergy":{"total":50.0}}}
            """#
        let answers = ["/shelly": Self.laterGeneration, "/rpc/Shelly.GetStatus": plug]
        try await check(
            "type: shelly, address: ADDRESS, channel: 1", answers, expect: .gauge(microwatts: 8_900_000), kind: .gauge,
            resolution: 1e5)
        try await check(
            "type: shelly, address: ADDRESS, channel: 1, quantity: energy", answers,
            expect: .counter(microjoules: 23_515_200_000), kind: .counter, resolution: 3.6e6)
        // The relay of this number does not measure.
        try await check(
            "type: shelly, address: ADDRESS, channel: 0", answers, expect: .gauge(microwatts: 3_500_000), kind: .gauge,
            resolution: 1e5)
    }

    @Test func shellyEnergyMeters() async throws {
        let single = #"""
            {"em1:0":{"id":0,"current":3.705,"voltage":242.8,"act_power":598.9,"aprt_power":900.6},
             "em1data:0":{"id":0,"total_act_energy":3458.24,"total_act_ret_energy":1605.24}}
            """#
        let three = #"""
            {"em:0":{"id":0,"a_act_power":100.1,"total_current":1.2,"total_act_power":300.3},
             "emdata:0":{"id":0,"a_total_act_energy":1.0,"total_act":2000.5,"total_act_ret":0.0}}
            """#
        for (status, watts, wattHours) in [(single, 598.9, 3458.24), (three, 300.3, 2000.5)] {
            let answers = ["/shelly": Self.laterGeneration, "/rpc/Shelly.GetStatus": status]
            try await check(
                "type: shelly, address: ADDRESS", answers, expect: .gauge(microwatts: Int64((watts * 1e6).rounded())),
                kind: .gauge, resolution: 1e5)
            try await check(
                "type: shelly, address: ADDRESS, quantity: energy", answers,
                expect: .counter(microjoules: Int64((wattHours * 3.6e9).rounded())), kind: .counter, resolution: 36e6)
        }
    }

    /// The energy of a clamp meter moves once a minute, and the account must know.
    @Test func aSlowEnergyHasItsOwnPeriod() async throws {
        let server = try TestServer { request in
            .json(request.path == "/shelly" ? Self.laterGeneration : #"{"em1data:0":{"total_act_energy":1.5}}"#)
        }
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: shelly, address: \"\(server.url)\", quantity: energy, period_s: 2}]"
            ).first)
        #expect(listing.description.periodSeconds == 60)
    }

    @Test func tasmota() async throws {
        let one = #"""
            {"StatusSNS":{"Time":"2024-06-26T16:19:59","ENERGY":{"TotalStartTime":"2022-09-03T13:02:25",
             "Total":167.743,"Yesterday":0.779,"Today":0.045,"Power": 3,"ApparentPower":30,"Voltage":236}}}
            """#
        try await check(
            "type: tasmota, address: ADDRESS", ["/cm": one], expect: .gauge(microwatts: 3_000_000), kind: .gauge,
            resolution: 1e6)
        try await check(
            "type: tasmota, address: ADDRESS, quantity: energy", ["/cm": one],
            expect: .counter(microjoules: 603_874_800_000_000), kind: .counter, resolution: 3.6e9)
        let two = #"{"StatusSNS":{"ENERGY":{"Total":[1.0,2.0],"Power":[12.5,40.25]}}}"#
        try await check(
            "type: tasmota, address: ADDRESS, channel: 1", ["/cm": two], expect: .gauge(microwatts: 40_250_000),
            kind: .gauge, resolution: 1e4)
    }

    @Test func tasmotaTakesItsPasswordInTheQuery() async throws {
        let directory = try TemporaryDirectory()
        let file = try secret("p&ss wörd\n", in: directory, name: "password")
        let server = try TestServer { request in
            request.path == "/cm?user=admin&password=p%26ss%20w%C3%B6rd&cmnd=Status%2010"
                ? .json(#"{"StatusSNS":{"ENERGY":{"Power":7}}}"#)
                : .json(#"{"WARNING":"Need user=<username>&password=<password>"}"#)
        }
        let entry = "name: m, type: tasmota, address: \"\(server.url)\""
        let open = try #require(
            try await discover("meters: [{\(entry), user: admin, password_file: \(file)}]").first)
        #expect(open.availability == .available)
        #expect(!open.description.source.contains("p%26ss"))
        #expect(server.requests.allSatisfy { !$0.headers.contains(name: "Authorization") })
        let closed = try #require(try await discover("meters: [{\(entry)}]").first)
        #expect(closed.reason?.contains("Need user") == true)
        #expect(closed.remedy == "give its `user` and `password_file`")
    }

    @Test func prometheus() async throws {
        let vector = #"""
            {"status":"success","data":{"resultType":"vector","result":[
              {"metric":{"rack":"3"},"value":[1435781451.781,"512.25"]}]}}
            """#
        let entry = #"type: prometheus, address: ADDRESS, query: 'sum(pdu_watts{rack="3"})'"#
        try await check(
            "\(entry), unit: W", ["/api/v1/query": vector], expect: .gauge(microwatts: 512_250_000), kind: .gauge,
            resolution: 1e4)
        let scalar = #"{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"2"]}}"#
        try await check(
            "\(entry), unit: kWh", ["/api/v1/query": scalar], expect: .counter(microjoules: 7_200_000_000_000),
            kind: .counter, resolution: 3.6e12)
    }

    @Test(arguments: [
        (#"{"data":{"resultType":"vector","result":[]}}"#, "the query gives no series"),
        (#"{"data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}}"#, "gives 2 series"),
        (#"{"data":{"resultType":"matrix","result":[]}}"#, "the query gives a matrix"),
        (#"{"data":{"resultType":"scalar","result":[1,"NaN"]}}"#, "`NaN`, which is not a number"),
        (#"{"data":{"resultType":"scalar","result":[1]}}"#, "`nothing`"),
        (#"{"status":"error"}"#, "no /data/result"),
    ])
    func aQueryThatGivesNoFigure(answer: String, reason: String) async throws {
        let server = try TestServer { _ in .json(answer) }
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: prometheus, address: \"\(server.url)\", query: up, unit: W}]"
            ).first)
        #expect(listing.reason?.contains(reason) == true)
        #expect(server.requests.first?.path == "/api/v1/query?query=up")
    }

    /// Prometheus answers with a sample of up to five minutes ago as if it were of now.
    @Test(arguments: [(10.0, true), (200, false)])
    func aSampleThatIsNoLongerScrapedIsStale(age: Double, isGood: Bool) async throws {
        let time = Clocks.wall() - age
        let server = try TestServer { request in
            let figure = request.path.contains("timestamp%28up%7Brack%3D%223%22%7D%29") ? "\(time)" : "512"
            return .json(#"{"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"\#(figure)"]}]}}"#)
        }
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: prometheus, address: \"\(server.url)\", query: 'up{rack=\"3\"}', unit: W}]"
            ).first)
        #expect(listing.availability.isAvailable == isGood)
        if !isGood { #expect(listing.open().read() == .failed(errno: ESTALE)) }
    }

    @Test func aPrometheusThatRefusesTheQuerySaysWhy() async throws {
        let server = try TestServer { _ in
            .json(#"{"status":"error","errorType":"bad_data","error":"parse error: unclosed left paren"}"#, status: 400)
        }
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: prometheus, address: \"\(server.url)\", query: 'sum(', unit: W}]"
            ).first)
        #expect(listing.reason?.hasPrefix("400: ") == true)
        #expect(listing.reason?.contains("unclosed left paren") == true)
        #expect(server.requests.first?.path == "/api/v1/query?query=sum%28")
    }

    @Test func json() async throws {
        let answer = #"{"emeter":{"power":"12.50","a/b":[{"m~n":3}]},"total":1e3}"#
        try await check(
            "type: json, url: ADDRESS, pointer: /emeter/power, unit: W", ["/": answer],
            expect: .gauge(microwatts: 12_500_000), kind: .gauge, resolution: 1e4)
        try await check(
            "type: json, url: ADDRESS, pointer: '/emeter/a~1b/0/m~0n', unit: kW", ["/": answer],
            expect: .gauge(microwatts: 3_000_000_000), kind: .gauge, resolution: 1e9)
        try await check(
            "type: json, url: ADDRESS, pointer: /total, unit: J", ["/": answer],
            expect: .counter(microjoules: 1_000_000_000), kind: .counter, resolution: 1e6)
    }

    @Test(arguments: [
        ("/emeter/volts", "the answer has no /emeter/volts"), ("/emeter", "/emeter is `"),
        ("/list/01", "has no /list/01"),
        ("/list/2", "has no /list/2"), ("/nothing", "`null`, which is not a number"),
        ("/text", "`12 W`, which is not a number"),
        ("/infinite", "`inf`, which is not a number"), ("/yes", "`true`, which is not a number"),
    ])
    func aPointerThatFindsNoFigure(pointer: String, reason: String) async throws {
        let server = try TestServer { _ in
            .json(
                #"{"emeter":{"power":1},"list":[1,2],"nothing":null,"text":"12 W","infinite":"inf","yes":true}"#)
        }
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: json, url: \"\(server.url)/status\", pointer: \(pointer), unit: W}]"
            ).first)
        #expect(listing.reason?.contains(reason) == true)
    }

    /// The number of a JSON meter is asked for exactly where the user says, query and last slash and all.
    @Test func aURLIsAskedAsItIsGiven() async throws {
        let server = try TestServer { _ in .json(#"{"p":1}"#) }
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: json, url: \"\(server.url)/a/?key=hidden\", pointer: /p, unit: W}]"
            ).first)
        #expect(listing.reason == nil)
        #expect(server.requests.first?.path == "/a/?key=hidden")
        #expect(listing.description.source == "\(server.url)/a/")
    }
}
