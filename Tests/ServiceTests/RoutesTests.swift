import Core
import Foundation
import HTTPTypes
import Hummingbird
import Metering
import NIOCore
import Recording
import Reporting
import Running
import Testing

@testable import API
@testable import Listening
@testable import Service

@Suite("The API")
struct RoutesTests {
    let daemon: TestDaemon

    init() throws { daemon = try TestDaemon() }

    /// One request to the router, without a socket.
    func ask(
        _ method: HTTPRequest.Method = .get, _ uri: String, access: ListenerAccess = .everything,
        headers: HTTPFields = [:], body: String? = nil
    ) async throws -> RouterAnswer {
        try await daemon.routes.router(access).execute(
            uri: uri, method: method, headers: headers, body: body.map(ByteBuffer.init(string:)))
    }

    private func decode<Value: Decodable>(_ response: RouterAnswer) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(response.body.readableBytesView))
    }

    /// What every answer that is no success looks like.
    func expectError(
        _ response: RouterAnswer, _ status: HTTPResponse.Status, _ kind: UserError.Kind, contains words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(response.status == status, sourceLocation: sourceLocation)
        #expect(response.headers[.contentType] == "application/json", sourceLocation: sourceLocation)
        let error: UserError = try decode(response)
        #expect(error.kind == kind, sourceLocation: sourceLocation)
        #expect("\(error)".contains(words), "\(error)", sourceLocation: sourceLocation)
        #expect(!"\(error)".contains("\n"), sourceLocation: sourceLocation)
    }

    private func job(suiteText: String, more: String = "") throws -> String {
        let text = String(decoding: try JSONEncoder().encode(suiteText), as: UTF8.self)
        return "{\"suite\":\"test\",\"suite_text\":\(text)\(more)}"
    }

    // MARK: Report

    @Test("A report of nothing, and a run that is not there, are not found")
    func nothingToReport() async throws {
        try expectError(try await ask(.get, "/v1/report"), .notFound, .notFound, contains: "nothing to report")
        try expectError(
            try await ask(.get, "/v1/report?suite_run=a%20b"), .notFound, .notFound, contains: "nothing to report")
        try expectError(try await ask(.get, "/v1/methods"), .notFound, .notFound, contains: "nothing to report")
        try expectError(try await ask(.get, "/v1/report?source=x"), .badRequest, .usage, contains: "unknown source `x`")
        try expectError(
            try await ask(.get, "/v1/runs/last"), .notFound, .notFound, contains: "no run in the record yet")
        let uuid = try daemon.store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [], version: "1", startedAt: 1))
        try expectError(
            try await ask(.get, "/v1/runs/99999999999999999999"), .notFound, .unknownName,
            contains: String(uuid.prefix(8))
        )
        let detail: RunDetail = try decode(try await ask(.get, "/v1/runs/\(uuid)?columns=-5"))
        #expect(detail.suite.uuid == uuid && detail.parts.isEmpty)
    }

    // MARK: State

    @Test("Status")
    func status() async throws {
        let response = try await ask(.get, "/v1/status")
        #expect(response.status == .ok)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
        #expect(object["version"] as? String == "1.0")
        #expect(object["power_w"] as? Double == 10)
        #expect(object["scope"] as? String == "components")
        #expect(object["state_directory"] as? String == "/state")
        #expect((object["jobs"] as? [Any])?.isEmpty == true)
    }

    @Test("Meters, with what they read now, or why they cannot be read")
    func meters() async throws {
        let meters: [MeterStatus] = try decode(try await ask(.get, "/v1/meters"))
        #expect(meters.map(\.meter.id) == ["fake/package-0", "fake/dram"])
        #expect(meters[0].isAvailable)
        #expect(abs((meters[0].power?.watts ?? 0) - 10) < 0.5)
        #expect((meters[0].energy?.joules ?? 0) > 0)
        #expect(!meters[1].isAvailable)
        #expect(meters[1].reason == "permission denied")
        #expect(meters[1].remedy == "run as root")
        #expect(meters[1].energy == nil)
    }

    @Test("Plugins")
    func plugins() async throws {
        let plugins: [PluginStatus] = try decode(try await ask(.get, "/v1/plugins"))
        #expect(plugins.map { $0.directory.hasSuffix("/plugins/sleeper") } == [true])
        #expect(plugins[0].problem == nil)
    }

    @Test("What is not there is said in JSON")
    func notFound() async throws {
        try expectError(try await ask(.get, "/v1/nothing"), .notFound, .notFound, contains: "/v1/nothing")
        try expectError(try await ask(.get, "/nothing"), .notFound, .notFound, contains: "Not Found")
        try expectError(try await ask(.get, "/nothing"), .notFound, .notFound, contains: "/v1/openapi.json")
        try expectError(try await ask(.get, "/v1/export/secrets"), .notFound, .unknownName, contains: "runs, samples,")
    }

    // MARK: Jobs

    @Test("A suite that comes with Taskwatt is queued by the name that is listed")
    func suiteByName() async throws {
        let listed: [SuiteListing] = try decode(try await ask(.get, "/v1/suites"))
        #expect(listed.map(\.name).contains("quick"))
        for one in listed {
            let request: JobRequest = try JSONDecoder().decode(
                JobRequest.self, from: Data("{\"suite\":\"\(one.name)\"}".utf8))
            #expect(request.suite == one.name && request.suiteText == one.text)
        }
        // What it runs is there, by another plugin here; it is as if the text had come with it.
        let overrides = #"{"tasks":["fill-mask"],"plugin":"sleeper","parameters":{}}"#
        let response = try await ask(
            .post, "/v1/jobs", body: "{\"suite\":\"quick\",\"overrides\":\(overrides)}")
        #expect(response.status == .created, "\(String(buffer: response.body))")
        let job: JobStatus = try decode(response)
        #expect(job.suite == "quick")
        #expect(await daemon.queue.jobs[job.id]?.request.suiteText.contains("name: quick") == true)
        #expect(try await ask(.delete, "/v1/jobs/\(job.id)").status == .ok)
        for (name, words) in [
            (
                "quik",
                "unknown suite `quik`; did you mean `quick`? (known: tiny, quick, standard, paper, control"
            ),
            ("quick.yaml", "`suite_text`"), ("./quick.yaml", "`suite_text`"), ("", "`suite_text`"),
        ] {
            try expectError(
                try await ask(.post, "/v1/jobs", body: "{\"suite\":\"\(name)\"}"), .badRequest, .usage, contains: words)
        }
    }

    @Test("A name that would write on a terminal or into a log is refused")
    func badName() async throws {
        for name in ["t\u{1b}[31mred", "two\nlines", "", String(repeating: "n", count: 300)] {
            var request = TestDaemon.request()
            request.suite = name
            let body = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
            try expectError(
                try await ask(.post, "/v1/jobs", body: body), .badRequest, .usage, contains: "the suite's name must be")
        }
        #expect(await daemon.queue.statuses.isEmpty)
    }

    @Test("A job from its submission to its row in the table")
    func wholeJob() async throws {
        let submitted = try await ask(.post, "/v1/jobs", body: job(suiteText: TestDaemon.suite(repeats: 2)))
        #expect(submitted.status == .created)
        let created: JobStatus = try decode(submitted)
        let stream = try await ask(.get, "/v1/jobs/\(created.id)/events")
        #expect(stream.headers[.contentType] == "application/x-ndjson")
        let lines = String(buffer: stream.body).split(separator: "\n")
        let events = try lines.map { try JSONDecoder().decode(RunEvent.self, from: Data($0.utf8)) }
        let last = try #require(events.last)
        #expect(last.event == .finished)
        #expect(last.status == .completed)
        let uuid = try #require(last.suiteRun)

        let status: JobStatus = try decode(try await ask(.get, "/v1/jobs/\(created.id)"))
        #expect(status.state == .completed)
        let all: [JobStatus] = try decode(try await ask(.get, "/v1/jobs"))
        #expect(all == [status])
        let suites: [SuiteRunSummary] = try decode(try await ask(.get, "/v1/suite-runs"))
        #expect(suites.map(\.uuid) == [uuid])

        let table: TableReport = try decode(try await ask(.get, "/v1/table?suite_run=\(uuid)"))
        let row = try #require(table.rows.first)
        #expect(row.n == 2)
        #expect(row.provenance == .simulated)
        // 10 W for 20 ms an inference, and what starting it takes.
        #expect(row.mean > 10 * 20 / 3.6e6 && row.mean < 10 * 60 / 3.6e6)
        let net: TableReport = try decode(try await ask(.get, "/v1/table?net=true"))
        #expect(net.isNet)
        #expect(net.leftOut == ["no idle baseline": 2])
        let other: TableReport = try decode(try await ask(.get, "/v1/table?task=summarization"))
        #expect(other.rows.isEmpty)
        let byModel: TableReport = try decode(try await ask(.get, "/v1/table?by=model&carbon_zone=DE"))
        #expect(byModel.by == [.model] && byModel.rows.first?.carbon != nil)
        try expectError(try await ask(.get, "/v1/table?by=planet"), .badRequest, .usage, contains: "machine")

        let sides = #"{"a":{"label":"x","filter":{"suite_run":"last"}},"b":{"label":"y","filter":{"suite_run":"NAME"}}"#
            .replacing("NAME", with: uuid)
        try expectError(
            try await ask(.post, "/v1/compare", body: sides + #","net":false,"mixed":false}"#), .badRequest, .usage,
            contains: "2 runs")
        try expectError(
            try await ask(.post, "/v1/compare", body: sides + #","net":true,"mixed":false}"#), .notFound, .notFound,
            contains: "no idle baseline")
        try expectError(
            try await ask(.post, "/v1/compare", body: "{}"), .badRequest, .usage, contains: "`a` is missing")

        let export = try await ask(.get, "/v1/export/runs?suite_run=\(uuid)")
        #expect(export.status == .ok)
        #expect(export.headers[.contentType] == "text/csv; charset=utf-8; header=present")
        #expect(String(buffer: export.body).split(separator: "\r\n").count == 5)
        let samples = try await ask(.get, "/v1/export/samples")
        #expect(String(buffer: samples.body).hasPrefix("run_id,meter,time,"))
        #expect(String(buffer: samples.body).contains("fake/package-0"))
        let none = try await ask(.get, "/v1/export/runs?suite_run=none")
        #expect(String(buffer: none.body).split(separator: "\r\n").count == 1)
    }

    @Test("Exports are filtered by the query, in every format")
    func exports() async throws {
        _ = try await ask(.post, "/v1/imports", body: Self.imports(source: "paper"))
        for (kind, lines) in [("runs", 2), ("codecarbon", 2), ("jsonl", 1)] {
            let all = String(buffer: try await ask(.get, "/v1/export/\(kind)?source=paper&model=a%2Fb").body)
            #expect(all.split(whereSeparator: \.isNewline).count == lines, "\(kind)")
            let none = String(buffer: try await ask(.get, "/v1/export/\(kind)?source=paper&since_unix_s=2000").body)
            #expect(none.split(whereSeparator: \.isNewline).count == lines - 1, "\(kind)")
        }
        try expectError(
            try await ask(.get, "/v1/export/runs?source=them"), .badRequest, .usage,
            contains: "taskwatt, paper, codecarbon")
        try expectError(
            try await ask(.get, "/v1/export/runs?since_unix_s=today"), .badRequest, .usage, contains: "since_unix_s")
    }

    @Test("What is imported goes into the daemon's record, once")
    func imports() async throws {
        let first = try await ask(.post, "/v1/imports", body: Self.imports(source: "codecarbon"))
        #expect(String(buffer: first.body) == #"{"added":1,"known":0}"#)
        let second = try await ask(.post, "/v1/imports", body: Self.imports(source: "codecarbon"))
        #expect(String(buffer: second.body) == #"{"added":0,"known":1}"#)
        try expectError(
            try await ask(.post, "/v1/imports", body: Self.imports(source: "taskwatt")), .badRequest, .usage,
            contains: "paper or codecarbon")
    }

    /// One file with one run of 1970.
    private static func imports(source: String) -> String {
        let total = """
            {"energy_j":7200,"uncertainty_j":0,"accuracy_standard_uncertainty_j":0,"scope":"components","coverage":1,\
            "provenance":"estimated","flags":[],"domain_ids":[]}
            """
        let run = """
            {"stage":"query","repeat":1,"status":"completed","started_at_unix_s":1000,"completed_inferences":1000,\
            "failed_inferences":0,"flags":[],"workload":{"task":"fill-mask","plugin":"codecarbon","model":"a/b","batch":1,\
            "parameters":{}},"energy":{"window":{"start_monotonic_s":0,"end_monotonic_s":10},"total":\(total),\
            "other_scopes":[],"domains":[],"interval_s":0}}
            """
        return """
            [{"source":"\(source)","file":"emissions.csv","sha256":"00","version":"1.0","suites":[{"uuid":"u","suite":"s",\
            "machine":"m","inventory":"{}","machine_state":"{}","started_at_unix_s":1000,"ended_at_unix_s":1010,\
            "runs":[\(run)]}]}]
            """
    }

    @Test("A body that is no JSON, or lacks something, is the client's mistake")
    func malformedBody() async throws {
        try expectError(try await ask(.post, "/v1/jobs", body: "{\"suite\": "), .badRequest, .usage, contains: "JSON")
        try expectError(try await ask(.post, "/v1/jobs", body: ""), .badRequest, .usage, contains: "body")
        try expectError(try await ask(.post, "/v1/jobs"), .badRequest, .usage, contains: "body")
        try expectError(
            try await ask(.post, "/v1/jobs", body: "{\"suite_text\":\"a\"}"), .badRequest, .usage,
            contains: "`suite` is missing")
        try expectError(
            try await ask(.post, "/v1/jobs", body: "{\"suite\":\"a\",\"suite_text\":7}"), .badRequest, .usage,
            contains: "suite_text")
        let huge = "\"" + String(repeating: "a", count: 5 << 20) + "\""
        try expectError(
            try await ask(.post, "/v1/jobs", body: huge), .contentTooLarge, .usage, contains: "/v1/jobs")
    }

    @Test(
        "What can be known to be wrong is said at once",
        arguments: [
            ("runs: [{task: fill-mask, cuont: 3}]", "", "cuont"), ("runs: [", "", "test"),
            ("runs: [{task: text-to-image}]", "", "text-to-image"),
            ("runs: [{task: fill-mask, plugin: sleper}]", "", "did you mean `sleeper`"),
            ("runs: [{task: fill-mask, model: gpt}]", "", "gpt"),
            ("runs: [{task: fill-mask, parameters: {nap: 1}}]", "", "nap"),
            ("runs: [{task: fill-mask}]", ",\"meters\":[\"nope\"]", "nope"),
            ("runs: [{task: fill-mask}]", ",\"meters\":[\"fake/dram\"]", "permission denied"),
            ("runs: [{task: fill-mask}]", ",\"scope\":\"wall\"", "wall"),
            ("runs: [{task: fill-mask}]", ",\"scope\":\"galaxy\"", "scope"),
            // One that got through would trap in the runner, and take the daemon with it.
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"tasks\":[],\"parameters\":{},\"repeats\":0}", "repeats"),
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"tasks\":[],\"parameters\":{},\"count\":-1}", "count"),
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"until_ci\":0}", "`until_ci` must be from 0.0001 to 1"),
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"max_repeats\":2}", "`max_repeats` must be from 3"),
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"repeats\":99999999999999999999}", "too large"),
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"idle_s\":-1}", "`idle_s` must be from 0 to 86400"),
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"count\":\"many\"}", "count"),
            ("runs: [{task: fill-mask}]", ",\"deadline_s\":0", "`deadline_s` must be from 1"),
            // A field that nobody reads would change nothing.
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"repeat\":3}", "did you mean `repeats`"),
            ("runs: [{task: fill-mask}]", ",\"overrides\":{\"mostRepeats\":3}", "did you mean `max_repeats`"),
            ("runs: [{task: fill-mask}]", ",\"dead_line_s\":3", "did you mean `deadline_s`"),
        ])
    func wrongJobs(suiteText: String, more: String, words: String) async throws {
        let response = try await ask(.post, "/v1/jobs", body: job(suiteText: suiteText, more: more))
        // A meter that may not be read is asked for rightly, and cannot be had.
        let isUnavailable = more.contains("fake/dram")
        #expect(response.status == (isUnavailable ? .serviceUnavailable : .badRequest))
        let error: UserError = try decode(response)
        #expect(error.kind == (isUnavailable ? .unavailable : .usage))
        #expect("\(error)".contains(words), "\(error)")
        #expect(await daemon.queue.statuses.isEmpty)
    }

    @Test("Unknown jobs, and ids that are none")
    func unknownJobs() async throws {
        try expectError(try await ask(.get, "/v1/jobs/7"), .notFound, .unknownName, contains: "no job 7")
        try expectError(try await ask(.delete, "/v1/jobs/7"), .notFound, .unknownName, contains: "no job 7")
        try expectError(try await ask(.get, "/v1/jobs/7/events"), .notFound, .unknownName, contains: "no job 7")
        try expectError(try await ask(.get, "/v1/jobs/x"), .badRequest, .usage, contains: "/v1/jobs/x")
    }

    @Test("A job that runs is cancelled")
    func cancel() async throws {
        let created: JobStatus = try decode(
            try await ask(.post, "/v1/jobs", body: job(suiteText: TestDaemon.suite(sleep: 15))))
        #expect(try await eventually { await daemon.queue.status(of: created.id)?.suiteRun != nil })
        #expect(try await ask(.delete, "/v1/jobs/\(created.id)").status == .ok)
        let stream = try await ask(.get, "/v1/jobs/\(created.id)/events")
        let last = try #require(String(buffer: stream.body).split(separator: "\n").last)
        let event = try JSONDecoder().decode(RunEvent.self, from: Data(last.utf8))
        #expect(event.event == .finished)
        #expect(event.status == .interrupted)
    }

    /// Over a real connection: what the router's test does not have.
    @Test("A client that goes away in the middle of the events is forgotten, and the job goes on")
    func clientGoes() async throws {
        let job = try await daemon.queue.submit(
            TestDaemon.request(suiteText: TestDaemon.suite(sleep: 0.5, count: 4)))
        let daemon = daemon
        try await serving(daemon.routes.router()) { port in
            try await withClient(at: port, asking: "/v1/jobs/\(job.id)/events") {
                let isFollowed = try await eventually { await daemon.queue.jobs[job.id]?.followers.count == 1 }
                #expect(isFollowed)
            }
            #expect(try await eventually { await daemon.queue.jobs[job.id]?.followers.count == 0 })
            #expect(await daemon.queue.status(of: job.id)?.state == .running)
        }
        #expect(try await eventually { await daemon.queue.status(of: job.id)?.state == .completed })
    }

    // MARK: Sessions

    private func session(_ interval: Double = 0.05) async throws -> SessionCreated {
        try decode(try await ask(.post, "/v1/sessions", body: "{\"interval_s\":\(interval),\"meters\":[]}"))
    }

    @Test("A session: windows are opened and closed, samples and power are read, then it ends")
    func sessions() async throws {
        let response = try await ask(.post, "/v1/sessions", body: "{\"interval_s\":0.05}")
        #expect(response.status == .created)
        let created: SessionCreated = try decode(response)
        #expect(created.meters.map(\.id) == ["fake/package-0"])
        let base = "/v1/sessions/\(created.id)"

        let open = try await ask(.post, "\(base)/windows")
        #expect(open.status == .created)
        let opened: WindowOpened = try decode(open)
        try await Task.sleep(for: .milliseconds(200))
        let energy: WindowEnergy = try decode(try await ask(.post, "\(base)/windows/\(opened.window)/close"))
        #expect(energy.window.durationSeconds > 0.19)
        let watts = try #require(energy.total.energy.over(energy.window.durationSeconds)).watts
        #expect(abs(watts - 10) < 0.1)
        #expect(energy.total.provenance == .simulated)
        #expect(energy.total.coverage == 1)

        var samples: [Sample] = []
        let areThere = try await eventually {
            let state: SessionState = try decode(try await ask(.get, base))
            #expect(abs((state.power?.watts ?? 0) - 10) < 0.5)
            samples += state.samples
            return samples.count >= 6
        }
        #expect(areThere)
        #expect(Set(samples.map { "\($0)" }).count == samples.count, "samples are handed out once")

        let closed = try await ask(.post, "\(base)/windows/\(opened.window)/close")
        try expectError(closed, .notFound, .notFound, contains: "window")
        try expectError(try await ask(.post, "\(base)/windows/99/close"), .notFound, .notFound, contains: "window")
        let second: WindowOpened = try decode(try await ask(.post, "\(base)/windows"))
        #expect(try await ask(.delete, "\(base)/windows/\(second.window)").status == .noContent)
        try expectError(
            try await ask(.post, "\(base)/windows/\(second.window)/close"), .notFound, .notFound, contains: "window")

        #expect(try await ask(.delete, base).status == .noContent)
        try expectError(try await ask(.get, base), .notFound, .notFound, contains: "no session")
        try expectError(try await ask(.delete, base), .notFound, .notFound, contains: "no session")
        try expectError(try await ask(.post, "\(base)/windows"), .notFound, .notFound, contains: "no session")
    }

    @Test(
        "A session that cannot be is the client's mistake",
        arguments: [
            ("{\"interval_s\":0}", "interval"), ("{\"interval_s\":61}", "interval"),
            ("{\"interval_s\":-1}", "interval"),
            ("{}", "interval_s"), ("{\"interval_s\":1,\"meters\":[\"nope\"]}", "nope"),
            ("{\"interval_s\":1,\"scope\":\"wall\"}", "wall"),
        ])
    func wrongSessions(body: String, words: String) async throws {
        try expectError(try await ask(.post, "/v1/sessions", body: body), .badRequest, .usage, contains: words)
    }

    @Test("Sixty-four clients measure at a time")
    func manySessions() async throws {
        var ids: [Int] = []
        for _ in 0..<64 { ids.append(try await session(1).id) }
        #expect(Set(ids).count == 64)
        try expectError(
            try await ask(.post, "/v1/sessions", body: "{\"interval_s\":1}"), .serviceUnavailable, .busy,
            contains: "64 clients")
        #expect(try await ask(.delete, "/v1/sessions/\(ids[0])").status == .noContent)
        ids[0] = try await session(1).id
        for id in ids { try await daemon.sessions.end(id) }
    }

    @Test("Who does not call loses the session, even if nobody else calls")
    func stale() async throws {
        let clock = StandingClock()
        let daemon = try TestDaemon(sessionClock: clock)
        let created = try await daemon.sessions.create(SessionRequest(interval: 0.05, scope: nil, meters: []))
        let running = Task { try await daemon.sessions.run() }
        for _ in 0..<3 {
            clock.forward(seconds: 119)
            _ = try await daemon.sessions.metering(created.id)
        }
        let metering = try await daemon.sessions.metering(created.id)
        clock.forward(seconds: 121)
        // Nobody calls; its sampler ends all the same: there are no more samples.
        let hasEnded = try await eventually {
            _ = await metering.takeSamples()
            try await Task.sleep(for: .milliseconds(300))
            return await metering.takeSamples().isEmpty
        }
        #expect(hasEnded)
        await #expect(throws: UserError.self) { try await daemon.sessions.metering(created.id) }
        running.cancel()
        try await running.value
    }
}
