import Core
import Foundation
import HTTPTypes
import Testing

@testable import Collecting

/// GET / of a collector, for people.
@Suite("The collector's page")
struct FleetPageTests {
    private static let password = "0123456789abcdef:with a colon"

    private func asking(_ bench: CollectorBench, _ password: String?, path: String = "/") async throws
        -> CollectorBench.Answer
    {
        var headers: HTTPFields = [:]
        if let password {
            headers[.authorization] = "Basic \(Data("anybody:\(password)".utf8).base64EncodedString())"
        }
        return try await bench.ask(.get, path, headers)
    }

    @Test("There is none unless it has a password, and nobody sees it without")
    func password() async throws {
        #expect(try await asking(try CollectorBench(), Self.password).status == 404)
        let bench = try CollectorBench(password: Self.password)
        let refused = try await asking(bench, nil)
        #expect(refused.status == 401 && refused.headers[.wwwAuthenticate]?.hasPrefix("Basic") == true)
        #expect(try await asking(bench, "0123456789abcdef").status == 401)
        // A machine's token sends bundles, and reads nothing.
        let token = try bench.enrol()
        #expect(try await bench.ask(.get, "/", [.authorization: "Bearer \(token)"]).status == 401)
        #expect(try await bench.ask(.get, "/", [.authorization: "Bearer \(Self.password)"]).status == 401)
        #expect(try await asking(bench, Self.password).status == 200)
    }

    @Test("Who tries passwords waits")
    func guessing() async throws {
        let bench = try CollectorBench(password: Self.password)
        var statuses: Set<Int> = []
        for _ in 0..<200 { statuses.insert(try await asking(bench, "wrong").status) }
        #expect(statuses == [401, 429])
    }

    @Test("It has the machines, and the table by class or by machine; nothing in it runs")
    func content() async throws {
        let bench = try CollectorBench(password: Self.password)
        #expect(
            String(decoding: try await asking(bench, Self.password).body, as: UTF8.self).contains("Nothing has come"))
        let token = try bench.enrol("lab7", machines: ["<script>7"])
        _ = try bench.enrol("lab8", machines: ["node8"])
        #expect(try await bench.send(try await bench.bundle(host: "<script>7"), token: token).status == 201)
        for view in ["machine", "class"] {
            let answer = try await asking(bench, Self.password, path: "/?by=\(view)")
            let html = String(decoding: answer.body, as: UTF8.self)
            #expect(
                answer.status == 200 && answer.headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
            #expect(!html.contains("<script") && html.contains("lab7") && html.contains("lab8"))
            // The machine's row in the one table, and the mean of what came in the other.
            #expect(html.components(separatedBy: "<table").count == 3)
            #expect(html.contains(view == "machine" ? "&lt;script&gt;7" : "Test #"))
        }
        #expect(try await asking(bench, Self.password, path: "/?by=moon").status == 400)
    }
}
