import Core
import Foundation
import HTTPTypes
import Hummingbird
import Metering
import NIOCore
import Recording
import Running
import Testing

@testable import API
@testable import Listening
@testable import Service

/// What those see who look on, and that they hold nobody.
@Suite("Looking on")
struct WatchingTests {
    private let daemon: TestDaemon

    init() throws { daemon = try TestDaemon() }

    private func ask(
        _ method: HTTPRequest.Method = .get, _ uri: String, access: ListenerAccess = .everything, token: String? = nil
    ) async throws -> RouterAnswer {
        let headers: HTTPFields = token.map { [.authorization: "Bearer \($0)"] } ?? [:]
        return try await daemon.routes.router(access).execute(uri: uri, method: method, headers: headers)
    }

    private func events<Value: Decodable>(_ response: RouterAnswer) throws -> [Value] {
        #expect(response.headers[.contentType] == "text/event-stream")
        return try String(buffer: response.body).split(separator: "\n").filter { $0.hasPrefix("data: ") }.map {
            try JSONDecoder().decode(Value.self, from: Data($0.dropFirst(6).utf8))
        }
    }

    @Test("Live power is that of the sampler's meters, with where it comes from")
    func livePower() async throws {
        daemon.meters.session.start()
        defer { daemon.meters.session.stop() }
        #expect(try await eventually { daemon.meters.power.power != nil })
        let all: [LivePower] = try events(try await ask(.get, "/v1/samples/live?count=2"))
        #expect(all.count == 2)
        #expect(all[1].time - all[0].time > 0.9)
        #expect(all[1].meters.map(\.meter) == ["fake/package-0"])
        #expect(all[1].meters[0].provenance == .simulated && all[1].provenance == .simulated)
        #expect(abs((all[1].meters[0].power?.watts ?? 0) - 10) < 0.5)
        #expect(abs((all[1].power?.watts ?? 0) - 10) < 0.5)
    }

    @Test("News begin with all jobs as they are, and tell of each from its queueing to its end")
    func news() async throws {
        let first = try await daemon.queue.submit(TestDaemon.request("before"))
        #expect(try await eventually { await daemon.queue.status(of: first.id)?.state == .completed })
        var told: [JobNews] = []
        let news = await daemon.queue.news()
        let second = try await daemon.queue.submit(TestDaemon.request("after"))
        for await one in news {
            told.append(one)
            if one.event?.event == .finished { break }
        }
        #expect(told[0].event == nil && told[0].jobs.map(\.id) == [first.id])
        #expect(told.dropFirst().allSatisfy { $0.jobs.map(\.id) == [second.id] })
        let kinds = told.dropFirst().compactMap { $0.event?.event }
        #expect(kinds.first == .queued && kinds.contains(.started) && kinds.contains(.result))
        #expect(told.last?.jobs.first?.state == .completed)
    }

    @Test("The news end when the queue stops, and whoever comes then is told what is so")
    func newsEnd() async throws {
        let news = await daemon.queue.news()
        await daemon.stop()
        var count = 0
        for await _ in news { count += 1 }
        for await _ in await daemon.queue.news() { count += 1 }
        #expect(count == 2)
    }

    @Test("Who does not take the news is let go")
    func slowFollower() async throws {
        var followers = Multicast<JobNews>(backlog: 1000, lagging: .isLetGo)
        let slow = followers.add([JobNews(jobs: [])]) { _ in }
        for _ in 0..<5000 { followers.tell(JobNews(jobs: [], event: RunEvent(.progress))) }
        var count = 0
        for await _ in slow { count += 1 }
        #expect(count == 1000)
    }

    @Test("Who follows one job and does not listen loses progress first, then what is oldest, and never the end")
    func slowFollowerOfAJob() async throws {
        var followers = Multicast<Int>(backlog: 100, lagging: .losesOldest { $0 < 0 })
        let slow = followers.add([]) { _ in }
        for number in 1...150 {
            followers.tell(number)
            followers.tell(-number)
        }
        followers.finish()
        var told: [Int] = []
        for await number in slow { told.append(number) }
        #expect(told.count == 100)
        #expect(told.last == 150)
        #expect(told.allSatisfy { $0 > 0 })
        let late = followers.add([1]) { _ in }
        for await number in late { told.append(number) }
        #expect(told.count == 101)
    }

    @Test("More than sixty-four do not follow at a time, and a place is given back")
    func places() async throws {
        let followers = Places(64, "follow")
        var places = try (0..<64).map { _ in try followers.place() }
        #expect(throws: Refusal.self) { try followers.place() }
        places.removeLast()
        _ = try followers.place()
    }

    @Test("Runs come the latest first, filtered as in the table, a page at a time")
    func runs() async throws {
        for name in ["a", "b"] {
            let job = try await daemon.queue.submit(
                TestDaemon.request(name, suiteText: TestDaemon.suite(name, repeats: 2)))
            #expect(try await eventually { await daemon.queue.status(of: job.id)?.state == .completed })
        }
        func list(_ query: String) async throws -> [RunListing] {
            let response = try await ask(.get, "/v1/runs?\(query)")
            return try JSONDecoder().decode([RunListing].self, from: Data(response.body.readableBytesView))
        }
        let all = try await list("stage=query")
        #expect(all.map(\.suite) == ["b", "b", "a", "a"])
        #expect(all.map(\.repeatIndex) == [2, 1, 2, 1])
        #expect(all.map(\.id) == all.map(\.id).sorted(by: >))
        #expect(try await list("stage=query&limit=1").map(\.id) == [all[0].id])
        #expect(try await list("stage=query&before=\(all[1].id)").map(\.suite) == ["a", "a"])
        #expect(try await list("stage=query&suite=a").count == 2)
        // 10 W for the time of two inferences.
        let run = all[0]
        let expected = 10 * run.duration / 3.6e6 * 1000 / 2
        #expect(abs((run.kilowattHours ?? 0) / expected - 1) < 0.2, "\(run.kilowattHours ?? 0), not \(expected)")
        #expect(try await ask(.get, "/v1/runs?limit=1001").status == .badRequest)
        #expect(try await ask(.get, "/v1/runs?before=x").status == .badRequest)
    }

    @Test("The page allows itself what it brings, and nothing else")
    func page() async throws {
        let page = try await ask(.get, "/")
        #expect(page.status == .ok)
        #expect(page.headers[.contentSecurityPolicy]?.hasPrefix("default-src 'self'; ") == true)
        let html = String(buffer: page.body)
        #expect(!html.contains("style=") && !html.contains("<style") && !html.contains("://"))
        #expect(try #/\son[a-z]+=/#.firstMatch(in: html) == nil)
        // All that it names is there.
        for match in html.matches(of: #/(?:src|href)="(assets\/[^"]+)"/#) where !match.1.contains("dygraph") {
            #expect(try await ask(.get, "/\(match.1)").status == .ok, "\(match.1)")
        }
    }

    @Test("Who may only read takes nobody's samples away")
    func readingTakesNothing() async throws {
        let session = try await daemon.sessions.create(SessionRequest(interval: 0.05, scope: nil, meters: []))
        let path = "/v1/sessions/\(session.id)"
        for method in [HTTPRequest.Method.get, .head, .delete] {
            #expect(try await ask(method, path, access: .reading).status == .forbidden, "\(method)")
        }
        #expect(try await ask(.get, "/v1/backup", access: .reading).status == .forbidden)
        #expect(try await ask(.get, path).status == .ok)
        try await daemon.sessions.end(session.id)
    }

    @Test("A shorter token is none, and one is compared whole")
    func tokens() throws {
        #expect(throws: UserError.self) { try AccessToken("short", file: "f") }
        let token = try AccessToken("0123456789abcdef", file: "f")
        #expect(token.matches("Bearer 0123456789abcdef") && token.matches("bearer 0123456789abcdef"))
        for header in ["", "Bearer", "Bearer 0123456789abcde", "Bearer 0123456789abcdef ", "0123456789abcdef"] {
            #expect(!token.matches(header), "\(header)")
        }
    }

    @Test(
        "Addresses",
        arguments: [
            ("127.0.0.1:9120", "127.0.0.1", 9120, true), ("[::1]:80", "::1", 80, true), ("lab7:0", "lab7", 0, false),
            ("localhost:65535", "localhost", 65535, true), ("[::]:1", "::", 1, false),
            ("0.0.0.0:1", "0.0.0.0", 1, false),
        ])
    func addresses(_ text: String, _ host: String, _ port: Int, _ isLoopback: Bool) throws {
        let address = try ListenAddress(text)
        #expect(address.host == host && address.port == port && address.isLoopback == isLoopback)
        #expect(address.description == text)
    }

    @Test(
        "What is not an address",
        arguments: ["", "9120", ":9120", "a:", "a:65536", "::1:80", "a b:1", "http://a:1", "a:1/"])
    func noAddress(_ text: String) { #expect(throws: UserError.self) { try ListenAddress(text) } }
}
