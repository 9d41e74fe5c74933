import Core
import Foundation
import Recording
import TestSupport
import Testing
import YAMLReading

@testable import Fetching
@testable import Forwarding

@Suite("A shared directory")
struct DropTransportTests {
    private let directory: TemporaryDirectory
    private let bundle: PackedBundle

    init() throws {
        directory = try TemporaryDirectory(["/own/bundle": "contents"])
        try directory.directory("/shared")
        let path = "\(directory.path)/own/bundle"
        let (bytes, sha256) = try BundleSpool.digest(path)
        bundle = PackedBundle(suiteRun: "u", path: path, bytes: bytes, sha256: sha256)
    }

    private var shared: String { "\(directory.path)/shared" }
    private func deliver() async -> Delivery {
        await DropTransport(directory: shared, isRedacted: false).deliver(bundle, waiting: OutboxSummary())
    }
    private var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: shared)) ?? [] }

    @Test("A bundle comes whole, by its hash and UUID; the same one is there already")
    func same() async throws {
        #expect(await deliver() == .taken)
        #expect(files == [DropTransport.name(bundle)])
        #expect(FileManager.default.contents(atPath: "\(shared)/\(files[0])") == Data("contents".utf8))
        #expect(await deliver() == .alreadyThere)
        #expect(files.count == 1)
    }

    @Test("A file that is not what its name says is replaced")
    func damaged() async throws {
        try directory.write("/shared/\(DropTransport.name(bundle))", "cont")
        #expect(await deliver() == .taken)
        #expect(FileManager.default.contents(atPath: "\(shared)/\(files[0])") == Data("contents".utf8))
    }

    @Test("A directory that is not there, or not mounted yet, is waited for and not made")
    func missing() async throws {
        try FileManager.default.removeItem(atPath: shared)
        guard case .postponed(let reason, nil) = await deliver() else {
            Issue.record("taken")
            return
        }
        #expect(reason.contains(shared) && !FileManager.default.fileExists(atPath: shared))
    }
}

@Suite("What a collector answers")
struct CollectorTransportTests {
    private func delivery(_ status: Int, _ body: String = "", _ headers: [HTTPHeader] = []) -> Delivery {
        CollectorTransport.delivery(HTTPHead(status: status, reason: "R", headers: headers), Data(body.utf8))
    }

    @Test("Only what is about the bundle itself parks it")
    func meanings() {
        #expect(delivery(201) == .taken && delivery(204) == .taken && delivery(200) == .alreadyThere)
        for status in [400, 409, 413, 422] {
            guard case .refused = delivery(status) else {
                Issue.record("\(status)")
                return
            }
        }
        // A token that was revoked, an address that is wrong, a collector that is older or down: the suites are kept.
        for status in [301, 401, 403, 404, 405, 408, 421, 426, 429, 500, 502, 503, 504, 0, 999] {
            guard case .postponed = delivery(status) else {
                Issue.record("\(status)")
                return
            }
        }
    }

    @Test("Its words and its Retry-After are taken")
    func words() throws {
        let error = UserError(.usage, "energy: no", remedy: "look")
        let body = String(decoding: try JSONEncoder().encode(error), as: UTF8.self)
        #expect(delivery(422, body) == .refused("energy: no; look"))
        let header = HTTPHeader(name: "Retry-After", value: "17")
        #expect(delivery(429, "<html>", [header]) == .postponed("the collector answers 429 R", retryAfter: 17))
        let wrong = HTTPHeader(name: "retry-after", value: "-1")
        #expect(delivery(503, "", [wrong]) == .postponed("the collector answers 503 R", retryAfter: nil))
    }

    @Test("The digest is that of RFC 9530")
    func digest() throws {
        let hexadecimal = "44b7dd06b26b3a1f5ea1b0a2e1a1a9d2a5c8d8a0" + String(repeating: "0", count: 24)
        let field = try CollectorTransport.digestField(hexadecimal)
        let base64 = field.dropFirst("sha-256=:".count).dropLast()
        #expect(field.hasPrefix("sha-256=:") && field.hasSuffix(":"))
        #expect(Data(base64Encoded: String(base64))?.prefix(4) == Data([0x44, 0xb7, 0xdd, 0x06]))
        #expect(throws: UserError.self) { try CollectorTransport.digestField("zz") }
    }

    @Test("Nobody is reached, and nothing is lost", .timeLimit(.minutes(2)))
    func unreachable() async throws {
        let directory = try TemporaryDirectory(["/bundle": "x"])
        let bundle = PackedBundle(suiteRun: "u", path: "\(directory.path)/bundle", bytes: 1, sha256: "00")
        // Nothing listens on port 1.
        let transport = CollectorTransport(
            HTTPClient(), CollectorAddress(url: "http://127.0.0.1:1"), token: { "t" }, isRedacted: false, version: "1",
            wallTime: { 5 })
        guard case .postponed(let reason, nil) = await transport.deliver(bundle, waiting: OutboxSummary()) else {
            Issue.record("taken")
            return
        }
        #expect(reason.contains("http://127.0.0.1:1"))
    }
}

@Suite("collector and drop in taskwatt.yaml")
struct ForwardingConfigurationTests {
    private func read(_ text: String) throws -> (ForwardingConfiguration, [YAMLProblem]) {
        var problems: [YAMLProblem] = []
        let sections = try ConfigurationFile.sections(text: text, file: "f") { problems.append($0) }
        let configuration = ForwardingConfiguration.read(sections) { problems.append($0) }
        return (configuration, problems)
    }

    @Test("Both, and neither")
    func both() throws {
        let (none, _) = try read("keep: {samples: 7d}")
        #expect(none == ForwardingConfiguration() && none.destinations.isEmpty)
        let (all, problems) = try read(
            """
            collector: {url: "https://c.example:9121/", token_file: /t, ca_file: /ca, redact: true}
            drop: /shared
            """)
        #expect(problems.isEmpty, "\(problems)")
        #expect(all.collector?.address.url == "https://c.example:9121" && all.collector?.tokenFile == "/t")
        #expect(all.collector?.address.tls.caFile == "/ca" && all.collector?.isRedacted == true)
        #expect(all.drop == .init(directory: "/shared") && all.destinations == [.collector, .drop])
        let (long, _) = try read("drop: {directory: /shared, redact: true}")
        #expect(long.drop == .init(directory: "/shared", isRedacted: true))
    }

    @Test(
        "What is wrong is told with its place",
        arguments: [
            "collector: {}", "collector: {url: \"https://c\"}",
            "collector: {url: \"http://c.example\", token_file: /t}",
            "collector: {url: \"https://u:p@c\", token_file: /t}", "collector: {url: \"https://c\", token_file: t}",
            "collector: {url: \"https://c\", certificate: /c}",
            "collector: {url: \"https://c\", token_file: /t, tok: 1}",
            "collector: {url: \"ftp://c\", token_file: /t}", "drop: shared", "drop: {redact: true}", "drop: [a]",
            "collector: {url: \"https://c\", token_file: /t, redact: maybe}",
        ])
    func wrong(text: String) throws {
        let (_, problems) = try read(text)
        #expect(problems.count == 1 && problems.first?.line == 1, "\(problems)")
    }

    @Test("In the clear only on this machine")
    func plain() throws {
        let (configuration, problems) = try read("collector: {url: \"http://127.0.0.1:9\", token_file: /t}")
        #expect(problems.isEmpty && configuration.collector?.address.url == "http://127.0.0.1:9")
    }
}
