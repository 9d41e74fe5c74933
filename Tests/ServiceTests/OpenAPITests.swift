import Core
import Exchange
import Foundation
import HTTPTypes
import Hummingbird
import Metering
import NIOCore
import Recording
import Reporting
import Running
import TestSupport
import Testing

@testable import API
@testable import Service

/// The document of the API says what there is, all of it and no more.
@Suite("OpenAPI")
struct OpenAPITests {
    private static let variables = ProcessInfo.processInfo.environment
    /// The Python that has the validators; `.ci/test-environments` makes it.
    private static var python: String {
        let cache = variables["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        let environments = variables["TASKWATT_TEST_ENVIRONMENTS"] ?? cache + "/taskwatt-tests/environments"
        return environments + "/openapi/bin/python"
    }
    private static let validator = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("validate_api.py").path

    /// One request and what came of it, as the validator reads it.
    private struct Asked: Encodable {
        var method: String
        /// As in the document: `/v1/jobs/{id}`.
        var path: String
        var query: [String]
        var request: String
        var status: Int
        var type: String
        var answer: String
    }

    private let daemon: TestDaemon

    init() throws {
        daemon = try TestDaemon()
        daemon.meters.session.start()
    }

    @Test("Every route is in the document, and everything in the document is a route")
    func routes() throws {
        struct Document: Decodable { var paths: [String: [String: JSONValue]] }
        let document = try JSONDecoder().decode(Document.self, from: Data(PackageResources.openapi_json))
        let written = document.paths.flatMap { path, item in
            item.keys.filter { $0 != "parameters" }.map { "\($0.uppercased()) \(path)" }
        }
        let there = daemon.routes.router().routes.map { "\($0.method) \($0.path)" }
        #expect(Set(written) == Set(there), "\(Set(written).symmetricDifference(there).sorted())")
    }

    @Test("The figures, their looks and the exports are those that there are")
    func figures() throws {
        let document = try JSONDecoder().decode(JSONValue.self, from: Data(PackageResources.openapi_json))
        func words(_ value: JSONValue?) -> [String] {
            guard case .object(let members)? = value, case .array(let all)? = members["enum"] else { return [] }
            return all.compactMap(\.stringValue)
        }
        func member(_ value: JSONValue?, _ key: String) -> JSONValue? {
            guard case .object(let members)? = value else { return nil }
            return members[key]
        }
        func parameter(_ list: JSONValue?, _ name: String) -> JSONValue? {
            guard case .array(let all)? = list else { return nil }
            return all.first { member($0, "name")?.stringValue == name }.flatMap { member($0, "schema") }
        }
        let path = member(member(document, "paths"), "/v1/figure/{name}")
        #expect(words(parameter(member(path, "parameters"), "name")) == FigureKind.all.map(\.name))
        let theme = parameter(member(member(path, "get"), "parameters"), "theme")
        #expect(words(theme) == FigureTheme.allCases.map(\.rawValue))
        let export = member(member(document, "paths"), "/v1/export/{what}")
        #expect(words(parameter(member(export, "parameters"), "what")) == Export.Kind.allCases.map(\.rawValue))
    }

    @Test("The fields of a table's row mean what its columns do")
    func columns() throws {
        let document = try JSONDecoder().decode(JSONValue.self, from: Data(PackageResources.openapi_json))
        func described(_ schema: String, _ field: String) -> String? {
            document.at(["components", "schemas", schema, "properties", field, "description"])?.stringValue
        }
        for column in TableColumn.allCases {
            guard let path = column.path?.split(separator: ".").map(String.init), path.first != "setup" else {
                continue
            }
            let text = described(path.count > 1 ? "OperationCost" : "TableRow", path[path.count - 1])
            #expect(text?.lowercased() == column.meaning.lowercased(), "\(column.name)")
        }
    }

    @Test(
        "Every operation says how it may be refused: for whom it is not, what is too long, and when there is too much to do"
    )
    func refusals() throws {
        struct Operation: Decodable {
            var responses: [String: JSONValue]
            var requestBody: JSONValue?
        }
        struct Document: Decodable { var paths: [String: [String: JSONValue]] }
        let document = try JSONDecoder().decode(Document.self, from: Data(PackageResources.openapi_json))
        var busy: Set<String> = []
        var tagged: Set<String> = []
        for (path, item) in document.paths {
            for (method, value) in item where method != "parameters" {
                let operation = try JSONDecoder().decode(Operation.self, from: try JSONEncoder().encode(value))
                let name = "\(method) \(path)"
                #expect(operation.responses["403"] != nil && operation.responses["421"] != nil, "\(name)")
                #expect((operation.responses["413"] != nil) == (operation.requestBody != nil), "\(name)")
                #expect((operation.responses["429"] != nil) == (name == "post /v1/jobs"), "\(name)")
                if operation.responses["503"] != nil { busy.insert(name) }
                if operation.responses["304"] != nil { tagged.insert(name) }
            }
        }
        // What `HeavyAnswersTests` finds refused, and what follows, sends or measures.
        let heavy = [
            "report", "plane", "figure/{name}", "table", "methods", "runs", "runs/{id}", "suite-runs", "power",
            "export/{what}",
            "bundle",
            "imports",
            "backup", "events", "samples/live", "jobs/{id}/events",
        ].map { "get /v1/\($0)" }
        #expect(
            busy == Set(heavy + ["compare", "hold", "imports", "imports/bundle", "sessions"].map { "post /v1/\($0)" }))
        #expect(
            tagged
                == Set(
                    [
                        "report", "plane", "figure/{name}", "table", "methods", "runs", "runs/{id}", "suite-runs",
                        "imports",
                    ].map {
                        "get /v1/\($0)"
                    }
                ))
    }

    /// A run with all that a record can have.
    private var fullRun: RunRecord {
        var full = run(3600, dataset: "d", uncertainty: 3, accuracy: 2, idle: 5, idleUncertainty: 0.1, wall: (5000, 9))
        full.workload?.parameters = ["threads": .integer(2), "list": .array([.null])]
        full.workload?.operationsPerInference = 1e9
        full.workload?.seed = 7
        full.latency = LatencySummary(mean: 1, median: 1, p95: 2, minimum: 0.5, maximum: 3)
        full.metrics = ["output_tokens": 5]
        (full.otherCPUShare, full.stealShare) = (0.1, 0.01)
        full.flags = [.contended]
        full.procedure = Procedure()
        full.procedure?.latencySettled = true
        return full
    }

    @Test("Real answers to every operation are as the document says", .timeLimit(.minutes(10)))
    func answers() async throws {
        let store = daemon.store
        store.send(to: [.drop])
        for model in ["a", "b"] {
            let uuid = try store.beginSuiteRun(
                SuiteStart(
                    suite: model, suiteText: "runs: []", options: "{}", machineName: "host",
                    inventory: #"{"cpu":{"model":"c"}}"#, machineState: "{}", meters: [FakeMeters.meter.description],
                    version: "1.0", startedAt: 4000, preflight: "[]", label: "l"))
            for _ in 0..<3 { try store.record(fullRun, samples: [], suiteRun: uuid) }
            try store.endSuiteRun(uuid, status: .failed, error: "told", at: 5000)
        }
        let router = daemon.routes.router()
        var asked: [Asked] = []
        // Paths are written as in the document; `values` are for what is in braces.
        @discardableResult
        func ask(
            _ method: HTTPRequest.Method, _ path: String, _ values: [String: String] = [:], query: String = "",
            headers: HTTPFields = [:], body: ByteBuffer? = nil
        ) async throws -> RouterAnswer {
            let uri = values.reduce(path) { $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value) }
            let response = try await router.execute(
                uri: query.isEmpty ? uri : "\(uri)?\(query)", method: method, headers: headers, body: body)
            let type = response.headers[.contentType] ?? ""
            let isText = type.contains("json") || type.contains("svg") || type.hasPrefix("text/")
            asked.append(
                Asked(
                    method: method.rawValue, path: path,
                    query: query.split(separator: "&").map { String($0.prefix { $0 != "=" }) },
                    request: body.map { String(buffer: $0) } ?? "", status: response.status.code, type: type,
                    answer: isText ? String(buffer: response.body) : ""))
            return response
        }
        func decode<Value: Decodable>(_ response: RouterAnswer) throws -> Value {
            try JSONDecoder().decode(Value.self, from: Data(response.body.readableBytesView))
        }
        func json(_ value: some Encodable) throws -> ByteBuffer {
            ByteBuffer(bytes: try JSONEncoder().encode(value))
        }

        // A job, from its submission to its figures, and one that is cancelled.
        let job: JobStatus = try decode(
            try await ask(.post, "/v1/jobs", body: try json(TestDaemon.request())))
        let id = ["id": "\(job.id)"]
        try await ask(.get, "/v1/jobs/{id}/events", id)
        try await ask(.get, "/v1/jobs/{id}", id)
        let named = #"{"suite":"quick","overrides":{"tasks":["fill-mask"],"plugin":"sleeper","parameters":{}}}"#
        let quick: JobStatus = try decode(
            try await ask(.post, "/v1/jobs", body: ByteBuffer(string: named)))
        try await ask(.delete, "/v1/jobs/{id}", ["id": "\(quick.id)"])
        let long = TestDaemon.request(suiteText: TestDaemon.suite(sleep: 15))
        let second: JobStatus = try decode(try await ask(.post, "/v1/jobs", body: try json(long)))
        try await ask(.delete, "/v1/jobs/{id}", ["id": "\(second.id)"])
        try await ask(.get, "/v1/jobs")
        // A hold, of which the status and the events tell.
        let held = #"{"holder":"alice","reason":"fans","duration_s":60}"#
        let hold: HoldTaken = try decode(try await ask(.post, "/v1/hold", body: ByteBuffer(string: held)))
        try await ask(.get, "/v1/status")
        try await ask(.get, "/v1/events", query: "count=1")
        try await ask(.delete, "/v1/hold", query: "id=\(hold.hold.id)")
        try await daemon.figures.refresh()
        for path in [
            "/", "/metrics", "/v1/openapi.json", "/v1/access", "/v1/status", "/v1/machine", "/v1/meters",
            "/v1/plugins",
            "/v1/suites", "/v1/suite-runs",
        ] {
            try await ask(.get, path)
        }
        for file in ["page.css", "page.js", "icon.svg"] {
            try await ask(.get, "/assets/{file}", ["file": file])
        }
        try await ask(.get, "/v1/samples/live", query: "count=2")
        try await ask(.get, "/v1/events", query: "count=1")
        // A client's own windows.
        let session: SessionCreated = try decode(
            try await ask(.post, "/v1/sessions", body: ByteBuffer(string: #"{"interval_s":0.02}"#)))
        let windows = ["id": "\(session.id)", "window": "1"]
        try await ask(.post, "/v1/sessions/{id}/windows", windows)
        try await ask(.post, "/v1/sessions/{id}/windows/{window}/close", windows)
        try await ask(.delete, "/v1/sessions/{id}/windows/{window}", windows)
        try await ask(.get, "/v1/sessions/{id}", windows)
        try await ask(.delete, "/v1/sessions/{id}", windows)
        // What is still to be sent.
        try await ask(.get, "/v1/outbox")
        try await ask(.post, "/v1/outbox", query: "run=last")
        // What is in the record.
        let filter = "source=taskwatt&stage=query&machine=host&since_unix_s=1&until_unix_s=9999999999"
        let names =
            "suite_run=a&task=fill-mask&suite=a&plugin=p&model=m&dataset=d&device=cpu&size=full&label=l&precision=fp32&engine=e&parameters=%7B%22threads%22%3A%221%22%7D"
        for query in ["", "net=true&by=model,size&carbon_zone=DE", "carbon_g_per_kwh=50&\(filter)", names] {
            try await ask(.get, "/v1/table", query: query)
        }
        try await ask(.get, "/v1/report", query: filter)
        for figure in FigureKind.all {
            try await ask(.get, "/v1/figure/{name}", ["name": figure.name], query: "theme=grey&\(filter)")
        }
        try await ask(.get, "/v1/plane", headers: [.accept: "text/html"])
        try await ask(.get, "/v1/figure/{name}", ["name": "energy"], query: "format=csv&raw_cells=true")
        try await ask(.get, "/v1/figure/{name}", ["name": "energy"], query: "format=pdf")
        try await ask(.get, "/v1/methods")
        try await ask(.get, "/v1/runs", query: "limit=3&before=5&\(filter)")
        try await ask(.get, "/v1/runs", query: names)
        try await ask(.get, "/v1/runs/{id}", ["id": "1"], query: "columns=8")
        try await ask(.get, "/v1/runs/{id}", ["id": "last"])
        let sides = #"{"a":{"label":"a","filter":{"suite":"a"}},"b":{"label":"b","filter":{"suite":"b"}},"#
        try await ask(.post, "/v1/compare", body: ByteBuffer(string: sides + #""net":false,"mixed":true}"#))
        for kind in ["runs", "samples", "codecarbon", "jsonl"] {
            try await ask(.get, "/v1/export/{what}", ["what": kind], query: filter)
        }
        for (index, watts) in [5.0, 7, 6].enumerated() {
            let sample = Sample(
                meterID: "m", time: MonotonicTime(seconds: Double(index)), wallTime: 1_764_000_000 + Double(index),
                energy: nil, power: Power(watts: watts))
            try store.record([sample])
        }
        try await ask(.get, "/v1/power", query: "since=1764000000&until=1764000100&step=1")
        try await ask(.get, "/v1/power", query: "since=5&until=1")
        // Out and in.
        try await ask(.get, "/v1/backup")
        let bundle = try await ask(.get, "/v1/bundle", query: "run=last&redact=false")
        try await ask(.post, "/v1/imports/bundle", query: "name=x", body: bundle.body)
        let run = String(decoding: try JSONEncoder().encode(fullRun), as: UTF8.self)
        let batch = """
            [{"source": "codecarbon", "file": "f", "sha256": "00", "version": "1.0", "suites": [
              {"uuid": "u", "suite": "s", "machine": "m", "inventory": "{}", "machine_state": "{}",
               "started_at_unix_s": 1, "ended_at_unix_s": 2, "runs": [\(run)]}]}]
            """
        try await ask(.post, "/v1/imports", body: ByteBuffer(string: batch))
        let imports: [StoredImport] = try decode(try await ask(.get, "/v1/imports"))
        try await ask(.delete, "/v1/imports/{id}", ["id": "\(try #require(imports.first).id)"])
        // What is wrong.
        try await ask(.get, "/v1/jobs/{id}", ["id": "x"])
        try await ask(.get, "/v1/jobs/{id}", ["id": "99"])
        try await ask(.post, "/v1/jobs", body: ByteBuffer(string: "{}"))
        try await ask(.get, "/v1/table", query: "source=x")
        try await ask(.get, "/v1/report", query: "suite_run=none", headers: [.accept: "text/html"])
        try await ask(.get, "/v1/runs", query: "limit=0")
        try await ask(.get, "/assets/{file}", ["file": "passwd"])
        let encoder = JSONEncoder()
        let lines = try asked.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        let directory = try TemporaryDirectory(["/asked.jsonl": lines.joined(separator: "\n")])
        try directory.write("/openapi.json", Data(PackageResources.openapi_json))
        let outcome = try Command(
            [Self.python, Self.validator, "\(directory.path)/openapi.json", "\(directory.path)/asked.jsonl"])
        #expect(outcome.status == 0 && outcome.output == "\n", "\(outcome.output)")
    }
}
