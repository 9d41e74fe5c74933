import Core
import Foundation
import TestSupport
import Testing
import YAMLReading

@testable import Commands

/// What `taskwatt enroll --service` writes, below a directory that stands for `/`.
struct ServiceEnrolmentTests {
    private static let url = "https://10.77.0.1:9121"
    private static let configuration = "/etc/taskwatt/taskwatt.yaml"
    private static let dropIn = "/etc/systemd/system/taskwatt.service.d/collector.conf"
    private static let certificates = "/etc/taskwatt/collector-ca.pem"

    private func enrolment(_ root: TemporaryDirectory, _ url: String = url, caFile: String? = nil) -> ServiceEnrolment {
        ServiceEnrolment(url: url, caFile: caFile, root: root.path)
    }

    private func text(_ root: TemporaryDirectory, _ path: String) throws -> String {
        try String(contentsOfFile: root.path + path, encoding: .utf8)
    }

    @Test func aConfigurationGetsTheCollectorOnceAndKeepsTheRest() throws {
        let root = try TemporaryDirectory([
            Self.configuration: "# mine\nkeep:\n  samples: 3d", "/ca.pem": "the certificates\n",
        ])
        let enrolment = enrolment(root, caFile: "\(root.path)/ca.pem")
        try enrolment.check()
        try enrolment.write()
        let once = try text(root, Self.configuration)
        #expect(once.hasPrefix("# mine\nkeep:\n  samples: 3d\n"))
        #expect(once.contains("url: \"\(Self.url)\"") && once.contains("ca_file: \(Self.certificates)"))
        #expect(try text(root, Self.certificates) == "the certificates\n")
        // To enrol again changes nothing of it.
        try enrolment.check()
        try enrolment.write()
        #expect(try text(root, Self.configuration) == once)
    }

    @Test func aMachineWithoutConfigurationGetsOne() throws {
        let root = try TemporaryDirectory(["/etc/taskwatt/other": ""])
        try enrolment(root).write()
        #expect(try text(root, Self.configuration).contains("token_file: \(ServiceEnrolment.tokenFile)"))
    }

    @Test func anotherCollectorIsNotReplaced() throws {
        let other = "collector:\n  url: \"https://other.example:9121\"\n  token_file: /etc/taskwatt/collector.token\n"
        let root = try TemporaryDirectory([Self.configuration: other])
        #expect { try enrolment(root).check() } throws: { ($0 as? UserError)?.kind == .usage }
        #expect(try text(root, Self.configuration) == other)
    }

    @Test func whatIsWrongInTheConfigurationIsSaidBeforeTheTokenIsUsed() throws {
        let root = try TemporaryDirectory([Self.configuration: "kepe: {}\n"])
        #expect(throws: YAMLProblem.self) { try enrolment(root).check() }
    }

    @Test func theUnitReachesTheCollectorAndThoseWhoKnowWhereItIs() throws {
        let root = try TemporaryDirectory([
            "/etc/resolv.conf":
                "search example\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\nnameserver\nnameserver x;y\n",
            "/etc/taskwatt/other": "",
        ])
        try enrolment(root).write()
        let allowed = try text(root, Self.dropIn).split(separator: "\n").filter { $0.hasPrefix("IPAddressAllow=") }
        #expect(
            allowed == [
                "IPAddressAllow=localhost", "IPAddressAllow=10.77.0.1", "IPAddressAllow=10.0.0.53",
                "IPAddressAllow=fe80::1",
            ])
    }
}
