import Core
import Foundation
import Metering
import TestSupport
import Testing
import YAMLReading

@testable import PolledMeters

/// What a message tells to write into the configuration can be written there.
@Suite struct RemedyTests {
    /// An entry of each type that is right.
    private static let entries = [
        "shelly": #"address: "https://a""#, "tasmota": #"address: "https://a""#, "redfish": #"address: "https://a""#,
        "home-assistant": #"address: "https://a", entity: sensor.a, token_file: /t"#,
        "prometheus": #"address: "https://a", query: up, unit: W"#,
        "json": #"url: "https://a", pointer: /p, unit: W"#,
    ]

    /// A value that each key takes, where the message gives none.
    private static let values = [
        "address": "\"https://b\"", "url": "\"https://b\"", "pointer": "/q", "query": "down", "unit": "kW",
        "entity": "sensor.b", "user": "u", "password_file": "/p", "token_file": "/t", "ca_file": "/c",
        "insecure": "true",
        "channel": "1", "phase": "b", "quantity": "energy", "period_s": "5", "type": "TYPE", "plausible_power_w": "900",
        "assume_active": "true", "ignore": "true", "chassis": "\"1\"", "sensor": "x", "member": "x", "invert": "true",
        "name": "n", "scope": "rail", "accuracy": "0.1",
    ]

    /// What stands in backquotes in the texts of a source file, and begins like a key.
    private static func told(in file: URL) throws -> [String] {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let code = lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
        return code.matches(of: /`([a-z][a-z_]*(: ?[^`]*)?)`/).map { String($0.output.1) }
    }

    /// The entry of a type with what a message tells in it, in place of what it has.
    private static func configuration(_ type: String, _ snippet: String) -> String {
        let key = String(snippet.prefix { $0 != ":" })
        let line = snippet.contains(":") ? snippet : "\(key): \(values[key] ?? "x")"
        var fields = ["name: m", "type: \(type)"] + (entries[type] ?? "").split(separator: ", ").map(String.init)
        fields.removeAll { $0.hasPrefix("\(key):") }
        fields.append(line.replacing("TYPE", with: type))
        // Two that go together, and two that do not.
        if key == "user" { fields.append("password_file: /p") }
        if key == "password_file" { fields.append("user: u") }
        if ["user", "password_file"].contains(key) { fields.removeAll { $0.hasPrefix("token_file:") } }
        return "meters: [{\(fields.joined(separator: ", "))}]"
    }

    private static func isTaken(_ text: String) -> Bool {
        (try? MeterConfiguration.parse(text: text, file: "f")) != nil
    }

    /// Every key and value in the messages of the module, by the parser that a user's file goes through. What a driver says is
    /// tried with its own type; what all of them share, with each that there is.
    @Test func everyKeyThatAMessageNamesIsTaken() throws {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/PolledMeters").standardized
        let files = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "swift" }
        var tried = 0
        for file in files {
            let name = file.lastPathComponent
            let own = MeterConfiguration.types.filter { name.hasPrefix(String(describing: $0).prefix(5)) }
                .map { $0.type }
            for snippet in try Self.told(in: file) {
                // A figure of the device that a message shows is put in by the program.
                let snippet = snippet.replacing(/\\\([^)]*\)+/, with: "1").replacing("\\", with: "")
                let override = snippet.contains(":") ? snippet : "\(snippet): \(Self.values[snippet] ?? "x")"
                let isTaken =
                    (own.isEmpty ? Array(Self.entries.keys) : own).contains {
                        Self.isTaken(Self.configuration($0, snippet))
                    } || Self.isTaken("overrides: {ipmi/dcmi: {\(override)}}")
                #expect(isTaken, "\(name): `\(snippet)`")
                tried += 1
            }
        }
        #expect(tried > 30)
    }

    /// A message, and the entry with what it tells put in: then there is a reading.
    @Test(arguments: [
        ("shelly", #"{"em1:0":{"act_power":-5}}"#, "invert: true"),
        ("shelly", #"{"pm1:0":{"apower":5},"pm1:1":{"apower":6}}"#, "channel: 1"),
        ("shelly", #"{"pm1:0":{"apower":5},"pm1:1":{"apower":6}}"#, "channel: all"),
        ("shelly", #"{"switch:0":{"apower":0}}"#, "scope: rail"),
        ("tasmota", #"{"StatusSNS":{"ENERGY":{"Power":[5,6]}}}"#, "channel: all"),
        ("tasmota", #"{"StatusSNS":{"ENERGY":{"Power":-6}}}"#, "invert: true"),
    ])
    func followedItHelps(type: String, status: String, snippet: String) async throws {
        let server = try TestServer { .json($0.path == "/shelly" ? #"{"gen":3}"# : status) }
        let entry = "name: m, type: \(type), address: \"\(server.url)\""
        let before = try #require(try await discover("meters: [{\(entry)}]").first)
        #expect(before.remedy?.contains("`\(snippet)`") == true)
        let after = try #require(try await discover("meters: [{\(entry), \(snippet)}]").first)
        #expect(after.availability == .available)
    }

    @Test func aSumOfSeriesThatCanBeTyped() async throws {
        let many =
            #"{"data":{"resultType":"vector","result":[{"metric":{"rack":"3"},"value":[1,"1"]},{"value":[1,"2"]}]}}"#
        let one = #"{"data":{"resultType":"vector","result":[{"value":[1,"3"]}]}}"#
        let server = try TestServer { .json($0.path.contains("sum%28") ? one : many) }
        let entry = "name: m, type: prometheus, address: \"\(server.url)\", unit: W"
        let query = #"pdu{room='a',rack=~".+"}"#
        let yaml = query.replacing("'", with: "''")
        let before = try #require(try await discover("meters: [{\(entry), query: '\(yaml)'}]").first)
        #expect(before.reason?.contains("rack: 3") == true)
        let typed = try #require(before.remedy?.split(separator: "`").dropFirst().first)
        let after = try #require(try await discover("meters: [{\(entry), \(typed)}]").first)
        #expect(after.availability == .available)
    }
}
