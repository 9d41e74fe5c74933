import HTTPTypes
import NIOCore
import Testing

@testable import Listening
@testable import Service

/// What pages of other sites may have a visitor's browser do.
@Suite("Browsers")
struct BrowserTests {
    private let daemon: TestDaemon

    init() throws { daemon = try TestDaemon() }

    private static let sides =
        #"{"a":{"label":"a","filter":{}},"b":{"label":"b","filter":{}},"net":false,"mixed":false}"#

    private func status(
        _ method: HTTPRequest.Method, _ path: String, _ headers: [String: String], access: ListenerAccess = .everything
    ) async throws -> HTTPResponse.Status {
        var fields: HTTPFields = [:]
        for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
        return try await daemon.routes.router(access).execute(
            uri: path, method: method, headers: fields,
            body: method == .post ? ByteBuffer(string: Self.sides) : nil
        ).status
    }

    @Test(
        "A request of another site is carried out nowhere",
        arguments: ["cross-site", "same-site", "Cross-Site", "something new"])
    func foreign(_ site: String) async throws {
        for (method, path) in [
            (HTTPRequest.Method.post, "/v1/jobs"), (.post, "/v1/compare"), (.post, "/v1/sessions"),
            (.post, "/v1/imports"), (.delete, "/v1/jobs/1"), (.delete, "/v1/imports/1"), (.post, "/v1/imports/bundle"),
        ] {
            for mode in ["no-cors", "navigate", "cors"] {
                let headers = ["Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode]
                #expect(try await status(method, path, headers) == .forbidden, "\(method) \(path) \(mode)")
            }
        }
        #expect(await daemon.queue.statuses.isEmpty)
    }

    @Test("Reading is for the daemon's own pages, and for links that somebody follows")
    func reading() async throws {
        for (site, mode, expected) in [
            ("none", "navigate", HTTPResponse.Status.ok), ("same-origin", "cors", .ok),
            ("same-site", "no-cors", .forbidden),
            ("same-site", "navigate", .ok),
            ("cross-site", "navigate", .ok), ("cross-site", "no-cors", .forbidden), ("cross-site", "cors", .forbidden),
            ("cross-site", "", .forbidden),
        ] {
            let headers = ["Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode]
            for path in ["/", "/v1/status", "/v1/access"] {
                #expect(try await status(.get, path, headers) == expected, "\(site) \(mode) \(path)")
            }
        }
    }

    @Test("A browser that says no more than the origin is asked for that")
    func origins() async throws {
        for (origin, isOwn) in [
            ("http://localhost", true), ("https://localhost", true), ("http://localhost:81", false),
            ("http://evil.example", false), ("null", false), ("http://localhost.evil.example", false),
        ] {
            let answer = try await status(.post, "/v1/compare", ["Origin": origin])
            #expect((answer != .forbidden) == isOwn, "\(origin)")
            #expect(try await status(.get, "/v1/status", ["Origin": origin]) == (isOwn ? .ok : .forbidden), "\(origin)")
        }
        // Whoever is no browser says nothing of it.
        #expect(try await status(.post, "/v1/compare", [:]) != .forbidden)
    }

    // MARK: Names

    @Test(
        "A listener answers to the machine's names and addresses, and to those that are configured",
        arguments: ["0.0.0.0:9120", "[::]:9120", "lab7.example.org:9120"])
    func names(_ address: String) throws {
        let names = HostNames(
            try ListenAddress(address), others: ["Watt.example.net"], machine: "lab7.example.org")
        for host in [
            "localhost", "LOCALHOST:9120", "127.0.0.1:9120", "127.9.9.9", "[::1]:1", "lab7", "lab7:80",
            "LAB7.example.org.",
            "lab7.local", "watt.example.net:443",
        ] {
            #expect(names.answers(to: host), "\(host)")
        }
        for host in [
            "evil.example", "evil.example:9120", "lab7.evil.example", "lab", "203.0.113.7", "[2001:db8::7]:9120",
            "0.0.0.0", "[::]", "", ":9120", "lab7.example.org.evil.example", "a:b:c", "127.0.0.1.evil.example",
        ] {
            #expect(!names.answers(to: host), "\(host)")
        }
    }

    @Test("On loopback no other name will do, but those that are configured")
    func loopback() throws {
        let names = HostNames(try ListenAddress("127.0.0.1:0"), others: ["proxy"], machine: "lab7")
        for host in ["localhost:1", "[::1]", "127.0.0.1", "proxy"] { #expect(names.answers(to: host), "\(host)") }
        for host in ["lab7", "lab7.local", "203.0.113.7"] { #expect(!names.answers(to: host), "\(host)") }
    }

    @Test("A name of somebody else is misdirected, whatever is asked for")
    func misdirected() async throws {
        let names = HostNames(try ListenAddress("127.0.0.1:0"), machine: nil)
        let router = daemon.routes.router(.reading, names: names)
        #expect(try await router.execute(uri: "/v1/status", method: .get).status == .ok)
        let others = HostNames(try ListenAddress("0.0.0.0:0"), machine: "elsewhere")
        #expect(others.answers(to: "localhost"))
    }

    @Test("`names` of the configuration: a list of names without ports")
    func configuration() throws {
        let text = "listen: {address: \"0.0.0.0:9120\", names: [watt.example.org, 10.0.0.7]}"
        let read = try ListenerConfiguration.parse(text: text, file: "f")
        #expect(read?.names == ["watt.example.org", "10.0.0.7"])
        for wrong in ["watt", "[\"a b\"]", "[\"http://a\"]", "[\"\"]", "{a: b}"] {
            #expect(throws: (any Error).self) {
                try ListenerConfiguration.parse(text: "listen: {address: \"0.0.0.0:1\", names: \(wrong)}", file: "f")
            }
        }
    }
}
