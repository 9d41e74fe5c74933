import Foundation
import Glibc
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Fetching

/// The client against servers that say exactly what they are told to.
@Suite("HTTP") struct ClientTests {
    private let client = HTTPClient()

    private func fetch(_ url: String, upTo limit: Int = 1 << 20) async throws(HTTPFailure) -> (HTTPHead, [UInt8]) {
        let (head, body) = try await client.fetch(HTTPCall(.get, url), upTo: limit)
        return (head, body)
    }

    /// How a call fails, with what limit of time.
    private func failure(_ call: HTTPCall, upTo limit: Int = 1 << 20) async -> HTTPFailure? {
        do throws(HTTPFailure) {
            _ = try await client.fetch(call, upTo: limit)
            return nil
        } catch {
            return error
        }
    }

    private func failure(of steps: [Step], upTo limit: Int = 1 << 20) async throws -> HTTPFailure? {
        let server = try RawServer { _, _ in steps }
        return await failure(HTTPCall(.get, server.url), upTo: limit)
    }

    // MARK: Answers

    @Test func anAnswerHasItsHeadAndBody() async throws {
        let server = try RawServer { _, _ in
            [.send(RawServer.answer("hello", status: "418 I'm a teapot", headers: "X-One:  a b \r\nx-one: c\r\n"))]
        }
        let (head, body) = try await fetch(server.url + "/a/../b?c=%20d")
        #expect(head.status == 418)
        #expect(head.reason == "I'm a teapot")
        #expect(head.header("X-ONE") == "a b")
        #expect(String(decoding: body, as: UTF8.self) == "hello")
        let request = try #require(server.received.first)
        #expect(request.line == "GET /a/../b?c=%20d HTTP/1.1")
        #expect(request.has("Host: 127.0.0.1:\(server.port)"))
        #expect(!request.head.lowercased().contains("accept-encoding"))
        #expect(!request.head.lowercased().contains("authorization"))
    }

    @Test(arguments: [(404, "Not Found"), (299, "")])
    func aServerWithoutWordsHasThoseOfTheStandard(status: Int, reason: String) async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("", status: "\(status)"))] }
        #expect(try await fetch(server.url).0.reason == reason)
    }

    @Test func chunksAndTrailersAreRead() async throws {
        let server = try RawServer { _, _ in
            [
                .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), .wait(.milliseconds(20)),
                .send("lo\r\n1;x=y\r\n!\r\n0\r\nLate: yes\r\n\r\n"),
            ]
        }
        let (head, body) = try await fetch(server.url)
        #expect(String(decoding: body, as: UTF8.self) == "hello!")
        #expect(head.headers.map(\.name) == ["Transfer-Encoding"])
    }

    /// Whether or not it was asked for (RFC 9110, 15.2).
    @Test func interimAnswersAreNoAnswers() async throws {
        let server = try RawServer { _, _ in
            [
                .send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"),
                .send(RawServer.answer("yes", status: "201 Created")),
            ]
        }
        var call = HTTPCall(.post, server.url)
        call.body = .bytes(Array("body".utf8))
        let (head, body) = try await client.fetch(call, upTo: 10)
        #expect(head.status == 201)
        #expect(head.header("Link") == nil)
        #expect(body == Array("yes".utf8))
    }

    @Test func anAnswerWithoutALengthEndsWithItsConnection() async throws {
        let server = try RawServer { _, _ in [.send("HTTP/1.0 200 OK\r\n\r\nall of it"), .close] }
        #expect(try await fetch(server.url).1 == Array("all of it".utf8))
    }

    @Test func redirectsAreNotFollowed() async throws {
        let server = try RawServer { _, _ in
            [.send(RawServer.answer("", status: "302 Found", headers: "Location: /x\r\n"))]
        }
        let (head, _) = try await fetch(server.url)
        #expect(head.status == 302)
        #expect(head.header("location") == "/x")
        #expect(server.received.count == 1)
    }

    /// What is sent compressed stays so.
    @Test func nothingIsDecompressed() async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("raw", headers: "Content-Encoding: gzip\r\n"))] }
        #expect(try await fetch(server.url).1 == Array("raw".utf8))
    }

    @Test func connectionsAreKept() async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("x"))] }
        for _ in 0..<5 { _ = try await fetch(server.url) }
        #expect(server.received.count == 5)
        #expect(server.connections == 1)
    }

    @Test func manyCallsAtOnce() async throws {
        let server = try RawServer { request, _ in
            [.wait(.milliseconds(20)), .send(RawServer.answer(request.line))]
        }
        let bodies = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<64 {
                group.addTask { String(decoding: try await fetch("\(server.url)/\(number)").1, as: UTF8.self) }
            }
            var bodies: Set<String> = []
            for try await body in group { bodies.insert(body) }
            return bodies
        }
        #expect(bodies == Set((0..<64).map { "GET /\($0) HTTP/1.1" }))
    }

    @Test func noMoreConnectionsThanAreAllowed() async throws {
        let server = try RawServer { _, _ in [.wait(.milliseconds(5)), .send(RawServer.answer("x"))] }
        let client = HTTPClient(connectionsPerHost: 3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { _ = try await client.fetch(HTTPCall(.get, server.url), upTo: 10) }
            }
            try await group.waitForAll()
        }
        #expect(server.received.count == 20)
        #expect((1...3).contains(server.connections))
    }

    @Test func aUnixSocket() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let server = try RawServer(socket: path) { _, _ in [.send(RawServer.answer("local"))] }
        var call = HTTPCall(.get, "http://localhost/v1")
        call.socketPath = path
        #expect(try await client.fetch(call, upTo: 10).body == Array("local".utf8))
        #expect(server.received.first?.has("Host: localhost") == true)
        call.socketPath = directory.path + "/nothing"
        #expect(await failure(call) == .refused(errno: ENOENT))
        try directory.write("/file", "")
        call.socketPath = directory.path + "/file"
        #expect(await failure(call) == .refused(errno: ECONNREFUSED))
        call.socketPath = "/" + String(repeating: "x", count: 107)
        #expect(await failure(call) == .unusable("the socket's path is too long"))
    }

    // MARK: Credentials

    @Test func credentialsAreSentAsTheyAre() async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("x"))] }
        for authentication in [
            HTTPCall.Authentication.basic(user: "us:er", password: "p&ss wörd"), .bearer("to ken"),
        ] {
            var call = HTTPCall(.get, server.url)
            call.authentication = authentication
            _ = try await client.fetch(call, upTo: 10)
        }
        let basic = Data("us:er:p&ss wörd".utf8).base64EncodedString()
        #expect(server.received.first?.has("Authorization: Basic \(basic)") == true)
        #expect(server.received.last?.has("Authorization: Bearer to ken") == true)
        // Nothing of it stays behind for the next.
        _ = try await fetch(server.url)
        #expect(server.received.last?.head.contains("Authorization") == false)
    }

    // MARK: Bodies

    @Test func aBodyIsSentWithItsLength() async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("x"))] }
        let large = [UInt8](repeating: 7, count: 3 << 20)
        for (method, body) in [
            (HTTPCall.Method.post, HTTPCall.Body.bytes(large)), (.post, .bytes([])), (.post, .none),
            (.put, .bytes([1])),
            (.delete, .none), (.get, .none),
        ] {
            var call = HTTPCall(method, server.url)
            call.body = body
            _ = try await client.fetch(call, upTo: 10)
        }
        let received = server.received
        #expect(received.map { $0.line.split(separator: " ")[0] } == ["POST", "POST", "POST", "PUT", "DELETE", "GET"])
        #expect(received.map(\.body.count) == [3 << 20, 0, 0, 1, 0, 0])
        #expect(received[0].body == large)
        #expect(received.prefix(4).allSatisfy { $0.has("Content-Length: \($0.body.count)") })
        #expect(received.suffix(2).allSatisfy { !$0.head.lowercased().contains("content-length") })
        #expect(received.allSatisfy { !$0.head.lowercased().contains("expect") })
    }

    /// A reader may wait: nothing else waits with it.
    @Test func aBodyIsReadAsItIsSent() async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("x"))] }
        let left = Mutex(40)
        var call = HTTPCall(.post, server.url)
        call.headers = [(name: "Content-Type", value: "application/zstd")]
        call.body = .reader(length: nil) { most in
            usleep(1000)
            return left.withLock { left in
                guard left > 0 else { return [] }
                left -= 1
                return [UInt8](repeating: UInt8(left), count: min(most, 50_000))
            }
        }
        _ = try await client.fetch(call, upTo: 10)
        let request = try #require(server.received.first)
        #expect(request.has("Transfer-Encoding: chunked"))
        #expect(request.has("Content-Type: application/zstd"))
        #expect(request.body == (0..<40).reversed().flatMap { [UInt8](repeating: UInt8($0), count: 50_000) })
    }

    @Test func aReaderOfAKnownLength() async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("x"))] }
        let pieces = Mutex([[1, 2, 3], [4], []] as [[UInt8]])
        var call = HTTPCall(.put, server.url)
        call.body = .reader(length: 4) { _ in pieces.withLock { $0.removeFirst() } }
        _ = try await client.fetch(call, upTo: 10)
        #expect(server.received.first?.body == [1, 2, 3, 4])
        #expect(server.received.first?.has("Content-Length: 4") == true)
    }

    @Test func aReaderThatFailsEndsTheCall() async throws {
        struct Unreadable: Error, CustomStringConvertible { let description = "the disk is gone" }
        let server = try RawServer { _, _ in [.send(RawServer.answer("x"))] }
        var call = HTTPCall(.post, server.url)
        let isFirst = Mutex(true)
        call.body = .reader(length: nil) { _ in
            guard
                isFirst.withLock({ first in
                    defer { first = false }
                    return first
                })
            else { throw Unreadable() }
            return [1, 2, 3]
        }
        #expect(await failure(call) == .bodyUnreadable("the disk is gone"))
        #expect(server.received.isEmpty)
    }

    /// A refusal that comes before the body is all there is heard.
    @Test func anEarlyRefusalIsHeard() async throws {
        let server = try RawServer(answersHeads: true) { _, _ in
            [.send(RawServer.answer("too much", status: "413 Content Too Large"))]
        }
        var call = HTTPCall(.post, server.url)
        call.body = .reader(length: nil) { _ in
            usleep(2000)
            return [UInt8](repeating: 1, count: 10_000)
        }
        let (head, body) = try await client.fetch(call, upTo: 100)
        #expect(head.status == 413)
        #expect(body == Array("too much".utf8))
    }

    // MARK: Failures

    @Test func whatIsNotThere() async throws {
        var server: RawServer? = try RawServer { _, _ in [] }
        let url = try #require(server?.url)
        server = nil
        let deadline = ContinuousClock.now + .seconds(10)
        var found = await failure(HTTPCall(.get, url))
        // The server's port is closed by another thread.
        while found != .refused(errno: ECONNREFUSED), ContinuousClock.now < deadline {
            found = await failure(HTTPCall(.get, url))
        }
        #expect(found == .refused(errno: ECONNREFUSED))
        #expect(await failure(HTTPCall(.get, "http://nowhere.invalid/")) == .unresolved)
    }

    @Test(arguments: [
        "ftp://localhost/", "localhost", "http:///x", "http://user:secret@localhost/", "", "file:///etc/passwd",
    ])
    func anAddressThatIsNone(url: String) async {
        let failure = await failure(HTTPCall(.get, url))
        guard case .unusable(let text)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(!text.contains("secret"))
    }

    @Test func aHeaderOfTwoLinesIsRefused() async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("x"))] }
        for (name, value) in [("X", "a\r\nEvil: 1"), ("X\n", "a"), ("X: y", "a"), ("", "a"), ("X", "a\u{0}")] {
            var call = HTTPCall(.get, server.url)
            call.headers = [(name: name, value: value)]
            guard case .unusable? = await failure(call) else {
                Issue.record("\(name): \(value)")
                continue
            }
        }
        #expect(server.received.isEmpty)
    }

    @Test(arguments: [
        [Step.close], [.send("HTTP/1.1 200 OK\r\n"), .close],
        [.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), .close],
        [.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), .close],
    ])
    func aConnectionThatEndsInTheMiddle(steps: [Step]) async throws {
        #expect(try await failure(of: steps) == .closed)
    }

    @Test(arguments: [
        [Step.send("SSH-2.0-OpenSSH_9.2\r\n"), .close], [.send("\u{16}\u{3}\u{1}garbage\r\n\r\n"), .close],
        [.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), .wait(.seconds(5)), .close],
    ])
    func whatIsNoHTTP(steps: [Step]) async throws {
        #expect(try await failure(of: steps) == .notHTTP)
    }

    @Test func anAnswerOverTheLimit() async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"
        #expect(try await failure(of: [.send(head), .fill(1001)], upTo: 1000) == .tooLong)
        #expect(try await failure(of: [.send(head), .fill(1001)], upTo: 1001) == nil)
        #expect(try await failure(of: [.send("HTTP/1.1 200 OK\r\n\r\n"), .endless], upTo: 1 << 20) == .tooLong)
    }

    /// In one line, in many, and in trailers.
    @Test(arguments: [
        [Step.send("HTTP/1.1 200 OK\r\nX: "), .fill(1 << 20), .send("\r\n\r\n")],
        [.send("HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 50_000) + "\r\n")],
        [.send("HTTP/1.1 100 Continue\r\n" + String(repeating: "X: y\r\n", count: 50_000) + "\r\n")],
        [
            .send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
                    + String(repeating: "X: y\r\n", count: 50_000) + "\r\n")
        ],
    ])
    func aHeadWithoutEnd(steps: [Step]) async throws {
        #expect(try await failure(of: steps) == .tooLong)
    }

    /// A drip does not keep a call alive: the limit is for all of it.
    @Test func aSlowDripDoesNotOutlastTheLimit() async throws {
        let drip = (0..<1000).flatMap { _ in [Step.send("x"), .wait(.milliseconds(20))] }
        let server = try RawServer { _, _ in [.send("HTTP/1.1 200 OK\r\n\r\n")] + drip }
        var call = HTTPCall(.get, server.url)
        call.timeout = .milliseconds(300)
        let begin = ContinuousClock.now
        #expect(await failure(call) == .timedOut(isConnected: true))
        // libcurl counts whole milliseconds.
        #expect(ContinuousClock.now - begin >= .milliseconds(298))
        // The drip would go on for twenty.
        #expect(ContinuousClock.now - begin < .seconds(15))
    }

    @Test func aKeptConnectionThatWasClosedIsNoFailure() async throws {
        let server = try RawServer { _, _ in [.send(RawServer.answer("x")), .wait(.milliseconds(10)), .close] }
        for _ in 0..<3 {
            _ = try await fetch(server.url)
            while server.open > 0 { try await Task.sleep(for: .milliseconds(2)) }
        }
        #expect(server.received.count == 3)
    }

    /// The server may have done what it was asked for.
    @Test(arguments: [HTTPCall.Method.post, .delete], [true, false])
    func whatChangesSomethingIsNotSentTwice(method: HTTPCall.Method, hasBody: Bool) async throws {
        let server = try RawServer { _, number in number == 0 ? [.send(RawServer.answer("x"))] : [.close] }
        var call = HTTPCall(method, server.url)
        if hasBody { call.body = .bytes([1]) }
        _ = try await client.fetch(call, upTo: 10)
        #expect(await failure(call) == .closed)
        #expect(server.received.count == 2)
        // What is only read is asked for again.
        let reading = try RawServer { _, number in number == 1 ? [.close] : [.send(RawServer.answer("x"))] }
        for _ in 0..<2 { _ = try await fetch(reading.url) }
        #expect(reading.received.count == 3)
    }

    /// Whole, and as often as a kept connection is closed.
    @Test func whatMayBeSentAgainIs() async throws {
        let server = try RawServer { _, number in number == 1 ? [.close] : [.send(RawServer.answer("x"))] }
        var call = HTTPCall(.post, server.url)
        call.body = .bytes(Array(repeating: 7, count: 100_000))
        call.mayBeSentAgain = true
        for _ in 0..<2 { #expect(try await client.fetch(call, upTo: 10).body == Array("x".utf8)) }
        #expect(server.received.map(\.body.count) == [100_000, 100_000, 100_000])
        #expect(server.received.allSatisfy { $0.body.allSatisfy { $0 == 7 } })
        // What comes from a reader has gone.
        let other = try RawServer { _, number in number == 1 ? [.close] : [.send(RawServer.answer("x"))] }
        call.url = other.url
        _ = try await client.fetch(call, upTo: 10)
        let isRead = Mutex(false)
        call.body = .reader(length: nil) { _ in
            isRead.withLock { isRead in
                defer { isRead = true }
                return isRead ? [] : [1, 2, 3]
            }
        }
        #expect(await failure(call) == .closed)
    }

    // MARK: Streams

    @Test func piecesComeAsTheyAreSent() async throws {
        let server = try RawServer { request, _ in
            request.line.contains("/next")
                ? [.send(RawServer.answer("x"))]
                : [.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")]
        }
        // The answer never ends: what has come of it is there all the same.
        let answer = try await client.send(HTTPCall(.get, server.url))
        var pieces = answer.body.makeAsyncIterator()
        #expect(try await pieces.next() == Array("one".utf8))
        #expect(try await fetch(server.url + "/next").1 == Array("x".utf8))
    }

    /// Memory is bounded: whoever reads slowly makes the server wait.
    @Test func aSlowReaderMakesTheServerWait() async throws {
        let server = try RawServer { _, _ in [.send("HTTP/1.1 200 OK\r\n\r\n"), .endless] }
        let answer = try await client.send(HTTPCall(.get, server.url))
        var sent = -1
        // Until nothing more is taken for a while.
        while server.sent != sent {
            sent = server.sent
            try await Task.sleep(for: .milliseconds(300))
        }
        // What the kernel holds for both sides, and our own quarter of a mebibyte.
        #expect(sent < 64 << 20)
        var taken = 0
        var pieces = answer.body.makeAsyncIterator()
        while taken < sent + (8 << 20), let piece = try await pieces.next() {
            #expect(piece.count < 1 << 19)
            taken += piece.count
        }
        #expect(server.sent > sent)
    }

    @Test func lettingGoOfAnAnswerEndsIt() async throws {
        let server = try RawServer { _, _ in [.send("HTTP/1.1 200 OK\r\n\r\n"), .endless] }
        do {
            let answer = try await client.send(HTTPCall(.get, server.url))
            #expect(answer.status == 200)
            #expect(server.open == 1)
        }
        try await untilNoneIsOpen(server)
    }

    @Test(arguments: [[Step](), [.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")]])
    func aCancelledCallEndsAtOnce(steps: [Step]) async throws {
        let server = try RawServer { _, _ in steps }
        let task = Task { await failure(HTTPCall(.get, server.url)) }
        while server.received.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        let begin = ContinuousClock.now
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(ContinuousClock.now - begin < .seconds(20), "the call's own limit is a minute")
        try await untilNoneIsOpen(server)
    }

    @Test func oneThatIsCancelledBeforeItBegins() async throws {
        let server = try RawServer { _, _ in [] }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure(HTTPCall(.get, server.url))
        }
        #expect(await task.value == .cancelled)
    }

    @Test func aClosedClientEndsWhatIsUnderWay() async throws {
        let server = try RawServer { _, _ in [] }
        let client = HTTPClient()
        let task = Task { () -> HTTPFailure? in
            do throws(HTTPFailure) {
                _ = try await client.fetch(HTTPCall(.get, server.url), upTo: 1)
                return nil
            } catch { return error }
        }
        while server.received.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        client.close()
        #expect(await task.value == .cancelled)
        try await untilNoneIsOpen(server)
        await #expect(throws: HTTPFailure.cancelled) { try await client.send(HTTPCall(.get, server.url)) }
    }

    private func untilNoneIsOpen(_ server: RawServer) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while server.open > 0, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        #expect(server.open == 0)
    }

    // MARK: Addresses

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST", true), ("a.localhost", true), ("127.0.0.1", true), ("127.9.9.9", true),
        ("[::1]", true), ("::1", true), ("127.example.org", false), ("10.0.0.1", false), ("localhost.example", false),
        ("[::2]", false), ("[fe80::1]", false),
    ])
    func whatIsOnThisMachineNeedsNoProxy(host: String, isLocal: Bool) {
        #expect(Destination.isLoopback(host) == isLocal)
    }
}
