import Core
import Digests
import Forwarding
import Foundation
import HTTPTypes
import Recording
import Synchronization
import TestSupport
import Testing
import YAMLReading

@testable import Collecting

/// In hexadecimal.
func digest(of file: String) throws -> String {
    try SHA256.hash(try Data(contentsOf: URL(fileURLWithPath: file))).hexadecimal
}

/// Nobody takes more than there is, and nobody is kept out by others for it.
@Suite("Limits of the collector")
struct LimitTests {
    @Test("What is too large is refused, by what it says and by what it is")
    func size() async throws {
        var limits = CollectorLimits()
        limits.bundleBytes = 1000
        let bench = try CollectorBench(limits: limits)
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        #expect(bundle.data.count > 1000)
        #expect(try await bench.send(bundle, token: token).status == 413)
        // In chunks, without a length.
        var headers: HTTPFields = [.authorization: "Bearer \(token)", .contentLength: "10"]
        headers[try #require(HTTPField.Name("Content-Digest"))] = "sha-256=:\(bundle.base64):"
        #expect(try await bench.ask(.post, "/v1/bundles", headers, body: bundle.data).status == 413)
        #expect(bench.names("incoming").isEmpty && bench.names("pending").isEmpty)
    }

    @Test("A machine that sends too much waits, and no other does")
    func rate() async throws {
        var limits = CollectorLimits()
        (limits.burst, limits.perSecond) = (2, 0.1)
        let bench = try CollectorBench(limits: limits)
        let (one, other) = (try bench.enrol(), try bench.enrol("node8", machines: ["node8"]))
        let bundle = try await bench.bundle()
        #expect(try await bench.send(bundle, token: one).status == 201)
        #expect(try await bench.send(bundle, token: one).status == 200)
        let answer = try await bench.send(bundle, token: one)
        #expect(answer.status == 429 && answer.headers[.retryAfter] == "10")
        #expect(try await bench.send(try await bench.bundle(host: "node8"), token: other).status == 201)
        bench.time.withLock { $0 += 10 }
        #expect(try await bench.send(bundle, token: one).status == 200)
    }

    @Test("A machine that is slow with all of its bundles leaves places to others", .timeLimit(.minutes(5)))
    func slow() async throws {
        var limits = CollectorLimits()
        (limits.uploads, limits.uploadsOfOne) = (3, 2)
        let bench = try CollectorBench(limits: limits)
        let (one, other) = (try bench.enrol(), try bench.enrol("node8", machines: ["node8"]))
        let slow = [try await bench.bundle(), try await bench.bundle()]
        let quick = try await bench.bundle(host: "node8")
        let gate = Gate()
        let (begun, continuation) = AsyncStream.makeStream(of: Void.self)
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for bundle in slow {
                group.addTask {
                    try await bench.send(bundle, token: one) {
                        continuation.yield()
                        await gate.wait()
                    }.status
                }
            }
            var coming = begun.makeAsyncIterator()
            for _ in slow { await coming.next() }
            let third = try await bench.send(try await bench.bundle(), token: one)
            #expect(third.status == 429 && third.headers[.retryAfter] == "10")
            #expect(try await bench.send(quick, token: other).status == 201)
            await gate.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses == [201, 201])
        #expect(try await bench.send(slow[0], token: one).status == 200, "its places are given back")
    }

    /// Keeps those who come until it is opened.
    private actor Gate {
        private var isOpen = false
        private var waiting: [CheckedContinuation<Void, Never>] = []

        func wait() async {
            if isOpen { return }
            await withCheckedContinuation { waiting.append($0) }
        }

        func open() {
            isOpen = true
            for one in waiting { one.resume() }
            waiting = []
        }
    }

    @Test("Those without a token are held back, and those with one are not")
    func strangers() async throws {
        var limits = CollectorLimits()
        (limits.strangersBurst, limits.strangersPerSecond) = (3, 1)
        let bench = try CollectorBench(limits: limits)
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        for _ in 0..<3 { #expect(try await bench.send(bundle, token: "wrong").status == 401) }
        #expect(try await bench.send(bundle, token: "wrong").status == 429)
        #expect(try await bench.ask(.post, "/v1/enroll", body: Data("{}".utf8)).status == 429)
        #expect(try await bench.send(bundle, token: token).status == 201)
    }

    @Test("A full disk is the collector's matter")
    func disk() async throws {
        let bench = try CollectorBench()
        let token = try bench.enrol()
        let bundle = try await bench.bundle()
        bench.free.withLock { $0 = 5 }
        let answer = try await bench.send(bundle, token: token)
        #expect(answer.status == 503 && answer.headers[.retryAfter] != nil)
        bench.free.withLock { $0 = 1 << 40 }
        #expect(try await bench.send(bundle, token: token).status == 201)
    }

    @Test("Enrolment by HTTP, once")
    func enrolment() async throws {
        let bench = try CollectorBench()
        let token = try bench.ledger.invite("node7", at: bench.now)
        func enrol(_ request: Enrolment.Request) async throws -> CollectorBench.Answer {
            try await bench.ask(.post, "/v1/enroll", body: try JSONEncoder().encode(request))
        }
        let request = Enrolment.Request(token: token, machines: ["node7"])
        for machines in [[], [""], ["a\u{1B}"], [String(repeating: "a", count: 254)], Array(repeating: "a", count: 9)] {
            #expect(try await enrol(Enrolment.Request(token: token, machines: machines)).status == 400)
        }
        let answer = try await enrol(request)
        #expect(answer.status == 201)
        let given = try JSONDecoder().decode(Enrolment.Answer.self, from: answer.body)
        #expect(given.name == "node7")
        #expect(try await enrol(request).status == 403, "replayed")
        let other = Enrolment.Request(token: try bench.ledger.invite("node8", at: bench.now), machines: ["node7"])
        #expect(try await enrol(other).status == 409)
        #expect(try await bench.send(try await bench.bundle(), token: given.token).status == 201)
        #expect(try await bench.ask(.post, "/v1/enroll", body: Data("[".utf8)).status == 400)
        #expect(
            try await bench.ask(.post, "/v1/enroll", body: Data(repeating: 32, count: 20_000)).status == 413)
    }

    @Test("Other paths and methods are not there")
    func others() async throws {
        let bench = try CollectorBench()
        #expect(try await bench.ask(.get, "/v1/status").status == 200)
        #expect(try await bench.ask(.get, "/v1/bundles").status == 404)
        #expect(try await bench.ask(.get, "/../collector.sqlite").status == 404)
    }

    @Test(
        "The section `collect` and what is wrong with it",
        arguments: [
            ("{address: \"127.0.0.1:9\"}", true), ("{address: \"0.0.0.0:9\", certificate: /c, key: /k}", true),
            ("{address: \"0.0.0.0:9\", certificate: /c, key: /k, client_ca: /a, most_mib: 10}", true),
            ("{address: \"0.0.0.0:9\"}", false), ("{}", false), ("{address: nowhere}", false),
            ("{address: \"127.0.0.1:9\", certificate: /c}", false),
            ("{address: \"127.0.0.1:9\", client_ca: /a}", false),
            ("{address: \"127.0.0.1:9\", most_mib: 0}", false), ("{address: \"127.0.0.1:9\", port: 1}", false),
            ("{address: \"0.0.0.0:9\", certificate: c, key: /k}", false),
        ])
    func configuration(text: String, isRight: Bool) throws {
        var problems: [YAMLProblem] = []
        let sections = try ConfigurationFile.sections(text: "collect: \(text)", file: "f")
        _ = CollectorConfiguration.read(sections) { problems.append($0) }
        #expect(problems.isEmpty == isRight, "\(problems)")
    }
}
