import Core
import Foundation
import Testing
import WorkloadProtocol

/// What really goes over the pipes is what the JSON Schemas of the protocol say, and nothing more.
@Suite(.serialized) struct SchemaTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
    private static let root = URL(fileURLWithPath: tests).appendingPathComponent("../..").standardized.path
    private static let schemas = "\(root)/Sources/WorkloadProtocol/Schemas"
    private static let messages = [
        "initialize.request", "initialize.result", "prepare.request", "prepare.result", "run.request", "run.result",
        "shutdown.request", "shutdown.result", "progress", "error",
    ]

    private static func validate(_ what: String, _ files: [String]) async throws -> Outcome {
        // The distribution's own Python, which has the distribution's packages.
        try await Program.run(["/usr/bin/python3", "\(tests)/Traffic/validate.py", schemas, what] + files)
    }

    private static func counts(_ outcome: Outcome) throws -> [String: Int] {
        try JSONDecoder().decode([String: Int].self, from: Data(outcome.output.utf8))
    }

    /// A plugin that is another one with its pipes on record.
    private func tape(
        _ scratch: Scratch, _ name: String, _ command: [String], parameters: String
    ) throws -> String {
        let directory = "\(scratch.path)/data/taskwatt/plugins/\(name)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let log = "\(scratch.path)/\(name).log"
        _ = try scratch.write(
            "data/taskwatt/plugins/\(name)/plugin.yaml",
            """
            name: \(name)
            version: 1.0.0
            description: taped
            program: /usr/bin/python3
            arguments: ["\(Self.tests)/Traffic/tee.py", "\(log)", "\(command.joined(separator: "\", \""))"]
            tasks: [{id: text-classification}, {id: fill-mask}]
            parameters: \(parameters)
            """)
        return log
    }

    @Test func trafficIsOfTheSchemas() async throws {
        let scratch = try Scratch()
        let proxies = try tape(
            scratch, "taped-proxies", [Program.taskwatt, "plugin-program", "onnx-proxies"],
            parameters: "[{name: size}, {name: threads}]")
        let sleeper = try tape(
            scratch, "taped-sleeper", ["\(Self.tests)/../RunningTests/Fixtures/plugins/sleeper/program.py"],
            parameters: "[{name: milliseconds, default: 20}]")
        let suite = try scratch.write(
            "suite.yaml",
            """
            repeats: 2
            idle_s: 0
            idle_after_s: 0
            warm_up: {inferences: 1, seconds: 1}
            runs:
              - {task: fill-mask, plugin: taped-proxies, duration_s: 0.5, parameters: {size: tiny}}
              - {task: text-classification, plugin: taped-proxies, count: 5, parameters: {size: tiny, threads: 1}}
              - {task: text-classification, plugin: taped-proxies, count: 5, parameters: {size: tiny, threads: -1}}
              - {task: fill-mask, plugin: taped-sleeper, duration_s: 0.5}
              - {task: fill-mask, plugin: taped-sleeper, count: 20, parameters: {milliseconds: 30}}
            """)
        let run = try await scratch.taskwatt("run", suite, "--quiet")
        // One entry fails, which is where an error comes from.
        #expect(run.status == 1)
        #expect(run.errorLines.count == 1, "\(run.error)")
        let outcome = try await Self.validate("traffic", [proxies, sleeper])
        #expect(outcome.status == 0, "\(outcome.error)")
        let counts = try Self.counts(outcome)
        #expect(Set(counts.keys) == Set(Self.messages), "\(counts)")
        #expect(counts["run.result", default: 0] >= 4 * 3)
    }

    @Test func theExamplesOfTheReadmeAreOfTheSchemas() async throws {
        let scratch = try Scratch()
        let readme = try String(contentsOfFile: "\(Self.schemas)/../README.md", encoding: .utf8)
        let begin = try #require(readme.range(of: "```json\n")).upperBound
        let end = try #require(readme.range(of: "\n```", range: begin..<readme.endIndex)).lowerBound
        let lines = readme[begin..<end].split(separator: "\n").map { line -> String in
            // What has a number and a method is a call; the plugin says the rest.
            let isCall = line.contains("\"id\"") && line.contains("\"method\"")
            return record(isCall ? "host" : "plugin", String(line))
        }
        let log = try scratch.write("readme.log", lines.joined(separator: "\n"))
        let outcome = try await Self.validate("traffic", [log])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(try Self.counts(outcome).values.reduce(0, +) == lines.count)
    }

    private func record(_ sender: String, _ line: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return (try? encoder.encode(["from": sender, "line": line])).map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }

    /// Each message with everything in it: every key that the code has is in its schema, and the other way round.
    @Test func theCodeAndTheSchemasHaveTheSameKeys() async throws {
        var workload = WorkloadDescription(task: .fillMask, plugin: "p")
        (workload.model, workload.dataset, workload.size, workload.device) = ("m", "d", "full", "cpu")
        (workload.precision, workload.batch, workload.engine) = ("fp32", 2, "e 1")
        workload.modelSHA256 = String(repeating: "0a", count: 32)
        (workload.parameterCount, workload.operationsPerInference) = (1, 2.5)
        workload.parameters = ["threads": .integer(1)]
        let full: [(schema: String, path: [String], message: any Encodable)] = [
            (
                "initialize.request", ["params"],
                RPCRequest(
                    id: 1, method: .initialize,
                    params: InitializeParams(
                        hostVersion: "1", task: .fillMask, model: "m", device: "cpu", seed: 1, cacheDirectory: "/c",
                        parameters: [:]))
            ),
            (
                "initialize.result", ["result"],
                RPCResponse(id: 1, result: InitializeResult(workload: workload, modelFiles: ["/c/m"]))
            ),
            (
                "initialize.result", ["result", "workload"],
                RPCResponse(id: 1, result: InitializeResult(workload: workload, modelFiles: ["/c/m"]))
            ),
            (
                "run.result", ["result"],
                RPCResponse(
                    id: 1,
                    result: RunResult(
                        completed: 1, failed: 0, start: 1, end: 2, latencies: [1], metrics: ["x": 1]))
            ),
            (
                "progress", ["params"],
                RPCRequest(id: nil, method: .progress, params: ProgressParams(completed: 1, total: 2, message: "m"))
            ),
            (
                "error", ["error"],
                RPCResponse<PrepareResult>(id: 1, error: WorkloadError(code: 1, message: "m", remedy: "r"))
            ),
        ]
        for (schema, path, message) in full {
            var value: Any = try JSONSerialization.jsonObject(with: JSONEncoder().encode(message))
            var known: Any = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: "\(Self.schemas)/\(schema).schema.json")))
            for key in path {
                value = try #require((value as? [String: Any])?[key])
                known = try #require(((known as? [String: Any])?["properties"] as? [String: Any])?[key])
            }
            let properties = try #require((known as? [String: Any])?["properties"] as? [String: Any])
            #expect(Set(properties.keys) == Set((value as? [String: Any])?.keys.map { $0 } ?? []), "\(schema)")
        }
    }

    private static let wrong: [(sender: String, line: String, schema: String)] = [
        ("host", #"{"jsonrpc":"2.0","id":1,"method":"run","params":{"count":0}}"#, "run.request"),
        ("host", #"{"jsonrpc":"2.0","id":1,"method":"run","params":{"count":1,"duration_s":1}}"#, "run.request"),
        ("host", #"{"jsonrpc":"2.0","id":1,"method":"prepare","params":{"x":1}}"#, "prepare.request"),
        ("plugin", #"{"jsonrpc":"2.0","method":"progress","params":{}}"#, "progress"),
        ("plugin", #"{"jsonrpc":"2.0","method":"log","params":{"message":"m"}}"#, "progress"),
        ("plugin", #"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"two\nlines"}}"#, "error"),
        ("plugin", #"{"jsonrpc":"1.0","id":1,"error":{"code":1,"message":"m"}}"#, "error"),
    ]

    @Test func whatIsWrongDoesNotFit() async throws {
        let scratch = try Scratch()
        var files: [String] = []
        for (number, wrong) in Self.wrong.enumerated() {
            files.append(try scratch.write("log-\(number)", record(wrong.sender, wrong.line)))
        }
        let outcome = try await Self.validate("traffic", files)
        #expect(outcome.status == 1)
        for (file, wrong) in zip(files, Self.wrong) {
            #expect(
                outcome.errorLines.contains { $0.hasPrefix("\(file): \(wrong.schema): ") }, "\(wrong): \(outcome.error)"
            )
        }
    }

    @Test func manifestsAreOfTheirSchema() async throws {
        let plugins = try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/Plugins").map {
            "\(Self.root)/Plugins/\($0)/plugin.yaml"
        }.filter(FileManager.default.fileExists(atPath:))
        #expect(!plugins.isEmpty)
        let sleeper = "\(Self.tests)/../RunningTests/Fixtures/plugins/sleeper/plugin.yaml"
        let scratch = try Scratch()
        let base = "name: p\nversion: 1\ndescription: d\nprogram: p\ntasks: [{id: t}]\n"
        let full =
            base
            + "python: {requirements: r.txt, version: '>=3.10'}\nlimits: {start_s: 1, memory: 8GiB, cpus: 2}\n"
            + "parameters: [{name: url, required: true}, {name: a, default: null, values: [1, b]}]\narguments: [x, 1]\n"
        let fine = try await Self.validate(
            "manifest", plugins + [sleeper, try scratch.write("full.yaml", full)])
        #expect(fine.status == 0, "\(fine.error)")
        var bad: [String] = []
        for wrong in [
            "limit: {}", "limits: {memory: lots}", "python: {version: '3'}",
            "parameters: [{name: a, required: true, default: 1}]",
        ] {
            bad.append(try scratch.write("bad-\(bad.count).yaml", base + wrong + "\n"))
        }
        let outcome = try await Self.validate("manifest", bad)
        #expect(outcome.status == 1)
        for file in bad { #expect(outcome.errorLines.contains { $0.hasPrefix("\(file): plugin: ") }, "\(file)") }
    }
}
