import Core
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Metering
import NIOCore
import Recording
import TestSupport
import Testing

@testable import API
@testable import Accounting
@testable import Service

/// A document of JSON Schema, of which examples are made.
private struct Schemas {
    let document: JSONValue

    /// Follows `$ref`.
    func resolved(_ schema: JSONValue) -> JSONValue {
        guard let reference = schema["$ref"]?.stringValue else { return schema }
        return resolved(
            reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] ?? .null })
    }

    /// A value that has everything that the schema names. What a schema does not say of a text is said by `texts`, by its key.
    ///
    /// - Parameter numbers: which end of a range they are; `nil` for one, or what is nearest to it.
    func example(
        _ schema: JSONValue, _ key: String = "", numbers: String? = nil, texts: [String: JSONValue]
    ) -> JSONValue {
        let schema = resolved(schema)
        if let text = texts[key] { return text }
        if let first = schema["enum"]?.elements.first { return first }
        if let first = (schema["anyOf"] ?? schema["oneOf"])?.elements.first {
            return example(first, key, numbers: numbers, texts: texts)
        }
        switch schema["type"]?.stringValue ?? schema["type"]?.elements.first?.stringValue {
        case "object":
            var members = (schema["properties"]?.members ?? [:]).reduce(into: [String: JSONValue]()) {
                $0[$1.key] = example($1.value, $1.key, numbers: numbers, texts: texts)
            }
            if let more = schema["additionalProperties"], case .object = more {
                members["x"] = example(more, key, numbers: numbers, texts: texts)
            }
            return .object(members)
        case "array": return .array(schema["items"].map { [example($0, key, numbers: numbers, texts: texts)] } ?? [])
        case "number", "integer":
            let (least, most) = (schema["minimum"]?.number ?? 1, schema["maximum"]?.number ?? 1)
            let end = numbers.flatMap { schema[$0]?.number } ?? min(max(1, least), most)
            let number = schema["type"]?.stringValue == "integer" ? end.rounded(end < 0 ? .up : .down) : end
            return Int64(exactly: number).map(JSONValue.integer) ?? .number(number)
        case "boolean": return .bool(false)
        case "string": return .string("x")
        default: return .integer(1)
        }
    }

    /// The numbers of a schema with their keys: those of a list or of free names have that of the whole.
    func ranges(_ schema: JSONValue, _ key: String = "", seen: Set<String> = []) -> [(key: String, schema: JSONValue)] {
        var seen = seen
        if let reference = schema["$ref"]?.stringValue, !seen.insert(reference).inserted { return [] }
        let schema = resolved(schema)
        let types =
            [schema["type"]?.stringValue].compactMap(\.self)
            + (schema["type"]?.elements ?? []).compactMap(\.stringValue)
        if types.contains("number") || types.contains("integer") { return [(key, schema)] }
        let parts =
            (schema["properties"]?.members ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            + [schema["items"], schema["additionalProperties"]].compactMap { $0.map { (key, $0) } }
        return parts.flatMap { ranges($0.1, $0.0, seen: seen) }
    }
}

extension JSONValue {
    fileprivate subscript(_ key: String) -> JSONValue? { members[key] }
    fileprivate var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
    fileprivate var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    fileprivate var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}

/// Values that nothing real has, in every field that the API's document names, whichever those are: the daemon answers that they
/// cannot be, or takes them, and goes on.
@Suite("Extremes")
struct ExtremesTests {
    /// In an address.
    private static let queries = [
        "-1", "0", "9223372036854775807", "18446744073709551616", "1e300", "-1e300", "1e-315", "NaN", "", "%00",
        "%7B%22a%22%3A1e300%7D",
    ]

    private let daemon: TestDaemon
    private let router: Router<BasicRequestContext>
    private let schemas: Schemas

    init() throws {
        daemon = try TestDaemon()
        daemon.meters.session.start()
        router = daemon.routes.router()
        schemas = Schemas(
            document: try JSONDecoder().decode(JSONValue.self, from: Data(PackageResources.openapi_json)))
    }

    /// Every operation of the document.
    private var operations: [(method: HTTPRequest.Method, path: String, operation: JSONValue)] {
        (schemas.document["paths"]?.members ?? [:]).sorted { $0.key < $1.key }.flatMap { path, item in
            item.members.filter { $0.key != "parameters" }.sorted { $0.key < $1.key }.compactMap { name, operation in
                HTTPRequest.Method(rawValue: name.uppercased()).map { ($0, path, operation) }
            }
        }
    }

    private static func isStream(_ operation: JSONValue) -> Bool {
        operation["responses"]?["200"]?["content"]?["text/event-stream"] != nil
    }

    @discardableResult
    private func ask(
        _ method: HTTPRequest.Method, _ uri: String, body: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> RouterAnswer {
        let answer = try await router.execute(uri: uri, method: method, body: body.map(ByteBuffer.init(string:)))
        #expect(
            (200..<500).contains(answer.status.code),
            "\(method) \(uri.prefix(200)) \(body?.prefix(3000) ?? ""): \(answer.status) \(String(buffer: answer.body).prefix(300))",
            sourceLocation: sourceLocation)
        return answer
    }

    /// Every answer that has no body of its own, of the record as it is now.
    private func askForAll() async throws {
        for (method, path, operation) in operations
        where method == .get && !path.contains("{") && !Self.isStream(operation) && path != "/v1/backup" {
            try await ask(method, path)
        }
        for path in [
            "/v1/export/runs", "/v1/export/samples", "/v1/export/codecarbon", "/v1/export/jsonl", "/v1/runs/last",
        ] {
            try await ask(.get, path)
        }
    }

    @Test("In every parameter of an address", .timeLimit(.minutes(5)))
    func addresses() async throws {
        let uuid = try daemon.store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [], version: "1", startedAt: 1))
        try daemon.store.record(run(), samples: [], suiteRun: uuid)
        var asked = 0
        for (method, path, operation) in operations where operation["requestBody"] == nil && path != "/v1/backup" {
            // A bundle starts programs.
            for value in Self.queries.prefix(path == "/v1/bundle" ? 2 : Self.queries.count) {
                if path.contains("{") {
                    asked += 1
                    try await ask(method, path.replacing(/\{\w+\}/, with: value.isEmpty ? "%20" : value))
                }
                // A stream of so many would go on for as long.
                if Self.isStream(operation), Int(value).map({ $0 > 0 }) ?? value.isEmpty { continue }
                let base = path.replacing("{what}", with: "runs").replacing(/\{\w+\}/, with: "1")
                for parameter in (operation["parameters"]?.elements ?? []).map(schemas.resolved)
                where parameter["in"]?.stringValue == "query" {
                    asked += 1
                    try await ask(method, "\(base)?\(parameter["name"]?.stringValue ?? "")=\(value)")
                }
            }
        }
        #expect(asked > 400)
        try await askForAll()
    }

    /// What a schema does not say of a text that means something.
    private static let meaning: [String: JSONValue] = [
        "uuid": .string("@uuid@"), "source": .string("codecarbon"), "inventory": .string("{}"),
        "machine_state": .string("{}"), "reconciliations": .array([]), "flags": .array([]),
        "repeats_end": .string("count"), "reason": .string("10 s"), "preflight": .string("[]"),
        "suite": .string("quick"), "tasks": .array([.string("fill-mask")]), "plugin": .string("sleeper"),
        "model": .string("nap"), "device": .string("cpu"), "meters": .array([]), "parameters": .object([:]),
        "schedule": .string("nightly"),
    ]

    @Test("In every field of a request's body", .timeLimit(.minutes(5)))
    func bodies() async throws {
        // What is submitted waits behind it.
        let first = try await daemon.queue.submit(TestDaemon.request(suiteText: TestDaemon.suite(sleep: 200)))
        var accepted: [String: Int] = [:]
        var asked = 0
        for (method, path, operation) in operations {
            guard let schema = operation["requestBody"]?["content"]?["application/json"]?["schema"] else { continue }
            var texts = Self.meaning
            // A suite's own text is YAML: `SuiteExtremesTests` has it.
            if path == "/v1/jobs" { texts["suite_text"] = .string(TestDaemon.suite()) }
            // One that is there is renewed by its id.
            if path == "/v1/hold" { texts["id"] = .null }
            if path == "/v1/compare" { texts["source"] = .string("taskwatt") }
            // What the meter here has; in a record it may be any.
            if path != "/v1/imports" { texts["scope"] = .string("components") }
            let example = schemas.example(schema, texts: texts)
            func send(_ body: String) async throws -> RouterAnswer {
                asked += 1
                let body = body.replacing("@uuid@", with: UUID().uuidString.lowercased())
                let answer = try await ask(method, path, body: body)
                if answer.status.kind == .successful { accepted[path, default: 0] += 1 }
                // What was begun is ended again.
                struct Begun: Decodable { var id: Int }
                if answer.status == .created {
                    let begun = try JSONDecoder().decode(Begun.self, from: Data(answer.body.readableBytesView))
                    if begun.id != first.id { try await ask(.delete, "\(path)/\(begun.id)") }
                }
                return answer
            }
            let answer = try await send(example.text())
            // Nothing fits the texts of an example that compares; all the others are taken as they are.
            #expect(
                answer.status.kind == .successful || path == "/v1/compare",
                "\(path): \(String(buffer: answer.body)) \(example.text())")
            for place in example.leaves {
                let isText = if case .string? = example.at(place) { true } else { false }
                for extreme in isText ? Extremes.texts : Extremes.numbers {
                    _ = try await send(example.text(place[...], extreme))
                }
            }
        }
        // All of a body's numbers at one end of their ranges, and at the other: sums and products of what can be.
        for (method, path, operation) in operations where path == "/v1/imports" {
            guard let schema = operation["requestBody"]?["content"]?["application/json"]?["schema"] else { continue }
            for end in ["minimum", "maximum"] {
                for _ in 0..<3 {
                    let body = schemas.example(schema, numbers: end, texts: Self.meaning).text()
                    let answer = try await ask(
                        method, path, body: body.replacing("@uuid@", with: UUID().uuidString.lowercased()))
                    #expect(answer.status == .ok, "\(end): \(String(buffer: answer.body))")
                }
            }
        }
        #expect(asked > 1000 && accepted["/v1/imports", default: 0] > 100, "\(asked), \(accepted)")
        // What was taken can be, and all of it can be shown.
        let runs = try daemon.store.runs(limit: 10_000) { Issue.record("taken in: \($0)") }
        #expect(runs.count > 100)
        try await daemon.figures.refresh()
        try await askForAll()
        for stored in runs.prefix(20) { try await ask(.get, "/v1/runs/\(stored.id)") }
        _ = await daemon.queue.cancel(first.id)
    }

    /// By turns what no meter says: the power between two of them fits into nothing.
    private final class Turning: MeterReader {
        private var values: [Reading]

        init(_ values: [Reading]) { self.values = values }

        func read() -> Reading {
            let first = values.removeFirst()
            values.append(first)
            return first
        }
    }

    @Test("A meter that says the least and the greatest number by turns")
    func meters() async {
        for values in [
            [Reading.counter(microjoules: .min), .counter(microjoules: .max)],
            [.gauge(microwatts: .min), .gauge(microwatts: .max)],
            [.counter(microjoules: .max), .gauge(microwatts: .min)],
            [.counter(microjoules: -1), .counter(microjoules: .max), .nothingNew],
        ] {
            var listing = FakeMeters.meter
            listing = MeterListing(description: listing.description, availability: .available) { Turning(values) }
            let status = await MeterStatus.read([listing, listing], patience: 0.01)
            #expect(status.count == 2)
            #expect(throws: Never.self) { try JSONEncoder().encode(status) }
        }
    }

    @Test("The document has the ranges that records are held to")
    func ranges() throws {
        // Not looked at for their size: a seed is any number of 64 bits; times of a filter are only compared.
        let free: Set<String> = ["seed", "since_unix_s", "until_unix_s"]
        var seen: Set<String> = []
        for (_, path, operation) in operations {
            guard let schema = operation["requestBody"]?["content"]?["application/json"]?["schema"] else { continue }
            for (key, number) in schemas.ranges(schema) where !free.contains(key) {
                let (least, most) = (number["minimum"]?.number, number["maximum"]?.number)
                #expect(least != nil && most != nil, "\(path) \(key) has no range")
                guard path == "/v1/imports" else { continue }
                seen.insert(key)
                let range = try #require(Bounds.byKey[key], "\(key)")
                #expect(least == range.lowerBound && most == range.upperBound, "\(key)")
            }
        }
        #expect(seen.count > 35, "\(seen.sorted())")
    }

    @Test("A daemon starts on a record of which every column holds something else", .timeLimit(.minutes(5)))
    func damaged() async throws {
        let uuid = try daemon.store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [FakeMeters.meter.description], version: "1", startedAt: 1))
        for index in 0..<3 {
            let sample = Sample(
                meterID: "m", time: MonotonicTime(seconds: 10 + Double(index)), wallTime: 100 + Double(index),
                energy: nil, power: Power(watts: 5))
            try daemon.store.record(run(), samples: [sample], suiteRun: uuid)
            try daemon.store.record([sample])
        }
        try daemon.store.endSuiteRun(uuid, status: .completed, error: nil, at: 200)
        let job = try await daemon.queue.submit(TestDaemon.request(suiteText: TestDaemon.suite(sleep: 200)))
        _ = await daemon.queue.cancel(job.id)
        await daemon.stop()
        let values: [DatabaseValue] = [
            "x".databaseValue, (-1e300).databaseValue, Int64.max.databaseValue,
            "{\"completed_inferences\":1e300}".databaseValue,
        ]
        for value in values {
            let directory = try TemporaryDirectory()
            try daemon.store.backup(to: "\(directory.path)/taskwatt.sqlite")
            var configuration = Configuration()
            configuration.foreignKeysEnabled = false
            let raw = try DatabaseQueue(path: "\(directory.path)/taskwatt.sqlite", configuration: configuration)
            let columns = try await raw.read { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'
                            AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'grdb%' AND c.pk = 0
                        """
                ).map { (table: $0[0] as String, column: $0[1] as String) }
            }
            // One after the other in one and the same row, so that windows still hang together; what they hang by stays.
            func damage(_ isMeant: (String) -> Bool) async {
                for (table, column) in columns where isMeant(table) && !column.hasSuffix("_id") && column != "uuid" {
                    try? await raw.write { db in
                        try db.execute(
                            sql:
                                "UPDATE \(table) SET \"\(column)\" = ? WHERE rowid = (SELECT min(rowid) FROM \(table))",
                            arguments: [value])
                    }
                }
            }
            // A suite's row alone, whose windows are whole.
            await damage { $0 == "suite_run" || $0 == "machine" }
            let first = try ExtremesTests(on: TestDaemon(in: directory))
            try await first.askForAll()
            await first.daemon.stop()
            await damage { _ in true }
            try raw.close()
            let second = try ExtremesTests(on: TestDaemon(in: directory))
            try await second.daemon.figures.refresh()
            try await second.askForAll()
            await second.daemon.stop()
        }
    }

    private init(on daemon: TestDaemon) throws {
        self.daemon = daemon
        router = daemon.routes.router()
        schemas = Schemas(
            document: try JSONDecoder().decode(JSONValue.self, from: Data(PackageResources.openapi_json)))
    }
}
