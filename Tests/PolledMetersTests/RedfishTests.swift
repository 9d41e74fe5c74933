import Accounting
import Core
import Foundation
import Metering
import NIOHTTP1
import TLS
import TestSupport
import Testing

@testable import PolledMeters

/// A BMC as DMTF's schemas describe it, on a real TLS server with a certificate of its own, as BMCs come.
@Suite struct RedfishTests {
    /// Made once: a key takes a while.
    private static let certificate = Result { try Certificate() }

    private struct Certificate {
        let directory: TemporaryDirectory
        let context: TLSContext
        var file: String { directory.path + "/certificate.pem" }

        init() throws {
            directory = try TemporaryDirectory()
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                directory.path + "/key.pem", "-out", directory.path + "/certificate.pem",
            ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            context = try TLSContext(
                certificate: directory.path + "/certificate.pem", key: directory.path + "/key.pem")
        }
    }

    private let directory: TemporaryDirectory
    private let tls: TLSContext
    private let caFile: String

    init() throws {
        let certificate = try Self.certificate.get()
        tls = certificate.context
        caFile = certificate.file
        directory = try TemporaryDirectory()
        _ = try secret("calvin", in: directory, name: "password")
    }

    private static let resources = [
        "/redfish/v1/Chassis": #"""
        {"@odata.type":"#ChassisCollection.ChassisCollection","Members@odata.count":2,
         "Members":[{"@odata.id":"/redfish/v1/Chassis/Tray"},{"@odata.id":"/redfish/v1/Chassis/1"},
                    {"@odata.id":"/redfish/v1/Chassis/Old"}]}
        """#,
        "/redfish/v1/Chassis/Tray": #"{"Id":"Tray","ChassisType":"Module"}"#,
        "/redfish/v1/Chassis/1": #"""
        {"Id":"1","ChassisType":"RackMount","Power":{"@odata.id":"/redfish/v1/Chassis/1/Power"},
         "EnvironmentMetrics":{"@odata.id":"/redfish/v1/Chassis/1/EnvironmentMetrics"}}
        """#,
        "/redfish/v1/Chassis/1/EnvironmentMetrics": #"""
        {"@odata.type":"#EnvironmentMetrics.v1_3_0.EnvironmentMetrics",
         "PowerWatts":{"DataSourceUri":"/redfish/v1/Chassis/1/Sensors/TotalPower","Reading":374}}
        """#,
        "/redfish/v1/Chassis/1/Power": #"{"PowerControl":[{"PowerConsumedWatts":590}]}"#,
        "/redfish/v1/Chassis/Old": #"""
        {"Id":"Old","Power":{"@odata.id":"/redfish/v1/Chassis/Old/Power"},
         "EnvironmentMetrics":{"@odata.id":"/redfish/v1/Chassis/Old/EnvironmentMetrics"}}
        """#,
        "/redfish/v1/Chassis/Old/EnvironmentMetrics": #"{"PowerWatts":{"Reading":null}}"#,
        "/redfish/v1/Chassis/Old/Power": #"""
        {"PowerControl":[{"MemberId":"0","PowerCapacityWatts":1600,"PowerConsumedWatts":212,
          "PowerMetrics":{"AverageConsumedWatts":587,"IntervalInMin":20}}]}
        """#,
    ]

    private func bmc() throws -> TestServer {
        try TestServer(tls: tls) { request in
            // calvin is the password that the account `monitor` has: RFC 7617.
            guard request.headers["Authorization"] == ["Basic bW9uaXRvcjpjYWx2aW4="] else {
                return .json(#"{"error":{"code":"Base.1.8.NoValidSession","message":"no valid session"}}"#, status: 401)
            }
            return Self.resources[request.path].map { .json($0) } ?? .json("{}", status: 404)
        }
    }

    private func yaml(_ server: TestServer, _ rest: String) -> String {
        "meters: [{name: bmc, type: redfish, address: \"\(server.url)\", user: monitor, "
            + "password_file: \(directory.path)/password, \(rest)}]"
    }

    @Test func theFirstChassisThatTellsItsPower() async throws {
        let server = try bmc()
        let listing = try #require(try await discover(yaml(server, "insecure: true")).first)
        #expect(listing.availability == .available)
        #expect(listing.description.id == "redfish/bmc")
        #expect(listing.description.scope == .system)
        #expect(listing.description.silicon == "board")
        #expect(listing.description.periodSeconds == 5)
        #expect(listing.description.resolution == 1e6)
        #expect(listing.description.source == server.url)
        #expect(await next(listing.open()) == .gauge(microwatts: 374_000_000))
    }

    /// `EnvironmentMetrics` may be there and hold nothing.
    @Test func theOlderResource() async throws {
        let server = try bmc()
        let listing = try #require(try await discover(yaml(server, "insecure: true, chassis: Old")).first)
        #expect(await next(listing.open()) == .gauge(microwatts: 212_000_000))
        // Once found, one request a reading.
        #expect(server.requests.last?.path == "/redfish/v1/Chassis/Old/Power")
    }

    @Test func aChassisThatIsNotThere() async throws {
        let server = try bmc()
        let listing = try #require(
            try await discover(yaml(server, "insecure: true, chassis: \"2\"")).first)
        #expect(listing.reason == "there is no chassis 2")
        #expect(listing.remedy == "give one of Tray, 1, Old")
    }

    @Test func aChassisWithoutPower() async throws {
        let server = try bmc()
        let listing = try #require(
            try await discover(yaml(server, "insecure: true, chassis: Tray")).first)
        #expect(listing.reason == "no chassis of the BMC tells its power (Tray)")
    }

    @Test func aCertificateIsVerified() async throws {
        let server = try bmc()
        let stranger = try #require(try await discover(yaml(server, "accuracy: 0.02")).first)
        #expect(stranger.reason?.contains("certificate that cannot be verified") == true)
        #expect(stranger.remedy == "give its CA by `ca_file`, or take any by `insecure: true`")
        // Nobody who is not verified gets the password.
        #expect(server.requests.isEmpty)
        let known = try #require(
            try await discover(yaml(server, "ca_file: \(caFile)")).first)
        #expect(known.availability == .available)
        let other = try #require(try await discover(yaml(server, "ca_file: \(directory.path)/password")).first)
        #expect(other.reason == "\(directory.path)/password holds no certificate that can be read")
    }

    /// The name must be right too, even if the certificate is known.
    @Test func aCertificateOfAnotherHostIsRefused() async throws {
        let server = try bmc()
        let listing = try #require(
            try await discover(
                yaml(server, "ca_file: \(caFile)").replacing("localhost", with: "127.0.0.1")
            ).first)
        #expect(listing.reason?.contains("another name") == true)
        #expect(listing.remedy?.contains("`address`") == true && listing.remedy?.contains("`ca_file`") == false)
    }

    /// What was given is not asked for.
    @Test func aCertificateThatTheGivenOneDoesNotSign() async throws {
        let server = try bmc()
        let other = try Certificate()
        let listing = try #require(try await discover(yaml(server, "ca_file: \(other.file)")).first)
        #expect(listing.reason?.contains(other.file) == true)
        #expect(server.requests.isEmpty)
    }

    @Test func aWrongPasswordIsSaid() async throws {
        _ = try secret("hobbes", in: directory, name: "password")
        let server = try bmc()
        let listing = try #require(try await discover(yaml(server, "insecure: true")).first)
        #expect(listing.reason?.contains("401: ") == true)
        #expect(listing.reason?.contains("no valid session") == true)
        #expect(listing.reason?.contains("refuses the user and password") == true)
        #expect(listing.remedy == "check that `user` and `password_file` are correct")
        #expect(listing.reason?.contains("hobbes") == false)
    }

    /// Some BMCs lead to the same path with a slash behind it.
    @Test func aRedirectWithinTheDeviceIsFollowed() async throws {
        let server = try TestServer(tls: tls) { request in
            if request.path == "/redfish/v1/Chassis" { return .redirect("/redfish/v1/Chassis/") }
            let path = request.path == "/redfish/v1/Chassis/" ? "/redfish/v1/Chassis" : request.path
            return Self.resources[path].map { .json($0) } ?? .json("{}", status: 404)
        }
        let listing = try #require(try await discover(yaml(server, "insecure: true")).first)
        #expect(listing.availability == .available)
    }

    /// A link to another host would be sent the password.
    @Test(arguments: ["//127.0.0.1/redfish/v1/Chassis/1", "https://example.org/redfish/v1/Chassis/1", "Chassis/1"])
    func aLinkToAnotherHostIsNotFollowed(link: String) async throws {
        let server = try TestServer(tls: tls) { _ in .json(#"{"Members":[{"@odata.id":"\#(link)"}]}"#) }
        let listing = try #require(try await discover(yaml(server, "insecure: true")).first)
        #expect(listing.reason?.contains("which is not a path") == true)
        #expect(server.requests.count == 1)
    }
}
