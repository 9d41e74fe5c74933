import Core
import Exchange
import Foundation
import HTTPTypes
import Recording
import Service
import Synchronization
import TestSupport
import Testing

@testable import Collecting

/// What comes in is there once, or not at all.
@Suite("Taking bundles")
struct IntakeTests {
    @Test("A bundle is verified, kept by its hash, and in the record; the same one is known")
    func taken() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        let first = try await bench.send(bundle, token: token)
        #expect(first.status == 201, "\(String(decoding: first.body, as: UTF8.self))")
        #expect(try bench.suites == [bundle.uuid])
        #expect(try Data(contentsOf: URL(fileURLWithPath: bench.files.path(bundle.sha256))) == bundle.data)
        #expect(bench.names("pending").isEmpty && bench.names("incoming").isEmpty)
        let again = try await bench.send(bundle, token: token)
        #expect(again.status == 200)
        #expect(try bench.suites == [bundle.uuid] && bench.store.imports().count == 1)
        #expect(try bench.ledger.bundleCount() == 1)
        let machine = try #require(try bench.ledger.machines().first)
        #expect(machine.lastBundleAt == bench.now && machine.lastSeenAt == bench.now)
    }

    @Test("What the machine tells of itself is kept, and changes nothing that was measured")
    func sign() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        var headers: HTTPFields = [.authorization: "Bearer \(token)"]
        for (field, value) in [
            ("Content-Digest", "sha-512=:AA==:, sha-256=:\(bundle.base64):"), ("Taskwatt-Time", "\(bench.now + 90)"),
            ("Taskwatt-Waiting", "3"), ("Taskwatt-Oldest-Seconds", "7200"), ("Taskwatt-Version", "9.9"),
        ] {
            headers[try #require(HTTPField.Name(field))] = value
        }
        #expect(try await bench.ask(.post, "/v1/bundles", headers, body: bundle.data).status == 201)
        let machine = try #require(try bench.ledger.machines().first)
        #expect(machine.clockSkew == 90 && machine.waiting == 2 && machine.oldestSeconds == 7200)
        #expect(machine.version == "9.9")
        // The last one, which is here already.
        headers[try #require(HTTPField.Name("Taskwatt-Waiting"))] = "1"
        #expect(try await bench.ask(.post, "/v1/bundles", headers, body: bundle.data).status == 200)
        let rested = try #require(try bench.ledger.machines().first)
        #expect(rested.waiting == 0 && rested.oldestSeconds == nil)
        let (here, there) = (try bench.agent.store.suite(bundle.uuid), try bench.store.suite(bundle.uuid))
        #expect(here == there)
    }

    @Test("Whoever shows no token, a wrong one, a revoked one or one of enrolment is not let in")
    func strangers() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        let invitation = try bench.ledger.invite("node8", at: bench.now)
        _ = try bench.ledger.revoke("node7", at: bench.now)
        for wrong in [nil, "", "x", token, invitation] {
            #expect(try await bench.send(bundle, token: wrong).status == 401)
        }
        #expect(try bench.suites.isEmpty && bench.names("incoming").isEmpty)
    }

    @Test("Half a body, a body of another hash, and none: nothing is kept")
    func broken() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        let half = try await bench.send(bundle, token: token, breaksAfter: bundle.data.count / 2)
        #expect(half.status == 503)
        #expect(try await bench.send(bundle, token: token, body: bundle.data.dropLast()).status == 400)
        #expect(try await bench.send(bundle, token: token, body: Data()).status == 400)
        var other = bundle.data
        other[other.count / 2] ^= 1
        #expect(try await bench.send(bundle, token: token, body: other).status == 400)
        for digest in ["", "sha-256=::", "sha-256=:AAAA:", "md5=:AAAA:", "sha-256=\(bundle.base64)"] {
            #expect(try await bench.send(bundle, token: token, digest: digest).status == 400, "\(digest)")
        }
        #expect(try bench.suites.isEmpty && bench.names("incoming").isEmpty && bench.names("pending").isEmpty)
        #expect(try await bench.send(bundle, token: token).status == 201)
    }

    @Test("What is no bundle, or fails its verification, is refused with the rule")
    func refused() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let junk = Data("no bundle at all".utf8)
        let sent = try SentBundle(uuid: "", data: junk, sha256: hash(junk))
        #expect(try await bench.send(sent, token: token).status == 422)
        // Cut short in the middle, with the hash of what is left.
        let whole = try await bench.bundle()
        let half = whole.data.prefix(whole.data.count / 2)
        #expect(
            try await bench.send(SentBundle(uuid: "", data: half, sha256: hash(half)), token: token).status == 422)
        // A figure that does not follow from the samples.
        let uuid = try MeasuredSuite.begin(in: bench.agent.store, host: "node7")
        try bench.agent.store.record(run(3600), samples: [], suiteRun: uuid)
        try bench.agent.store.endSuiteRun(uuid, status: .completed, error: nil, at: 1_764_000_500)
        let answer = try await bench.send(try await bench.bundle(of: uuid), token: token)
        #expect(answer.status == 422 && answer.rule != nil)
        #expect(try bench.suites.isEmpty && bench.names("pending").isEmpty && bench.names("incoming").isEmpty)
    }

    private func hash(_ data: Data) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try data.write(to: file)
        return try digest(of: file.path)
    }

    @Test("A machine sends its own suites, under its name or its pseudonym")
    func forged() async throws {
        let bench = try CollectorBench()
        let redaction = try Redaction(secret: Data("s".utf8), hostNames: ["node7"], userNames: [])
        let token = try bench.enrol(machines: ["node7", try redaction.machine("node7")])
        let other = try bench.enrol("node8", machines: ["node8"])
        let bundle = try await bench.bundle()
        let forged = try await bench.send(bundle, token: other)
        #expect(forged.status == 422 && forged.rule == "machine")
        #expect(try bench.suites.isEmpty && bench.names("pending").isEmpty)
        #expect(try await bench.send(bundle, token: token).status == 201)
        // Also when it is there already.
        #expect(try await bench.send(bundle, token: other).status == 422)
        #expect(try await bench.send(try await bench.bundle(redaction: redaction), token: token).status == 201)
    }

    @Test("Another bundle of the same suite is no second one")
    func conflict() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        #expect(try await bench.send(bundle, token: token).status == 201)
        let other = try await bench.bundle(of: bundle.uuid, version: "9.10")
        #expect(other.sha256 != bundle.sha256)
        #expect(try await bench.send(other, token: token).status == 409)
        #expect(try bench.suites == [bundle.uuid] && bench.names("pending").isEmpty)
    }

    @Test("The same bundle from many senders at once is there once")
    func together() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 { group.addTask { try await bench.send(bundle, token: token).status } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        // Whoever comes while it is just being taken comes again.
        #expect(statuses.count { $0 == 201 } == 1 && statuses.allSatisfy { [200, 201, 503].contains($0) })
        #expect(try bench.suites == [bundle.uuid] && bench.store.imports().count == 1)
        #expect(try await bench.send(bundle, token: token).status == 200)
    }

    @Test("Where the record cannot be written the bundle is kept, and is in it once the record can be")
    func recordDown() async throws {
        let elsewhere = try TestRecord()
        let record = FailingRecord(store: elsewhere.store, isDown: .init())
        let bench = try CollectorBench(record: record)
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        let answer = try await bench.send(bundle, token: token)
        #expect(answer.status == 503 && answer.headers[.retryAfter] != nil)
        #expect(bench.names("pending") == ["\(bundle.sha256).tar.zst"])
        #expect(try elsewhere.store.suiteRuns(limit: 9).isEmpty && bench.ledger.bundleCount() == 0)
        // The collector was stopped between file and row; the next one takes it again, as soon as it can.
        let next = bench.intake(record)
        #expect(await !next.retake(at: bench.now))
        record.isDown.isSet = false
        #expect(await next.retake(at: bench.now))
        #expect(try elsewhere.store.suiteRuns(limit: 9).map(\.uuid) == [bundle.uuid])
        #expect(
            bench.names("pending").isEmpty && FileManager.default.fileExists(atPath: bench.files.path(bundle.sha256)))
        #expect(try await bench.send(bundle, token: token).status == 200)
        #expect(await next.retake(at: bench.now))
    }

    @Test("A crash between the rows and the ledger, or before the file is settled, leaves nothing twice")
    func crashes() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        // Rows without a ledger's entry.
        let file = "\(bench.directory.path)/bundle"
        try bundle.data.write(to: URL(fileURLWithPath: file))
        _ = try await BundleImport(bench.store, version: "9.9").run(file, at: 5)
        try bundle.data.write(to: URL(fileURLWithPath: bench.files.pendingPath(bundle.sha256)))
        #expect(await bench.intake().retake(at: bench.now))
        #expect(try bench.suites == [bundle.uuid] && bench.ledger.hasBundle(bundle.sha256))
        #expect(bench.names("pending").isEmpty)
        // All done but the file's place.
        try FileManager.default.moveItem(
            atPath: bench.files.path(bundle.sha256), toPath: bench.files.pendingPath(bundle.sha256))
        #expect(await bench.intake().retake(at: bench.now))
        #expect(
            bench.names("pending").isEmpty && FileManager.default.fileExists(atPath: bench.files.path(bundle.sha256)))
        // A file that the disk lost a part of.
        try bundle.data.dropLast(9).write(
            to: URL(fileURLWithPath: bench.files.pendingPath(String(repeating: "0", count: 64))))
        #expect(await bench.intake().retake(at: bench.now))
        #expect(bench.names("pending").isEmpty)
        #expect(try await bench.send(bundle, token: token).status == 200)
        #expect(try bench.suites == [bundle.uuid] && bench.store.imports().count == 1)
    }

    @Test("Half a file of an earlier process is swept away")
    func swept() async throws {
        let bench = try CollectorBench()
        try Data("half".utf8).write(to: URL(fileURLWithPath: "\(bench.files.root)/incoming/x"))
        bench.files.sweep()
        #expect(bench.names("incoming").isEmpty)
    }
}
