import Accounting
import Core
import Fetching
import Foundation
import Metering
import NIOHTTP1
import TestSupport
import Testing

@testable import PolledMeters

/// How a device gets its password, against a server that wants Digest, in Python, and our own that wants Basic.
@Suite struct PasswordTests {
    private struct DigestServer {
        struct Request: Decodable {
            var path: String
            var scheme: String
            var letIn: Bool
        }

        private let python: PythonServer
        var url: String { "http://127.0.0.1:\(python.port)" }

        init(_ algorithm: String) throws {
            python = try PythonServer(
                URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/digest_server.py", [algorithm])
        }

        var log: [Request] {
            get async throws {
                let (_, body) = try await HTTPClient().fetch(HTTPCall(.get, "\(url)/log"), upTo: 1 << 20)
                return try JSONDecoder().decode([Request].self, from: Data(body))
            }
        }
    }

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        _ = try secret("p:ss wörd", in: directory, name: "right")
        _ = try secret("guess", in: directory, name: "wrong")
    }

    private func yaml(_ url: String, password: String = "right") -> String {
        "meters: [{name: m, type: json, url: \"\(url)/status?id=0\", pointer: /p, unit: W, period_s: 0.1, user: admin, "
            + "password_file: \(directory.path)/\(password)}]"
    }

    @Test(arguments: ["MD5", "SHA-256", "both"])
    func digestIsAnswered(algorithm: String) async throws {
        let server = try DigestServer(algorithm)
        let listing = try #require(try await discover(yaml(server.url)).first)
        #expect(listing.reason == nil)
        let reader = listing.open()
        for _ in 0..<3 { #expect(await next(reader) == .gauge(microwatts: 12_500_000)) }
        let log = try await server.log
        // The password never goes there in clear words.
        #expect(log.allSatisfy { $0.scheme == "" || $0.scheme == "Digest" })
        // Once for what it wants, once for its nonce; from then on a reading is one request.
        #expect(log.prefix(2).map(\.letIn) == [false, false])
        #expect(log.count >= 4 && log.dropFirst(2).allSatisfy(\.letIn))
    }

    /// A nonce that has served its time costs one request more, and no reading.
    @Test func aNonceEnds() async throws {
        let server = try DigestServer("SHA-256")
        let listing = try #require(try await discover(yaml(server.url)).first)
        let reader = listing.open()
        for _ in 0..<15 { #expect(await next(reader) == .gauge(microwatts: 12_500_000)) }
        let log = try await server.log
        #expect(log.count { !$0.letIn } < 6)
    }

    @Test func aWrongPasswordIsSaid() async throws {
        let server = try DigestServer("SHA-256")
        let listing = try #require(try await discover(yaml(server.url, password: "wrong")).first)
        #expect(listing.reason?.hasPrefix("401: ") == true)
        #expect(listing.reason?.contains("who are you") == true)
        #expect(listing.remedy == "check that `user` and `password_file` are correct")
        #expect(try await server.log.allSatisfy { $0.scheme != "Basic" && !$0.letIn })
    }

    /// Shelly's later generations take nothing else.
    @Test func aShellyWithAPassword() async throws {
        let server = try DigestServer("SHA-256")
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: shelly, address: \"\(server.url)\", user: admin, "
                    + "password_file: \(directory.path)/right}]"
            ).first)
        #expect(listing.reason == nil)
        #expect(await next(listing.open()) == .gauge(microwatts: 12_500_000))
    }

    /// Over http a device that asks for nothing is given nothing, and one that wants Basic is asked once without.
    @Test(arguments: [true, false])
    func basicCostsOneRequestAReading(saysSo: Bool) async throws {
        let right = "Basic " + Data("admin:p:ss wörd".utf8).base64EncodedString()
        let server = try TestServer { request in
            request.headers["Authorization"] == [right]
                ? .json(#"{"p":3}"#)
                : .json("{}", status: 401, headers: saysSo ? ["WWW-Authenticate": "Basic realm=x"] : [:])
        }
        let listing = try #require(try await discover(yaml(server.url)).first)
        #expect(listing.reason == nil)
        let reader = listing.open()
        for _ in 0..<3 { #expect(await next(reader) == .gauge(microwatts: 3_000_000)) }
        let sent = server.requests.map { $0.headers.first(name: "Authorization") }
        #expect(sent.first == .some(nil))
        #expect(sent.dropFirst().allSatisfy { $0 == right })
    }

    @Test func aDeviceThatAsksForNothingIsGivenNothing() async throws {
        let server = try TestServer { _ in .json(#"{"p":3}"#) }
        #expect(try await discover(yaml(server.url)).first?.reason == nil)
        #expect(server.requests.allSatisfy { !$0.headers.contains(name: "Authorization") })
    }
}
