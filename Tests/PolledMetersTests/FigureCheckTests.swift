import Accounting
import Core
import Foundation
import Metering
import TestSupport
import Testing

@testable import PolledMeters

/// Figures that answer and measure nothing.
@Suite struct FigureCheckTests {
    private func listing(_ figure: String, unit: String = "W", more: String = "", rest: String = "") async throws
        -> MeterListing
    {
        let server = try TestServer { _ in .json(#"{"p":\#(figure)}"#) }
        return try #require(
            try await discover(
                "meters: [{name: m, type: json, url: \"\(server.url)\", pointer: /p, unit: \(unit)\(more)}]\n\(rest)"
            ).first)
    }

    @Test(arguments: [
        ("0", "W", "0 W, while this machine runs"), ("0.0", "kW", "0 W, while this machine runs"),
        ("-1", "W", "-1 W"), ("65535", "mW", "error code"), ("4294967295", "mW", "error code"),
        ("2147483647", "J", "error code"), ("4294967295", "J", "error code"), ("-5", "kWh", "below zero"),
        ("25000", "W", "20000 W that can be"), ("1e300", "kWh", "more than can be counted"),
        ("\"NaN\"", "W", "not a number"), ("\"-inf\"", "W", "not a number"), ("\"unavailable\"", "W", "not a number"),
    ])
    func isAFailedReadingWithItsReason(figure: String, unit: String, reason: String) async throws {
        let listing = try await listing(figure, unit: unit)
        #expect(listing.reason?.contains(reason) == true, "\(listing.reason ?? "available")")
        #expect(listing.open().read() == .failed(errno: EBADMSG))
    }

    /// An accelerator may sleep, and what hangs on a rail may be off. A battery that feeds the machine gives something.
    @Test(arguments: ["accelerator", "rail", "dram"])
    func whatMayBeOffMayBeZero(scope: String) async throws {
        let listing = try await listing("0", more: ", scope: \(scope)")
        #expect(await next(listing.open()) == .gauge(microwatts: 0))
        let overridden = try await self.listing("0", rest: "overrides: {json/m: {scope: \(scope)}}")
        #expect(overridden.availability.isAvailable)
    }

    @Test func aLimitThatTheUserKnowsBetter() async throws {
        let rest = "overrides: {json/m: {plausible_power_w: 30000}}"
        #expect(try await listing("25000", rest: rest).availability.isAvailable)
        #expect(try await !listing("31000", rest: rest).availability.isAvailable)
    }

    @Test(arguments: [
        ("-143.7", "W", Reading.gauge(microwatts: 143_700_000)), ("-2", "Wh", .counter(microjoules: 7_200_000_000)),
    ])
    func invertTurnsTheSign(figure: String, unit: String, reading: Reading) async throws {
        #expect(await next(try await listing(figure, unit: unit, more: ", invert: true").open()) == reading)
        #expect(try await listing(figure, unit: unit).remedy?.contains("`invert: true`") == true)
    }

    /// While it is open: a gap, and no zero energy.
    @Test func aPlugThatSaysZeroHasNoReading() async throws {
        let isOff = LockedFlag()
        let server = try TestServer { _ in .json(#"{"StatusSNS":{"ENERGY":{"Power":\#(isOff.isSet ? 0 : 60)}}}"#) }
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: tasmota, address: \"\(server.url)\", period_s: 0.1}]"
            ).first)
        let reader = listing.open()
        #expect(await next(reader) == .gauge(microwatts: 60_000_000))
        isOff.set()
        #expect(await first(reader) { $0 == .failed(errno: EBADMSG) } != nil)
    }
}
