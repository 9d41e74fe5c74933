import Accounting
import Core
import Glibc
import Metering
import TestSupport
import Testing

@Suite struct BatteryMeterTests {
    private static let battery = "/sys/class/power_supply/BAT0"

    private func laptop(_ changes: [String: String] = [:]) throws -> TemporaryDirectory {
        let files = [
            "type": "Battery\n", "present": "1\n", "status": "Discharging\n", "power_now": "15300000\n",
        ].merging(changes) { _, new in new }
        return try TemporaryDirectory(
            Dictionary(uniqueKeysWithValues: files.filter { $0.value != "" }.map { ("\(Self.battery)/\($0)", $1) })
                .merging(["/sys/class/power_supply/AC/type": "Mains\n"]) { _, new in new })
    }

    @Test func whatItDischargesIsTheWall() throws {
        let tree = try laptop()
        let listing = try #require(BatteryMeter.discover(tree.host).first)
        #expect(listing.availability.isAvailable)
        #expect(listing.description.scope == .battery && listing.description.provenance == .measured)
        #expect(listing.open().read() == .gauge(microwatts: 15_300_000))
        let selection = try TotalSelection(meters: [listing.description])
        #expect(selection.scope == .wall)
        #expect(selection.members[.wall] == ["battery/BAT0"])
    }

    /// Some batteries tell voltage and current, the latter negative while they discharge.
    @Test func voltageTimesCurrentIsDerived() throws {
        let tree = try laptop(["power_now": "", "voltage_now": "12000000\n", "current_now": "-1500000\n"])
        let listing = try #require(BatteryMeter.discover(tree.host).first)
        #expect(listing.description.provenance == .derived)
        #expect(listing.open().read() == .gauge(microwatts: 18_000_000))
    }

    @Test(arguments: ["Charging", "Full", "Not charging", "Unknown"]) func onMainsItSaysWhatToDo(status: String) throws
    {
        let tree = try laptop(["status": status + "\n"])
        for isPlugged in [true, false] {
            try tree.write("/sys/class/power_supply/AC/online", isPlugged ? "1\n" : "0\n")
            guard case .unavailable(let reason, let remedy) = BatteryMeter.discover(tree.host).first?.availability
            else {
                Issue.record("a battery that is \(status) is available")
                return
            }
            #expect(reason.contains(status.lowercased()))
            // There is nothing to unplug where nothing is plugged in; what charges is.
            let isOpen = !isPlugged && ["Full", "Unknown"].contains(status)
            #expect((remedy?.hasPrefix("unplug the power supply") == true) == !isOpen, "\(status), \(isPlugged)")
        }
    }

    /// Plugged in during a run: that time is a gap, not the battery's charging power.
    @Test func pluggedInThereIsNoData() throws {
        let tree = try laptop()
        let reader = try #require(BatteryMeter.discover(tree.host).first).open()
        #expect(reader.read() == .gauge(microwatts: 15_300_000))
        try tree.write("\(Self.battery)/status", "Charging\n")
        #expect(reader.read() == .noData(.onMains))
        try tree.write("\(Self.battery)/status", "Discharging\n")
        #expect(reader.read() == .gauge(microwatts: 15_300_000))
    }

    /// A charger too weak for the load: the battery helps out, and what it gives is not what the machine draws.
    @Test(arguments: ["Mains\n", "USB\n", "Wireless\n"]) func aBatteryThatHelpsAWeakChargerIsNoMeter(type: String)
        throws
    {
        let tree = try laptop()
        try tree.write("/sys/class/power_supply/AC0/type", type)
        try tree.write("/sys/class/power_supply/AC0/online", "1\n")
        let listing = try #require(BatteryMeter.discover(tree.host).first)
        guard case .unavailable(let reason, _) = listing.availability else {
            Issue.record("a battery beside a charger is available")
            return
        }
        #expect(reason.contains("AC0"))
        // Each reading looks again: 2 is a supply of USB that agreed on another voltage.
        let reader = listing.open()
        for (online, reading) in [
            ("1", Reading.noData(.onMains)), ("0", .gauge(microwatts: 15_300_000)),
            ("2", .noData(.onMains)),
        ] {
            try tree.write("/sys/class/power_supply/AC0/online", "\(online)\n")
            #expect(reader.read() == reading)
        }
        try tree.write("/sys/class/power_supply/AC0/scope", "Device\n")
        #expect(reader.read() == .gauge(microwatts: 15_300_000), "what charges a headset does not feed the machine")
    }

    @Test func aBatteryThatGivesNothingIsAtZero() throws {
        let tree = try laptop(["power_now": "0\n"])
        #expect(try #require(BatteryMeter.discover(tree.host).first).open().read() == .gauge(microwatts: 0))
    }

    @Test(arguments: [["scope": "Device\n"], ["present": "0\n"], ["type": "UPS\n"]])
    func whatIsNotThisMachinesBatteryIsNotListed(change: [String: String]) throws {
        let (tree, other) = (try laptop(), try laptop(change))
        #expect(BatteryMeter.discover(tree.host).count == 1)
        #expect(BatteryMeter.discover(other.host).isEmpty)
        withExtendedLifetime((tree, other)) {}
    }

    @Test func aBatteryThatTellsNothingIsListedWithTheReason() throws {
        let tree = try laptop(["power_now": ""])
        let listing = try #require(BatteryMeter.discover(tree.host).first)
        guard case .unavailable(let reason, nil) = listing.availability else {
            Issue.record("a battery without power is available")
            return
        }
        #expect(reason.contains("BAT0"))
    }

    @Test func aDesktopHasNone() throws {
        let tree = try TemporaryDirectory(["/proc/stat": "cpu 1 2 3 4\n"])
        #expect(BatteryMeter.discover(tree.host).isEmpty)
    }
}
