import Testing

@testable import PolledMeters

@Suite("Secrets over plain HTTP")
struct PlainCredentialTests {
    private static func told(_ address: String, _ more: String = "user: a, password_file: /f") throws -> [String] {
        try MeterConfiguration.parse(
            text: "meters:\n  - {name: plug, type: shelly, address: \"\(address)\", \(more)}\n", file: "f"
        ).plainCredentials.map(\.description)
    }

    @Test("A password that goes over a network in clear text is told, with device and address")
    func told() throws {
        for address in ["http://192.168.1.20", "http://plug.lan:8080/x", "http://[fd00::9]", "http://127.evil.example"]
        {
            let told = try Self.told(address)
            #expect(told.count == 1, "\(address)")
            #expect(told.first?.contains("password of shelly/plug") == true && told.first?.contains(address) == true)
        }
        let token = try MeterConfiguration.parse(
            text: """
                meters:
                  - {name: rack, type: home-assistant, address: "http://ha:8123", entity: sensor.rack_power, token_file: /f}
                """, file: "f")
        #expect(token.plainCredentials.first?.description.contains("token of home-assistant/rack") == true)
    }

    @Test(
        "Over TLS, or on this machine, it is not; nor is a device without a secret",
        arguments: [
            "https://192.168.1.20", "http://localhost:80", "http://LOCALHOST", "http://127.0.0.1",
            "http://127.1.2.3:8080",
            "http://[::1]:80",
        ])
    func quiet(address: String) throws {
        #expect(try Self.told(address).isEmpty)
        #expect(try Self.told("http://192.168.1.20", "channel: 0").isEmpty)
    }
}
