import Accounting
import Core
import Foundation
import Glibc
import Host
import Metering
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import PolledMeters

@Suite struct HomeAssistantTests {
    private let directory: TemporaryDirectory
    private let token: String

    init() throws {
        directory = try TemporaryDirectory()
        token = try secret("abc.def-123\n", in: directory, name: "ha.token")
    }

    private func state(
        _ state: String, unit: String? = "W", kind: String = "power", age: Double = 1, reported: Double? = nil
    ) -> String {
        func stamp(_ age: Double) -> String {
            let time = Date(timeIntervalSince1970: Clocks.wall() - age)
            return time.formatted(.iso8601).replacing("Z", with: ".418320+00:00")
        }
        let attributes = unit.map { #"{"unit_of_measurement":"\#($0)","device_class":"\#(kind)"}"# } ?? "{}"
        let last = reported.map { #","last_reported":"\#(stamp($0))""# } ?? ""
        return #"""
            {"entity_id":"sensor.rack_power","state":"\#(state)","attributes":\#(attributes),
             "last_changed":"\#(stamp(age))","last_updated":"\#(stamp(age))"\#(last),"context":{"id":"01"}}
            """#
    }

    private func yaml(_ server: TestServer, period: Double = 10) -> String {
        "meters: [{name: rack, type: home-assistant, address: \"\(server.url)\", entity: sensor.rack_power, "
            + "token_file: \(token), period_s: \(period)}]"
    }

    @Test(arguments: [
        ("231.5", "W", Reading.gauge(microwatts: 231_500_000), 1e5),
        ("0.25", "kW", .gauge(microwatts: 250_000_000), 1e7),
        ("1.5", "kWh", .counter(microjoules: 5_400_000_000_000), 3.6e11),
        ("250000.5", "mW", .gauge(microwatts: 250_000_500), 100),
        ("0.0025", "MW", .gauge(microwatts: 2_500_000_000), 1e8),
        ("1.234", "MWh", .counter(microjoules: 4_442_400_000_000_000), 3.6e12),
        ("0.001", "GWh", .counter(microjoules: 3_600_000_000_000_000), 3.6e15),
        ("7.5", "MJ", .counter(microjoules: 7_500_000_000_000), 1e11),
        ("0.25", "GJ", .counter(microjoules: 250_000_000_000_000), 1e13),
        ("100", "kcal", .counter(microjoules: 418_400_000_000), 4.184e9),
    ])
    func itsUnitDecides(text: String, unit: String, expected: Reading, resolution: Double) async throws {
        let answer = state(text, unit: unit, kind: expected.isPower ? "power" : "energy")
        let server = try TestServer { _ in .json(answer) }
        let listing = try #require(try await discover(yaml(server)).first)
        #expect(listing.description.id == "home-assistant/rack")
        #expect(abs(listing.description.resolution / resolution - 1) < 1e-9)
        #expect(await next(listing.open()) == expected)
        #expect(server.requests.allSatisfy { $0.headers["Authorization"] == ["Bearer abc.def-123"] })
        #expect(server.requests.allSatisfy { $0.path == "/api/states/sensor.rack_power" })
    }

    @Test(arguments: [("unavailable", "W"), ("unknown", "W"), ("5", "BTU"), ("nan", "W")])
    func whatIsNoFigureIsUnavailable(text: String, unit: String) async throws {
        let answer = state(text, unit: unit)
        let server = try TestServer { _ in .json(answer) }
        let listing = try #require(try await discover(yaml(server)).first)
        #expect(listing.reason?.contains(text == "5" ? "`BTU`" : "`\(text)`") == true)
    }

    @Test func whatIsNotThereIsNamed() async throws {
        let missing = try TestServer { _ in .json(#"{"message":"Entity not found."}"#, status: 404) }
        #expect(try await discover(yaml(missing)).first?.reason?.contains("no entity sensor.rack_power") == true)
        let other = try TestServer { _ in .json(#"{"power":5}"#) }
        #expect(try await discover(yaml(other)).first?.remedy?.contains("`address`") == true)
    }

    /// What is in a battery is in kilowatt-hours too, and no energy that was drawn; more than can be counted would stand still.
    @Test(arguments: [("5", "kWh", "energy_storage"), ("5", "W", "apparent_power"), ("2600", "GWh", "energy")])
    func whatIsNoPowerAndNoEnergyDrawn(text: String, unit: String, kind: String) async throws {
        let answer = state(text, unit: unit, kind: kind)
        let server = try TestServer { _ in .json(answer) }
        let listing = try #require(try await discover(yaml(server)).first)
        #expect(listing.reason?.contains(kind == "energy" ? "2600 GWh" : "`\(kind)`") == true)
    }

    /// The same figure that is reported again is not stale; one that is no longer reported is.
    @Test func aFigureThatIsNoLongerReportedIsStale() async throws {
        let old = state("100", age: 3600)
        let again = state("100", age: 3600, reported: 2)
        let isOld = LockedFlag()
        let server = try TestServer { _ in .json(isOld.isSet ? old : again) }
        let listing = try #require(try await discover(yaml(server, period: 0.1)).first)
        let reader = listing.open()
        #expect(await next(reader) == .gauge(microwatts: 100_000_000))
        isOld.set()
        #expect(await first(reader) { $0 == .failed(errno: ESTALE) } != nil)
        let later = try #require(try await discover(yaml(server)).first)
        #expect(later.reason?.hasSuffix(" s old") == true)
    }

    /// An hour is not old for a device that reports every quarter of an hour.
    @Test(arguments: [(50.0, 1.0, true), (70, 1, false), (3600, 900, true), (4600, 900, false)])
    func howOldIsStale(age: Double, period: Double, isGood: Bool) async throws {
        let answer = state("100", age: age)
        let server = try TestServer { _ in .json(answer) }
        let listing = try #require(try await discover(yaml(server, period: period)).first)
        #expect(listing.availability.isAvailable == isGood)
    }

    @Test func timesAreISO8601() {
        #expect(HomeAssistantMeter.seconds("1970-01-02T00:00:00.418320+00:00") == 86_400)
        #expect(HomeAssistantMeter.seconds("1970-01-02T02:00:00+02:00") == 86_400)
        #expect(HomeAssistantMeter.seconds("1970-01-02T00:00:00.1Z") == 86_400)
        #expect(HomeAssistantMeter.seconds("yesterday") == nil)
    }

    /// Home Assistant answers, and has no figure of a device that is off: that is no failure.
    @Test(arguments: ["unavailable", "unknown"]) func aDeviceThatIsOffHasNoData(text: String) async throws {
        let (off, wrong) = (state(text), state("on"))
        let said = Mutex(state("100"))
        let server = try TestServer { _ in .json(said.withLock { $0 }) }
        let listing = try #require(try await discover(yaml(server, period: 0.1)).first)
        let reader = listing.open()
        #expect(await next(reader) == .gauge(microwatts: 100_000_000))
        said.withLock { $0 = off }
        #expect(await first(reader) { $0 == .noData(.noValue) } != nil)
        said.withLock { $0 = wrong }
        #expect(await first(reader) { $0 == .failed(errno: EBADMSG) } != nil)
        let onAgain = state("100")
        said.withLock { $0 = onAgain }
        #expect(await first(reader) { $0 == .gauge(microwatts: 100_000_000) } != nil)
    }

    /// A unit that changes while the meter is open must not turn power into energy.
    @Test func aUnitOfAnotherKindIsAFailure() async throws {
        let power = state("100")
        let energy = state("100", unit: "kWh", kind: "energy")
        let isSwitched = LockedFlag()
        let server = try TestServer { _ in .json(isSwitched.isSet ? energy : power) }
        let listing = try #require(try await discover(yaml(server, period: 0.1)).first)
        let reader = listing.open()
        #expect(await next(reader) == .gauge(microwatts: 100_000_000))
        isSwitched.set()
        #expect(await first(reader) { $0 == .failed(errno: EBADMSG) } != nil)
    }
}

extension Reading {
    fileprivate var isPower: Bool { if case .gauge = self { true } else { false } }
}
