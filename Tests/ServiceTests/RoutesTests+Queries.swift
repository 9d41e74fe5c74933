import Core
import HTTPTypes
import Hummingbird
import NIOCore
import Recording
import Reporting
import Testing

@testable import API
@testable import Listening
@testable import Service

/// What may be in a query, and what is said of one that is wrong.
extension RoutesTests {
    @Test("A key that a route does not know is refused, on every route of the API")
    func unknownKeys() async throws {
        let routes = daemon.routes.router().routes.filter { "\($0.path)".hasPrefix("/v1/") }
        #expect(routes.count > 30)
        for route in routes {
            let path = "\(route.path)".replacing(/{\w+}/) { _ in "1" }
            try expectError(
                try await ask(route.method, "\(path)?taks=x"), .badRequest, .usage,
                contains: "`taks` of \(path)")
        }
        let table = try await ask(.get, "/v1/table?net=true&taks=x")
        for words in ["; did you mean `task`? (known: suite_run, stage, task, source, ", ", carbon_g_per_kwh)"] {
            try expectError(table, .badRequest, .usage, contains: words)
        }
        try expectError(try await ask(.get, "/v1/status?x"), .badRequest, .usage, contains: "(known: none)")
        #expect(try await ask(.head, "/v1/table?net=true").status == .ok)
        #expect(try await ask(.head, "/v1/table?nett=true").status == .badRequest)
        // Nor one that is there twice, of which the second would say nothing.
        try expectError(
            try await ask(.get, "/v1/table?task=a&task=b"), .badRequest, .usage,
            contains: "`task` is given more than once"
        )
        try expectError(
            try await ask(.get, "/v1/bundle?run=aaaa&run=bbbb"), .notFound, .unknownName, contains: "no suite run aaaa")
        // What is neither true nor false would be false, and a bundle would not be redacted.
        try expectError(try await ask(.get, "/v1/table?net=1"), .badRequest, .usage, contains: "not 1")
        try expectError(
            try await ask(.get, "/v1/bundle?run=last&redact=yes"), .badRequest, .usage, contains: "redact must be true")
    }

    @Test("All that the command line asks for is known")
    func knownKeys() async throws {
        var options = TableQueryTests.everything
        for carbon in [CarbonIntensity.of(zone: "FR"), CarbonIntensity(gramsPerKilowattHour: 5)] {
            options.carbon = carbon
            #expect(try await ask(.get, "/v1/table?\(PercentEncoding.query(TableQuery(options).pairs))").status == .ok)
        }
        #expect(try await ask(.get, "/v1/export/runs?\(PercentEncoding.query(options.filter.pairs))").status == .ok)
        #expect(try await ask(.get, "/v1/jobs?schedule=nightly").status == .ok)
    }

    @Test("A browser is told of what is wrong in a page, and a program in JSON")
    func errorPage() async throws {
        let path = "/v1/report?suite_run=%3Cb%3E"
        let browser: HTTPFields = [.accept: "application/xhtml+xml, text/html;q=0.9,*/*;q=0.8"]
        let page = try await ask(.get, path, headers: browser)
        #expect(page.status == .notFound)
        #expect(page.headers[.contentType] == "text/html; charset=utf-8")
        #expect(page.headers[.contentSecurityPolicy]?.hasPrefix("default-src 'self'; ") == true)
        let html = String(buffer: page.body)
        #expect(html.contains("there is nothing to report: no run fits; <code>taskwatt run</code> makes some"))
        #expect(html.contains("href=\"./../assets/page.css\"") && html.contains("href=\"./../\""))
        let wrong = String(buffer: try await ask(.get, "/v1/report?source=%3Cb%3E", headers: browser).body)
        #expect(wrong.contains("&lt;b&gt;"))
        let nowhere = String(buffer: try await ask(.get, "/nowhere", headers: browser).body)
        #expect(nowhere.contains("href=\"./assets/page.css\""))
        for accept in ["application/json", "*/*", "text/htmlx"] {
            try expectError(
                try await ask(.get, path, headers: [.accept: accept]), .notFound, .notFound,
                contains: "nothing to report"
            )
        }
    }

    @Test("So is who is refused, and asked for the token all the same")
    func refusalPage() async throws {
        let token = try AccessToken("0123456789abcdef", file: "f")
        let browser: HTTPFields = [.accept: "text/html"]
        for (access, status, words) in [
            (ListenerAccess.reading, HTTPResponse.Status.forbidden, "this listener is for reading"),
            (.token(token), .unauthorized, "this needs the access token"),
        ] {
            let page = try await ask(.get, "/v1/backup", access: access, headers: browser)
            #expect(page.status == status && page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(String(buffer: page.body).contains(words))
            let answer = try await ask(.get, "/v1/backup", access: access)
            try expectError(answer, status, .notAllowed, contains: words)
            #expect(answer.headers[.wwwAuthenticate] == (status == .unauthorized ? "Bearer" : nil))
        }
    }
}
