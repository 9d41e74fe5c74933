import Accounting
import Core
import Foundation
import Glibc
import Host
import Metering
import TestSupport
import Testing

@testable import PolledMeters

/// The machine's own BMC, by scripts that print what the programs of freeipmi 1.6 and ipmitool 1.8 print.
@Suite struct IPMIMeterTests {
    private static let freeipmi = """
        Current Power                        : 164 Watts
        Minimum Power over sampling duration : 48 watts
        Maximum Power over sampling duration : 361 watts
        Average Power over sampling duration : 157 watts
        Time Stamp                           : 12/29/2023 - 08:58:00
        Statistics reporting time period     : 1473439000 milliseconds
        Power Measurement                    : Active

        """
    private static let ipmitool = """

            Instantaneous power reading:                   332 Watts
            Minimum during sampling period:                 68 Watts
            Maximum during sampling period:                504 Watts
            Average power reading over sample period:      348 Watts
            IPMI timestamp:                           Thu Feb 15 08:36:01 2024
            Sampling period:                          00000005 Seconds.
            Power reading state is:                   activated


        """

    private let machine: TemporaryDirectory

    init() throws { machine = try TemporaryDirectory(["/dev/ipmi0": ""]) }

    /// A program that prints a text, or does as it is told.
    private func program(_ name: String, prints text: String = "", then: String = "exit 0") throws {
        try machine.write("/bin/\(name)", "#!/bin/sh\necho \"$@\" >> \"$0.calls\"\ncat <<'END'\n\(text)END\n\(then)\n")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: machine.path + "/bin/\(name)")
    }

    private func listing(
        _ host: HostRoot? = nil, _ yaml: String = "", patience: Double = 60
    ) async throws -> MeterListing? {
        try await discover(
            yaml, host: host ?? machine.host, searchPath: [machine.path + "/none", machine.path + "/bin"],
            patience: patience
        ).first
    }

    @Test func freeipmiGoesFirst() async throws {
        try program("ipmi-dcmi", prints: Self.freeipmi)
        try program("ipmitool", prints: Self.ipmitool)
        let listing = try #require(try await listing())
        #expect(listing.availability == .available)
        #expect(listing.description.id == "ipmi/dcmi")
        #expect(listing.description.scope == .system)
        #expect(listing.description.silicon == "board")
        #expect(listing.description.kind == .gauge)
        // It has kept statistics for 17 days, which is no period of measuring.
        #expect(listing.description.periodSeconds == 2)
        #expect(await next(listing.open()) == .gauge(microwatts: 164_000_000))
        let calls = try String(contentsOfFile: machine.path + "/bin/ipmi-dcmi.calls", encoding: .utf8)
        #expect(calls.split(separator: "\n").first == "--get-system-power-statistics")
    }

    @Test func ipmitoolDoesToo() async throws {
        try program("ipmitool", prints: Self.ipmitool)
        let listing = try #require(try await listing())
        #expect(listing.description.periodSeconds == 5)
        #expect(await next(listing.open()) == .gauge(microwatts: 332_000_000))
        let calls = try String(contentsOfFile: machine.path + "/bin/ipmitool.calls", encoding: .utf8)
        #expect(calls.split(separator: "\n").first == "dcmi power reading")
    }

    @Test func aMachineWithoutABMCHasNoSuchMeter() async throws {
        try program("ipmi-dcmi", prints: Self.freeipmi)
        let empty = try TemporaryDirectory()
        #expect(try await listing(empty.host) == nil)
    }

    @Test(arguments: ["/dev/ipmi/0", "/dev/ipmidev/0"])
    func theDeviceHasOtherNames(device: String) async throws {
        try program("ipmi-dcmi", prints: Self.freeipmi)
        let other = try TemporaryDirectory([device: ""])
        #expect(try await listing(other.host)?.availability == .available)
    }

    @Test func withoutAProgramTheRemedyIsToInstallOne() async throws {
        let listing = try #require(try await listing())
        #expect(listing.reason == "neither ipmi-dcmi nor ipmitool is installed")
        #expect(listing.remedy == "sudo apt install freeipmi-tools")
        #expect(listing.open().read() == .failed(errno: ENOENT))
    }

    /// access(2) asks for the real user. Root takes another one for as long as that, and stays root in all it does.
    @Test func aDeviceThatMayNotBeOpened() async throws {
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: machine.path + "/dev/ipmi0")
        let nobody: uid_t = 65_534
        let isRoot = geteuid() == 0
        if isRoot { #expect(setreuid(nobody, .max) == 0) }
        defer { if isRoot { #expect(setreuid(0, .max) == 0) } }
        let listing = try #require(try await listing())
        #expect(listing.reason?.hasSuffix("/dev/ipmi0 may not be opened: Permission denied") == true)
        #expect(listing.remedy == "run as root, or read the BMC by Redfish (taskwatt.yaml)")
    }

    @Test(arguments: [
        (freeipmi.replacing("164 Watts", with: "0 Watts"), "0 W, while this machine runs"),
        (freeipmi.replacing("164 Watts", with: "65535 Watts"), "error code"),
        (freeipmi.replacing("164 Watts", with: "Not Available"), "no power"),
        (
            ipmitool.replacing("activated", with: "deactivated").replacing("332 Watts", with: "0 Watts"),
            "does not measure power now"
        ),
        ("    DCMI request failed because: Invalid data field in request (cc)\n", "Invalid data field"),
        ("Hello\n", "no power"), ("Current Power : lots\n", "no power"),
    ])
    func whatIsNoPower(text: String, reason: String) async throws {
        try program("ipmi-dcmi", prints: text)
        let listing = try #require(try await listing())
        #expect(listing.reason?.contains(reason) == true)
    }

    /// OpenBMC and others measure, and say that they do not.
    @Test(arguments: [
        freeipmi.replacing(": Active", with: ": Not Available"), ipmitool.replacing("activated", with: "deactivated"),
    ])
    func aReadingThatIsMarkedAsNotActive(text: String) async throws {
        try program("ipmi-dcmi", prints: text)
        let asking = try #require(try await listing())
        #expect(asking.reason?.contains("not active") == true)
        #expect(asking.reason?.contains(text.contains("164") ? "164 W" : "332 W") == true)
        #expect(asking.remedy?.contains("`assume_active: true` in the override of ipmi/dcmi") == true)
        let taken = try #require(try await listing(nil, "overrides: {ipmi/dcmi: {assume_active: true}}"))
        #expect(taken.availability == .available)
        #expect(taken.description.remarks.contains { $0.contains("not active") })
        #expect(await next(taken.open()) == .gauge(microwatts: text.contains("164") ? 164_000_000 : 332_000_000))
    }

    /// One program may not know what another does.
    @Test func whereOneProgramFailsTheOtherIsAsked() async throws {
        try program("ipmi-dcmi", then: "echo 'ipmi_ctx_find_inband: driver timeout' >&2; exit 1")
        try program("ipmitool", prints: Self.ipmitool)
        let listing = try #require(try await listing())
        #expect(listing.description.source == "ipmitool")
        #expect(await next(listing.open()) == .gauge(microwatts: 332_000_000))
    }

    @Test(arguments: [("164,5", 164.5), ("1,234", 1234), ("1.234,5", 1234.5), ("0164", 164), ("164.25", 164.25)])
    func numbersAsTheyArePrintedElsewhere(text: String, watts: Double) throws {
        #expect(try IPMIMeter.Statistics(Self.freeipmi.replacing("164 ", with: "\(text) ")).watts == watts)
    }

    /// ipmitool 1.8.19, with the time stamp and the period on one line; ipmiutil in its own words.
    @Test func theLinesOfOtherVersions() throws {
        let text = """
                Instantaneous power reading:                   195 Watts
                IPMI timestamp:                           08/28/26 07:12:06 UTC    Sampling period:         00000005 Seconds.
                Power reading state is:                   activated
            """
        let statistics = try IPMIMeter.Statistics(text)
        #expect(statistics.watts == 195 && statistics.period == 5 && statistics.isActive)
        let other = try IPMIMeter.Statistics(
            "  Current Power:    49 Watts\n  Sampling period:   1000 ms \n  Power reading state is:   active\n")
        #expect(other.watts == 49 && other.period == 1 && other.isActive)
    }

    @Test func aProgramThatFailsIsQuoted() async throws {
        try program(
            "ipmi-dcmi", then: "echo 'ipmi_cmd_dcmi_get_power_reading: command invalid or unsupported' >&2; exit 1")
        let listing = try #require(try await listing())
        #expect(
            listing.reason == "ipmi-dcmi failed: ipmi_cmd_dcmi_get_power_reading: command invalid or unsupported")
    }

    @Test func aProgramThatHangsIsEndedWithWhatItStarted() async throws {
        try program("ipmi-dcmi", then: "sleep 600 &\necho $! > \"$0.child\"\nwait")
        let listing = try #require(try await listing(patience: 3))
        #expect(listing.reason?.contains("ipmi-dcmi did not end within") == true)
        let text = try String(contentsOfFile: machine.path + "/bin/ipmi-dcmi.child", encoding: .utf8)
        let child = try #require(Int32(text.filter(\.isNumber)))
        // Reaped by whoever reaps orphans: until then it may be a zombie. By itself it would end in ten minutes.
        #expect(
            await isSo {
                let status = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)
                return status == nil || status?.contains(") Z ") == true
            })
    }

    @Test func aProgramThatPrintsWithoutEndIsAFailure() async throws {
        try program("ipmi-dcmi", then: "yes")
        let listing = try #require(try await listing())
        #expect(listing.reason?.hasPrefix("ipmi-dcmi") == true || listing.reason?.hasPrefix("no answer") == true)
    }

    @Test(arguments: [("00000001 Seconds.", 1.0), ("00000000 Seconds.", 2), ("1000 Milliseconds", 1), ("5 Seconds", 5)])
    func theSamplingPeriod(text: String, period: Double) throws {
        let printed = Self.ipmitool.replacing("00000005 Seconds.", with: text)
        #expect(try IPMIMeter.Statistics(printed).period == period)
    }
}
