import Accounting
import Core
import Foundation
import Metering
import TestSupport
import Testing

@testable import PolledMeters

/// Devices with several channels or phases, and those whose clamp sits the wrong way round.
@Suite struct ChannelTests {
    private static let threePhases = #"""
        {"emeters":[{"power":101.2,"is_valid":true,"total":10.0,"total_returned":0.5},
                    {"power":98.7,"is_valid":true,"total":20.0,"total_returned":0.0},
                    {"power":110.3,"is_valid":true,"total":30.0,"total_returned":0.0}],"total_power":310.2}
        """#

    /// What a device is listed as, with the answers of one `/shelly` and one status, or of Tasmota.
    private func listing(
        _ keys: String = "", status: String, type: String = "shelly", about: String = #"{"gen":3}"#
    ) async throws -> MeterListing {
        let server = try TestServer { .json($0.path == "/shelly" ? about : status) }
        return try #require(
            try await discover(
                "meters: [{name: m, type: \(type), address: \"\(server.url)\"\(keys.isEmpty ? "" : ", \(keys)")}]"
            ).first)
    }

    private func watts(_ keys: String = "", status: String, type: String = "shelly", about: String = #"{"gen":3}"#)
        async throws -> Double?
    {
        let listing = try await listing(keys, status: status, type: type, about: about)
        guard listing.availability.isAvailable else { return nil }
        guard case .gauge(let microwatts) = await next(listing.open()) else { return nil }
        return Double(microwatts) / 1e6
    }

    @Test(arguments: [
        ("", 310.2), ("channel: all", 310.2), ("channel: 0", 101.2), ("channel: 2", 110.3), ("phase: b", 98.7),
    ])
    func aThreePhaseShellyOfTheFirstGeneration(keys: String, expected: Double) async throws {
        let about = #"{"type":"SHEM-3","mac":"B4","num_emeters":3}"#
        #expect(try await watts(keys, status: Self.threePhases, about: about) == expected)
    }

    /// Dimmers and the motors of shutters measure as plugs do.
    @Test(arguments: ["light:0", "cover:0", "rgbw:0", "cct:0"])
    func whatIsNoSwitch(component: String) async throws {
        let status = #"{"\#(component)":{"id":0,"apower":41.5,"aenergy":{"total":7.0}},"sys":{}}"#
        #expect(try await watts(status: status) == 41.5)
        let energy = try await listing("quantity: energy", status: status)
        #expect(await next(energy.open()) == .counter(microjoules: 25_200_000_000))
        let two = #"{"\#(component)":{"apower":41.5},"switch:1":{"apower":12.0}}"#
        #expect(try await watts("channel: 1", status: two) == 12)
    }

    @Test func itsEnergyIsThatOfAllPhases() async throws {
        let about = #"{"type":"SHEM-3"}"#
        let listing = try await listing("quantity: energy", status: Self.threePhases, about: about)
        #expect(await next(listing.open()) == .counter(microjoules: 216_000_000_000))
    }

    @Test(arguments: [("", 300.3), ("phase: a", 100.1), ("phase: c", 100.2), ("channel: 0", 300.3)])
    func aThreePhaseShellyOfLaterGenerations(keys: String, expected: Double) async throws {
        let status = #"""
            {"em:0":{"id":0,"a_act_power":100.1,"b_act_power":100.0,"c_act_power":100.2,"total_act_power":300.3,
                     "errors":["phase_sequence"]}}
            """#
        #expect(try await watts(keys, status: status) == expected)
    }

    /// One of three makes the sum too small, and not negative.
    @Test func aClampOfOnePhaseTheWrongWayRound() async throws {
        let status = #"{"em:0":{"a_act_power":100,"b_act_power":-98.7,"c_act_power":110,"total_act_power":111.3}}"#
        let listing = try await listing(status: status)
        #expect(listing.reason?.contains("phase b -98.7 W") == true)
        #expect(try await watts("phase: a", status: status) == 100)
    }

    @Test(arguments: [
        #"{"em1:0":{"act_power":-143.7}}"#, #"{"em1:0":{"act_power":-143.7},"em1:1":{"act_power":0}}"#,
        #"{"em:0":{"total_act_power":-143.7}}"#, #"{"pm1:0":{"apower":-143.7}}"#,
    ])
    func aClampTheWrongWayRound(status: String) async throws {
        let listing = try await listing(status: status)
        #expect(listing.reason?.contains("-143.7 W") == true)
        #expect(listing.remedy?.contains("clamp") == true && listing.remedy?.contains("`invert: true`") == true)
        #expect(listing.open().read() == .failed(errno: EBADMSG))
        #expect(try await watts("invert: true", status: status) == 143.7)
    }

    /// The counter of a clamp the wrong way round stands still; the other one counts.
    @Test func theEnergyOfAClampTheWrongWayRound() async throws {
        let status = #"""
            {"em1:0":{"act_power":-143.7},"em1data:0":{"total_act_energy":0.0,"total_act_ret_energy":12.5}}
            """#
        let listing = try await listing("quantity: energy", status: status)
        #expect(listing.remedy?.contains("`invert: true`") == true)
        let inverted = try await self.listing("quantity: energy, invert: true", status: status)
        #expect(await next(inverted.open()) == .counter(microjoules: 45_000_000_000))
    }

    /// While it is open too: a failed reading, and no zero.
    @Test func aClampThatIsTurnedIsAFailedReading() async throws {
        let isTurned = LockedFlag()
        let server = try TestServer { request in
            if request.path == "/shelly" { return .json(#"{"gen":2}"#) }
            return .json(#"{"em1:0":{"act_power":\#(isTurned.isSet ? -143.7 : 143.7)}}"#)
        }
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: shelly, address: \"\(server.url)\", period_s: 0.1}]"
            ).first)
        let reader = listing.open()
        #expect(await next(reader) == .gauge(microwatts: 143_700_000))
        isTurned.set()
        #expect(await first(reader) { $0 == .failed(errno: EBADMSG) } != nil)
    }

    @Test(arguments: [
        ("shelly", #"{"switch:0":{"apower":12.5},"switch:1":{"apower":40.25}}"#),
        ("shelly", #"{"em1:0":{"act_power":12.5},"em1:1":{"act_power":40.25}}"#),
        ("tasmota", #"{"StatusSNS":{"ENERGY":{"Total":[1.0,2.0],"Power":[12.5,40.25]}}}"#),
    ])
    func severalChannelsAreAskedFor(type: String, status: String) async throws {
        let listing = try await listing(status: status, type: type)
        #expect(listing.reason?.contains("12.5 W") == true && listing.reason?.contains("40.25 W") == true)
        for key in ["channel: 0", "channel: 1", "channel: all"] {
            #expect(listing.remedy?.contains("`\(key)`") == true)
        }
        #expect(try await watts("channel: 1", status: status, type: type) == 40.25)
        #expect(try await watts("channel: all", status: status, type: type) == 52.75)
        let sum = try await self.listing("channel: all", status: status, type: type)
        #expect(sum.description.remarks.contains { $0.contains("the sum of") })
    }

    @Test func aNegativeOneIsNotSummed() async throws {
        let status = #"{"em1:0":{"act_power":-98},"em1:1":{"act_power":250}}"#
        #expect(try await listing("channel: all", status: status).reason?.contains("em1:0") == true)
    }

    /// What draws nothing is not what this machine hangs on.
    @Test func theOnlyOneWithPowerIsTaken() async throws {
        let status = #"{"switch:0":{"apower":0},"switch:1":{"apower":40.25},"switch:2":{"apower":0.0}}"#
        let listing = try await listing(status: status)
        #expect(listing.availability.isAvailable)
        #expect(listing.description.remarks.contains { $0.contains("switch:1") })
        #expect(listing.description.silicon.hasSuffix("#1"))
    }

    @Test func tasmotaHasOneEnergyForSeveralChannels() async throws {
        let status = #"{"StatusSNS":{"ENERGY":{"Total":3.5,"Power":[12,40,0]}}}"#
        let listing = try await listing("quantity: energy, channel: 1", status: status, type: "tasmota")
        #expect(listing.remedy?.contains("`channel: all`") == true)
        let sum = try await self.listing("quantity: energy, channel: all", status: status, type: "tasmota")
        #expect(await next(sum.open()) == .counter(microjoules: 12_600_000_000_000))
    }

    @Test(arguments: [
        (#"{"em1:0":{"act_power":5,"errors":["ct_type_not_set"]}}"#, "ct_type_not_set"),
        (#"{"switch:0":{"apower":5,"errors":["power_meter_failure"]}}"#, "power_meter_failure"),
        (#"{"em:0":{"total_act_power":5,"a_act_power":5,"b_errors":["out_of_range:act_power"]}}"#, "out_of_range"),
    ])
    func aDeviceThatReportsAFaultMeasuresNothing(status: String, fault: String) async throws {
        #expect(try await listing(status: status).reason?.contains(fault) == true)
    }

    @Test func whatIsNotCountedIsNoEnergy() async throws {
        let status = #"{"em1:0":{"act_power":5,"flags":["count_disabled"]},"em1data:0":{"total_act_energy":7}}"#
        #expect(try await listing("quantity: energy", status: status).reason?.contains("no meter of energy") == true)
    }
}
