import Core
import Exchange
import Foundation
import TestSupport
import Testing

@testable import Collecting
@testable import Listening

/// Machines that come with a certificate, as they are known once their connection is there.
@Suite("Certificates instead of tokens")
struct CertificateTests {
    private let bench: CollectorBench

    init() throws { bench = try CollectorBench() }

    private func send(_ bundle: SentBundle, as name: String) async throws -> CollectorBench.Answer {
        let client = Client()
        client.shows("CN=\(name),O=Example")
        return try await Client.$finder.withValue(Client.Finder { client }) { try await bench.send(bundle, token: nil) }
    }

    /// What a machine makes of its name with a secret of its own.
    private func redaction(_ host: String, _ secret: String = "s") throws -> Redaction {
        try Redaction(secret: Data(secret.utf8), hostNames: [host], userNames: [])
    }

    @Test("The first redacted bundle of a machine says by which pseudonym it goes")
    func pseudonym() async throws {
        let redaction = try redaction("node7")
        let first = try await bench.bundle(redaction: redaction)
        #expect(try await send(first, as: "node7").status == 201)
        #expect(
            try bench.ledger.machines().map(\.machines) == [[try redaction.machine("node7"), "node7"].sorted()])
        #expect(try await send(first, as: "node7").status == 200)
        #expect(try await send(try await bench.bundle(redaction: redaction), as: "node7").status == 201)
        // And its own name too.
        #expect(try await send(try await bench.bundle(), as: "node7").status == 201)
        #expect(try bench.suites.count == 3)
        // It is known after a crash.
        let later = try await bench.bundle(redaction: redaction)
        try later.data.write(to: URL(fileURLWithPath: bench.files.pendingPath(later.sha256)))
        #expect(await bench.intake().retake(at: bench.now))
        #expect(try bench.suites.count == 4)
    }

    @Test("No other machine sends under it, and nobody has two")
    func forged() async throws {
        let bundle = try await bench.bundle(redaction: try redaction("node7"))
        #expect(try await send(bundle, as: "node7").status == 201)
        let other = try await bench.bundle(redaction: try redaction("node7"))
        let forged = try await send(other, as: "node8")
        #expect(forged.status == 422 && forged.rule == "machine")
        // What was refused gave it nothing, and its own first one counts.
        #expect(try bench.ledger.machines().map(\.machines.count) == [2, 1])
        let own = try await bench.bundle(host: "node8", redaction: try redaction("node8"))
        #expect(try await send(own, as: "node8").status == 201)
        let second = try await bench.bundle(redaction: try redaction("node7", "another secret"))
        let answer = try await send(second, as: "node7")
        #expect(answer.status == 422 && answer.rule == "machine")
        #expect(try bench.suites == [bundle.uuid, own.uuid].sorted())
        // By a token of its administrator it may have a new one, and its certificate is good as before.
        let renamed = try redaction("node7", "another secret").machine("node7")
        _ = try bench.enrol("node7", machines: ["node7", renamed])
        #expect(try await send(second, as: "node7").status == 201)
    }

    @Test(
        "A name that is no pseudonym is taken from no bundle", arguments: ["node8", "machine-12", "machine-1234567G"])
    func names(host: String) async throws {
        let answer = try await send(try await bench.bundle(host: host), as: "node7")
        #expect(answer.status == 422 && answer.rule == "machine")
        #expect(try bench.ledger.machines().map(\.machines) == [["node7"]])
    }

    @Test("Whoever has a token has told its pseudonym by it")
    func tokens() async throws {
        let token = try bench.enrol()
        let answer = try await bench.send(try await bench.bundle(redaction: try redaction("node7")), token: token)
        #expect(answer.status == 422 && answer.rule == "machine")
        #expect(try bench.ledger.machines().map(\.machines) == [["node7"]])
    }

    @Test("A certificate whose name is another's in bundles is refused so that the bundle is kept")
    func taken() async throws {
        _ = try bench.enrol("lab7", machines: ["node7"])
        let bundle = try await bench.bundle()
        #expect(try await send(bundle, as: "node7").status == 403)
        #expect(try bench.ledger.machines().map(\.name) == ["lab7"])
        #expect(try bench.ledger.revoke("lab7", at: bench.now))
        #expect(try await send(bundle, as: "node7").status == 201)
    }
}
