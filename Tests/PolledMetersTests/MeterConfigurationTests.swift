import Accounting
import Core
import Metering
import TestSupport
import Testing
import YAMLReading

@testable import PolledMeters

@Suite struct MeterConfigurationTests {
    @Test func everyTypeWithAllItsKeys() throws {
        let configuration = try MeterConfiguration.parse(
            text: """
                meters:
                  - {name: plug, type: shelly, address: "http://192.168.1.20", channel: 1, scope: wall, quantity: power,
                     period_s: 1, accuracy: 0.01, user: admin, password_file: /etc/taskwatt/plug}
                  - {name: plug2, type: tasmota, address: "http://192.168.1.21/", quantity: energy}
                  - {name: rack, type: home-assistant, address: "http://ha:8123", entity: sensor.rack_power,
                     token_file: /etc/taskwatt/ha.token}
                  - {name: pdu, type: prometheus, address: "http://prom:9090", unit: W,
                     query: 'sum(pdu_watts{rack="3"})'}
                  - {name: meter, type: json, url: "http://10.0.0.5/status", pointer: "/emeter/power", unit: mWh}
                  - {name: bmc, type: redfish, address: "https://[fd00::9]", user: monitor, password_file: /etc/bmc,
                     insecure: true, chassis: "1"}
                """, file: "taskwatt.yaml")
        #expect(
            configuration.meters.map(\.id) == [
                "shelly/plug", "tasmota/plug2", "home-assistant/rack", "prometheus/pdu", "json/meter", "redfish/bmc",
            ])
        #expect(configuration.meters.map(\.scope) == [.wall, .wall, .wall, .wall, .wall, .system])
        #expect(configuration.meters.map(\.schedule.periodSeconds) == [1, 1, 10, 15, 1, 5])
        #expect(configuration.meters.map(\.schedule.shortestSpacing) == [0, 0, 0, 0, 0, 1])
        #expect(
            configuration.meters.map(\.device.expected.unit) == [
                .watt, .kilowattHour, .watt, .watt, .milliwattHour, .watt,
            ])
        #expect(configuration.meters[0].accuracy == 0.01)
        #expect(configuration.meters[1].device.address.base == "http://192.168.1.21")
        #expect(configuration.meters[5].device.address.origin == "https://[fd00::9]")
        #expect(configuration.meters[5].access.isInsecure)
    }

    @Test(arguments: ["", "# meters:\n#   - {name: a}\n\n  # more\n"])
    func aFileWithoutEntries(text: String) throws {
        #expect(try MeterConfiguration.parse(text: text, file: "f").meters.isEmpty)
    }

    struct Bad: Sendable {
        var text: String
        var place: String
        var message: String

        init(_ text: String, _ place: String, _ message: String) {
            self.text = text
            self.place = place
            self.message = message
        }
    }

    @Test(arguments: [
        Bad("meter: []", "1:1", "unknown key `meter`; did you mean `meters`?"),
        Bad("meters: {}", "1:9", "must be a list"),
        Bad("meters:\n  - {name: a}", "2:5", "`type` is missing"),
        Bad("meters:\n  - {name: a, type: shely, address: x}", "2:21", "did you mean `shelly`?"),
        Bad("meters:\n  - {type: shelly, address: \"http://a\"}", "2:5", "`name` is missing"),
        Bad("meters:\n  - {name: a b, type: shelly, address: \"http://a\"}", "2:12", "`name` must be of letters"),
        Bad("meters:\n  - {name: a, type: shelly}", "2:5", "`address` is missing"),
        Bad("meters:\n  - {name: a, type: shelly, address: 192.168.1.20}", "2:38", "must be a URL such as"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"ftp://a\"}", "2:38", "must be a URL such as"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a/?b\"}", "2:38", "no part after a `?`"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://\"}", "2:38", "must be a URL such as"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", url: x}", "2:50", "unknown key `url`"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", channel: 64}", "2:59", "from 0 to 63"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", channel: -1}", "2:59", "from 0 to 63"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", scope: plug}", "2:57", "must be one of wall"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", quantity: volts}", "2:60", "power, energy"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", accuracy: 1.5}", "2:60", "from 0.0 to 1.0"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", period_s: 0}", "2:60", "from 0.1 to 3600"),
        Bad("meters:\n  - {name: a, type: redfish, address: \"http://a\", period_s: 0.5}", "2:61", "from 1.0 to 3600"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", user: u}", "2:5", "go together"),
        Bad("meters:\n  - {name: a, type: shelly, address: \"http://a\", insecure: true}", "2:60", "https://"),
        Bad(
            "meters:\n  - {name: a, type: redfish, address: \"https://a\", insecure: 2}", "2:62", "true or false"),
        Bad(
            "meters:\n  - {name: a, type: redfish, address: \"https://a\", insecure: true, ca_file: /ca}", "2:77",
            "give one of them"),
        Bad(
            "meters:\n  - {name: a, type: home-assistant, address: \"http://a\", entity: sensor.a}", "2:5",
            "`token_file` is missing"),
        Bad(
            "meters:\n  - {name: a, type: home-assistant, address: \"http://a\", entity: ../../x, token_file: /t}",
            "2:66", "must be an id such as sensor.rack_power"),
        Bad(
            "meters:\n  - {name: a, type: home-assistant, address: \"http://a\", entity: sensor.a, token_file: t}",
            "2:88", "must be an absolute path"),
        Bad("meters:\n  - {name: a, type: prometheus, address: \"http://a\", query: up}", "2:5", "`unit` is missing"),
        Bad("meters:\n  - {name: a, type: json, url: \"http://a\", pointer: p, unit: W}", "2:53", "JSON pointer"),
        Bad(
            "meters:\n  - {name: a, type: json, url: \"http://a\", pointer: \"\", unit: W}", "2:53",
            "such as /emeter/power"),
        Bad("meters:\n  - {name: a, type: json, url: \"http://a\", pointer: /~2, unit: W}", "2:53", "JSON pointer"),
        Bad("meters:\n  - {name: a, type: json, url: \"http://a\", pointer: /p, unit: kwh}", "2:63", "mW, W, kW"),
        Bad(
            "meters:\n  - {name: a, type: json, url: \"http://a\", pointer: /p, unit: kwh}", "2:63",
            "did you mean `kWh`?"),
        Bad(
            "meters:\n  - {name: a, type: json, url: \"http://a\", pointer: /p, unit: W}\n"
                + "  - {name: a, type: json, url: \"http://b\", pointer: /p, unit: W}", "3:5", "two meters json/a"),
        Bad(
            "meters:\n  - {name: a, type: json, url: \"http://a\", pointer: /p, unit: W}\n"
                + "  - {name: b, type: json, url: \"http://a\", pointer: /p, unit: W, period_s: 2}", "3:5",
            "counted twice"
        ),
        Bad(
            "meters:\n  - {name: a, type: json, url: \"http://a\", pointer: /p, unit: W, token_file: /t, user: u, "
                + "password_file: /p}", "2:78", "give either"),
        Bad("overrides: []", "1:12", "must be a mapping"),
        Bad("overrides:\n  hwmon/x/power1: {scop: system}", "2:20", "did you mean `scope`?"),
        Bad("overrides:\n  hwmon/x/power1: {assume_active: true}", "2:35", "is for ipmi/dcmi"),
        Bad(
            "meters:\n  - {name: a, type: shelly, address: \"http://a\", channel: all, phase: a}", "2:71",
            "give one of them"),
        Bad("meters:\n  - {name: a, type: tasmota, address: \"http://a\", phase: a}", "2:51", "unknown key `phase`"),
        Bad(
            "meters:\n  - {name: a, type: redfish, address: \"http://a\", invert: true}", "2:51", "unknown key `invert`"
        ),
        Bad("overrides:\n  hwmon/x/power1: {ignore: 2}", "2:28", "true or false"),
        Bad("overrides:\n  hwmon/x/power1: {plausible_power_w: 0}", "2:39", "from 1.0"),
    ])
    func whatIsWrongIsSaidWithItsPlace(bad: Bad) throws {
        let problem = try #require(throws: YAMLProblem.self) {
            try MeterConfiguration.parse(text: bad.text, file: "taskwatt.yaml")
        }
        #expect(problem.description.hasPrefix("taskwatt.yaml:\(bad.place): "), "\(problem)")
        #expect(problem.message.contains(bad.message), "\(problem)")
        #expect(!problem.description.contains("\n"))
    }

    /// The message shows the file, and so must not show what should not be in it.
    @Test func aPasswordInTheAddressIsNotRepeated() throws {
        let problem = try #require(throws: YAMLProblem.self) {
            try MeterConfiguration.parse(
                text: "meters: [{name: a, type: shelly, address: \"http://me:secret@a\"}]", file: "f")
        }
        #expect(
            problem.message == "`address` must hold no user and no password; give them by `user` and `password_file`")
    }

    /// Two power supplies feed the board together; beside one that is another thing, the first of the board counts.
    @Test func powerSuppliesAreAddedUpToTheBoard() throws {
        func supply(_ id: String, _ name: String = "pmbus pin") -> MeterListing {
            MeterListing(
                description: MeterDescription(
                    id: id, name: name, scope: .rail, kind: .gauge, provenance: .measured, source: "s",
                    periodSeconds: 0.1,
                    resolution: 1, plausiblePower: Power(watts: 20_000), silicon: id),
                availability: .available, open: { UnreadableMeter(errno: 0) })
        }
        let configuration = try MeterConfiguration.parse(
            text: "overrides: {hwmon/a: {scope: system}, hwmon/b: {scope: system}, hwmon/c: {scope: system}}", file: "f"
        )
        func counted(_ listings: [MeterListing]) throws -> [String] {
            let corrected = configuration.applyOverrides(to: listings).map(\.description)
            return try TotalSelection(meters: corrected, asked: .system).members[.system] ?? []
        }
        let (a, b, c) = (supply("hwmon/a"), supply("hwmon/b"), supply("hwmon/c", "ina219 power1"))
        #expect(try counted([a, b]) == ["hwmon/a", "hwmon/b"])
        #expect(try counted([a, b, c]) == ["hwmon/a", "hwmon/b"])
        #expect(try counted([c, a, b]) == ["hwmon/c"])
        #expect(try counted([a]) == ["hwmon/a"])
        let remarks = configuration.applyOverrides(to: [a, b, c]).map(\.description.remarks)
        #expect(remarks[0].contains { $0.contains("added up") } && !remarks[2].contains { $0.contains("added up") })
    }

    @Test func overridesCorrectWhatTheMachineCannotTell() throws {
        let rail = MeterListing(
            description: MeterDescription(
                id: "hwmon/ina219-i2c-0-40/power1", name: "ina219", scope: .rail, kind: .gauge, provenance: .measured,
                source: "s", periodSeconds: 0.1, resolution: 1, plausiblePower: Power(watts: 20_000),
                silicon: "0-0040/power1", remarks: ["where ina219 sits is not known, so it is in no total"]),
            availability: .available, open: { UnreadableMeter(errno: 0) })
        var other = rail
        other.description.id = "hwmon/other/power1"
        let configuration = try MeterConfiguration.parse(
            text: """
                overrides:
                  hwmon/ina219-i2c-0-40/power1: {scope: system, accuracy: 0.01, plausible_power_w: 500}
                  hwmon/absent/power1: {ignore: true}
                """, file: "f")
        let listings = configuration.applyOverrides(to: [rail, other])
        let changed = listings[0].description
        #expect(changed.scope == .system)
        #expect(changed.silicon == "board")
        #expect(changed.relativeAccuracy == 0.01)
        #expect(changed.plausiblePower.watts == 500)
        #expect(changed.remarks == ["the scope system is given by the configuration"])
        #expect(listings[0].availability == .available)
        #expect(listings[1].description == other.description)
        #expect(try TotalSelection(meters: listings.map(\.description)).scope == .system)

        let ignoring = try MeterConfiguration.parse(
            text: "overrides: {hwmon/other/power1: {ignore: true}}", file: "f")
        let ignored = ignoring.applyOverrides(to: [rail, other])
        #expect(ignored[0].availability == .available)
        #expect(ignored[1].reason == "left out by the configuration")
    }

    /// A type's default is changed by an entry or an override, and switched off by `none` or 0.
    @Test(arguments: [("0.02", 0.02), ("none", nil), ("0", nil), (nil, 0.05)] as [(String?, Double?)])
    func accuracyIsChangedOrSwitchedOff(text: String?, relative: Double?) throws {
        let key = text.map { ", accuracy: \($0)" } ?? ""
        let entry = try MeterConfiguration.parse(
            text: "meters: [{name: a, type: shelly, address: \"http://a\"\(key)}]", file: "f")
        let plug = MeterListing(
            description: try #require(entry.meters.first).description(unit: .watt, step: 0.1, periodSeconds: 1),
            availability: .available, open: { UnreadableMeter(errno: 0) })
        let host = try TemporaryDirectory().host
        #expect(DefaultAccuracy.applied(to: [plug], host)[0].description.accuracy?.relative == relative)
        let stated = try MeterConfiguration.parse(
            text:
                "meters: [{name: a, type: shelly, address: \"http://a\"}]\noverrides: {shelly/a: {ignore: false\(key)}}",
            file: "f")
        var bare = plug
        bare.description.accuracy = nil
        let found = stated.applyOverrides(to: DefaultAccuracy.applied(to: [bare], host))[0].description
        #expect(found.accuracy?.relative == relative)
        #expect((found.accuracySource == "taskwatt.yaml") == (relative == 0.02))
    }

    /// An id of an earlier version still finds its meter, unless several had it.
    @Test func anOverrideByAFormerIDIsOfTheOnlyMeterThatHadIt() throws {
        let (old, id) = ("hwmon/power_meter-acpi-0/power1", "hwmon/power_meter-acpi-ACPI000D:00/power1")
        var meter = MeterListing(
            description: MeterDescription(
                id: id, name: "power_meter", scope: .rail, kind: .gauge, provenance: .measured, source: "s",
                periodSeconds: 0.1, resolution: 1, plausiblePower: Power(watts: 20_000), silicon: "s"),
            availability: .available, open: { UnreadableMeter(errno: 0) })
        meter.formerIDs = [old]
        var other = meter
        other.description.id = "hwmon/power_meter-acpi-ACPI000D:01/power1"
        let former = try MeterConfiguration.parse(text: "overrides: {\(old): {accuracy: 0.01}}", file: "f")
        #expect(former.applyOverrides(to: [meter])[0].description.relativeAccuracy == 0.01)
        #expect(former.applyOverrides(to: [meter, other]).allSatisfy { $0.description.relativeAccuracy == nil })
        // The id of today counts, and can be typed as a remark of the meter has it.
        let both = try MeterConfiguration.parse(
            text: "overrides: {\"\(id)\": {scope: system}, \(old): {accuracy: 0.01}}", file: "f")
        let corrected = both.applyOverrides(to: [meter])[0].description
        #expect(corrected.scope == .system && corrected.relativeAccuracy == nil)
    }

    @Test func theStepOfANumberIsThatOfItsDecimals() {
        #expect(DeviceValue.step(ofPrinted: "231") == 1)
        #expect(DeviceValue.step(ofPrinted: "231.5") == 0.1)
        #expect(DeviceValue.step(ofPrinted: "0.250") == 0.001)
        #expect(DeviceValue.step(ofPrinted: "1e3") == 1)
        #expect(DeviceValue.step(ofPrinted: "0.30000000000000004") == 1e-9)
    }

    @Test func unitsAreConvertedExactly() {
        #expect(MeterUnit.milliwatt.reading(1500) == .gauge(microwatts: 1_500_000))
        #expect(MeterUnit.kilowatt.reading(0.5) == .gauge(microwatts: 500_000_000))
        #expect(MeterUnit.kilojoule.reading(2) == .counter(microjoules: 2_000_000_000))
        #expect(MeterUnit.milliwattHour.reading(1) == .counter(microjoules: 3_600_000))
        // More than a counter can hold is the limit, not a crash.
        #expect(MeterUnit.kilowattHour.reading(1e300) == .counter(microjoules: .max))
    }
}
