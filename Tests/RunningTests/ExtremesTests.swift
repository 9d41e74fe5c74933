import Core
import Foundation
import PluginHosting
import TestSupport
import Testing
import WorkloadProtocol
import YAMLReading

@testable import Running
@testable import Suites

/// Values that nothing real has, in every field of a plugin's answers and of the files that people write.
@Suite("Extremes of plugins and files")
struct RunningExtremesTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardized.path

    private static func schema(_ name: String) throws -> JSONValue {
        let path = "\(root)/Sources/WorkloadProtocol/Schemas/\(name).schema.json"
        return try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// A value that has everything that a schema of the protocol names.
    private static func example(_ schema: JSONValue) -> JSONValue {
        if let constant = schema.at(["const"]) { return constant }
        switch schema.at(["type"])?.stringValue {
        case "object":
            var members: [String: JSONValue] = [:]
            if case .object(let properties)? = schema.at(["properties"]) { members = properties.mapValues(example) }
            if case .object(let more)? = schema.at(["additionalProperties"]) { members["x"] = example(.object(more)) }
            return .object(members)
        case "array": return .array([example(schema.at(["items"]) ?? .null)])
        case "number", "integer": return .integer(1)
        case "string": return .string("x")
        default: return .bool(true)
        }
    }

    @Test("In every field of the answer to run")
    func run() throws {
        let answer = Self.example(try Self.schema("run.result"))
        let asks = [
            RunParams(count: 1), RunParams(count: Bounds.inferences.upperBound), RunParams(durationSeconds: 1),
        ]
        var (decoded, refused) = (0, 0)
        #expect(answer.leaves.count >= 8)
        for place in answer.leaves {
            for extreme in Extremes.numbers + Extremes.texts {
                let line = Data(answer.text(place[...], extreme).utf8)
                guard let result = try? JSONDecoder().decode(RPCResponse<RunResult>.self, from: line).result else {
                    continue
                }
                decoded += 1
                for asked in asks {
                    for batch in [1, Bounds.batch.upperBound, .max] {
                        let problem = result.problem(
                            asked: asked, batch: batch, concurrency: Bounds.concurrency.upperBound, during: 0...3)
                        // What passes can be in a record.
                        guard problem == nil else {
                            refused += 1
                            continue
                        }
                        #expect(
                            Bounds.inferences.contains(result.completed) && Bounds.inferences.contains(result.failed))
                        let summary = LatencySummary(of: result.latencies ?? [])
                        #expect(summary.map { $0.outOfBounds == nil } ?? true, "\(place) \(extreme)")
                    }
                }
            }
        }
        #expect(decoded > 40 && refused > 40, "\(decoded) \(refused)")
    }

    @Test("In every field of the answer to initialize")
    func initialize() throws {
        let answer = Self.example(try Self.schema("initialize.result"))
        var refused: Set<String> = []
        for place in answer.leaves {
            for extreme in Extremes.numbers + Extremes.texts {
                let line = Data(answer.text(place[...], extreme).utf8)
                guard let result = try? JSONDecoder().decode(RPCResponse<InitializeResult>.self, from: line).result
                else { continue }
                if let problem = result.workload.outOfBounds { refused.insert(problem.key) }
                #expect(result.workload.concurrency >= 1)
            }
        }
        #expect(
            refused.isSuperset(of: ["batch", "parameter_count", "operations_per_inference", "model", "engine"]),
            "\(refused)")
    }

    @Test("The schemas of the protocol have the ranges that answers are held to")
    func ranges() throws {
        let run = ["properties", "result", "properties"]
        let workload = run + ["workload", "properties"]
        let fields: [(schema: String, place: [String], key: String)] = [
            ("run.result", run + ["completed"], "completed"), ("run.result", run + ["failed"], "failed"),
            ("run.result", run + ["start_monotonic_s"], "start_monotonic_s"),
            ("run.result", run + ["end_monotonic_s"], "end_monotonic_s"),
            ("run.result", run + ["latencies_s", "items"], "latencies_s"),
            ("run.result", run + ["metrics", "additionalProperties"], "metrics"),
            ("initialize.result", workload + ["batch"], "batch"),
            ("initialize.result", workload + ["parameter_count"], "parameter_count"),
            ("initialize.result", workload + ["operations_per_inference"], "operations_per_inference"),
        ]
        for (name, place, key) in fields {
            let range = try #require(Bounds.byKey[key])
            let schema = try Self.schema(name)
            #expect(Self.number(schema.at(place + ["minimum"])) == range.lowerBound, "\(key)")
            #expect(Self.number(schema.at(place + ["maximum"])) == range.upperBound, "\(key)")
        }
        // No number of an answer is without one.
        for name in ["run.result", "initialize.result"] {
            #expect(Self.unbounded(try Self.schema(name)).subtracting(["id"]).isEmpty, "\(name)")
        }
        let model = try Self.schema("initialize.result").at(workload + ["model", "maxLength"])
        #expect(model == .integer(Int64(Bounds.nameBytes)))
    }

    private static func number(_ value: JSONValue?) -> Double? {
        switch value {
        case .integer(let value)?: Double(value)
        case .number(let value)?: value
        default: nil
        }
    }

    /// The keys of numbers that have no greatest.
    private static func unbounded(_ schema: JSONValue, _ key: String = "") -> Set<String> {
        guard case .object(let members) = schema else { return [] }
        let type = members["type"]?.stringValue
        if type == "number" || type == "integer" { return members["maximum"] == nil ? [key] : [] }
        var keys: Set<String> = []
        if case .object(let properties)? = members["properties"] {
            for (name, value) in properties { keys.formUnion(unbounded(value, name)) }
        }
        for part in ["items", "additionalProperties"] { keys.formUnion(members[part].map { unbounded($0, key) } ?? []) }
        return keys
    }

    /// A file of each kind that has every key of a number or a text.
    private static let suite = """
        name: n
        description: d
        repeats: 3
        max_repeats: 50
        until_ci: 2%
        sessions: 2
        session_pause_s: 5
        strict: true
        allow_estimate: true
        label: l
        idle_s: 5
        idle_after_s: 5
        warm_up: {inferences: 5, seconds: 5}
        cool_down: {seconds: 5, max_s: 5}
        retries: 1
        seed: 5
        runs:
          - {task: fill-mask, plugin: p, model: m, dataset: d, device: cpu, count: 5, repeats: 5, parameters: {a: 5, b: [5, 0.5]}}
          - {task: fill-mask, duration_s: 5}
        """

    @Test("In every value of a suite, and of a plugin's manifest")
    func yaml() throws {
        let manifest = try String(contentsOfFile: "\(Self.root)/Plugins/openai/plugin.yaml", encoding: .utf8)
        let limits = "\nlimits: {start_s: 5, prepare_s: 5, inference_s: 5, memory: 5GiB, cpus: 5, tasks: 5}\n"
        let plain = manifest.split(separator: "\n").filter { !$0.hasPrefix("limits") }.joined(separator: "\n") + limits
        for (text, read) in [
            (Self.suite, { (text: String) in _ = try SuiteFile.parse(text, file: "s.yaml") }),
            (plain, { (text: String) in _ = try PluginManifest.parse(text, file: "p.yaml") }),
        ] {
            #expect(throws: Never.self) { try read(text) }
            // Every word or number after a colon, a bracket or a comma.
            let places = text.matches(of: /[:\[,] ([A-Za-z0-9.%\-]+)/).map {
                $0.output.1.startIndex..<$0.output.1.endIndex
            }
            #expect(places.count > 20)
            var refused = 0
            for place in places {
                for word in Extremes.words + ["null", "[]", "{}"] {
                    do { try read(text.replacingCharacters(in: place, with: word)) } catch is YAMLProblem {
                        refused += 1
                    }
                }
            }
            #expect(refused > 60, "\(refused)")
        }
    }

    @Test("Numbers to the base of 60 are none, for their products fit into nothing")
    func sexagesimal() throws {
        for text in ["9223372036854775807:0", "1:0:0:0:0:0:0:0:0:0:0:0:0", "1:30"] {
            let reader = try YAMLReader(text: "a: \(text)", file: "f").mapping(keys: ["a"])
            let value = try #require(reader["a"])
            #expect(throws: YAMLProblem.self) { try value.integer(0...Int.max) }
            #expect(throws: YAMLProblem.self) { try value.number(0...1e300) }
            #expect(try value.json() == .string(text))
        }
    }

    @Test("Whole batches of any number are numbers")
    func batches() {
        for count in [Int.min, -1, 0, 1, 7, .max - 1, .max] {
            for size in [Int.min, -1, 0, 1, 8, .max] { _ = count.roundedUp(toMultipleOf: size) }
        }
        #expect(7.roundedUp(toMultipleOf: 8) == 8 && 16.roundedUp(toMultipleOf: 8) == 16)
        #expect(Int.max.roundedUp(toMultipleOf: 8) == .max && 5.roundedUp(toMultipleOf: 0) == 5)
    }
}
