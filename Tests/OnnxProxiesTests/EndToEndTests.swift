import Foundation
import Onnx
import Synchronization
import TestSupport
import Testing

@testable import PluginKit
@testable import onnx_proxies

/// Every task at tiny size, through the interface that the host uses.
@Suite("Every task") struct EndToEndTests {
    private let cache: TemporaryDirectory

    init() throws { cache = try TemporaryDirectory() }

    private func prepared(_ request: WorkloadRequest) throws -> (plugin: OnnxProxies, info: WorkloadInfo) {
        var plugin = OnnxProxies()
        let info = try plugin.initialize(request)
        try plugin.prepare()
        return (plugin, info)
    }

    private func deviation(_ numbers: [Float]) -> Double {
        let numbers = numbers.map(Double.init)
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        return (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count)).squareRoot()
    }

    @Test(arguments: allModels) func answersWithScoresThatDependOnTheInput(model: ModelOfTask) throws {
        var plugin = try prepared(.tiny(model.task, in: cache, model: model.name)).plugin
        let (first, second) = try (plugin.scores(), plugin.scores())
        #expect(first.count == second.count && first.count > 1)
        #expect((first + second).allSatisfy { $0.isFinite })
        #expect(deviation(first) > 1e-3)
        // One input's scores are not the other's, and by more than rounding.
        let difference = zip(first, second).map { abs($0 - $1) }.max() ?? 0
        #expect(difference > 1e-4)
    }

    @Test(arguments: allModels) func theSameSeedGivesTheSameAndAnotherSeedAnother(model: ModelOfTask) throws {
        var first = try prepared(.tiny(model.task, in: cache, model: model.name)).plugin
        var same = try prepared(.tiny(model.task, in: cache, model: model.name)).plugin
        var other = try prepared(.tiny(model.task, in: cache, model: model.name, seed: 1)).plugin
        let scores = try first.scores()
        #expect(try same.scores() == scores)
        #expect(try other.scores() != scores)
    }

    @Test(arguments: allModels) func saysWhatItIs(model: ModelOfTask) throws {
        let lines = Mutex<[String]>([])
        let request = WorkloadRequest.tiny(model.task, in: cache, model: model.name) { line in
            lines.withLock { $0.append(line) }
        }
        let info = try prepared(request).info
        #expect(info.model == model.name)
        #expect(info.size == "tiny")
        #expect(info.dataset == "synthetic")
        #expect(info.device == "cpu")
        #expect(info.precision == "fp32")
        #expect(info.batch == 1)
        #expect(info.engine?.hasPrefix("ONNX Runtime 1.") == true)
        #expect(info.modelSHA256?.count == 64)
        #expect((info.parameterCount ?? 0) > 1000)
        #expect((info.operationsPerInference ?? 0) > 100_000)
        #expect(info.modelFiles.allSatisfy { FileManager.default.fileExists(atPath: "\($0)/model.onnx") })
        // Writing takes its time, so it is told; once for each file.
        #expect(!info.modelFiles.isEmpty && lines.withLock { $0.count } == info.modelFiles.count)
        #expect(lines.withLock { $0.allSatisfy { $0.contains("writing the weights") } })
        let again = try prepared(request).info
        #expect(again.modelSHA256 == info.modelSHA256)
        #expect(lines.withLock { $0.count } == info.modelFiles.count)
    }

    /// So that a run that names the default is in the same row as one that does not.
    @Test func aParameterThatIsLeftOutIsToldAsWhatItCameTo() throws {
        func told(_ parameters: [String: ParameterValue]) throws -> [String: ParameterValue?] {
            var plugin = OnnxProxies()
            return try plugin.initialize(.tiny("text-classification", in: cache, parameters)).parameters
        }
        let left = try told([:])
        guard case .integer(let length)?? = left["sequence_length"] else {
            Issue.record("no length is told: \(left)")
            return
        }
        #expect(try told(["sequence_length": .integer(length)]) == left)
        #expect(try told(["sequence_length": .integer(length / 2)]) != left)
        #expect(left["quantization"] == nil)
        #expect(try told(["precision": .string("int8")])["quantization"] == .string("dynamic"))
    }

    /// What the CPU can compute in is run, and what it cannot is refused by the operator's name.
    @Test(arguments: allModels, ["fp16", "int8", "bf16"])
    func everyPrecisionRunsOrIsRefused(model: ModelOfTask, precision: String) throws {
        let request = WorkloadRequest.tiny(
            model.task, in: cache, model: model.name, ["precision": .string(precision), "batch": .integer(2)])
        var plugin = OnnxProxies()
        let info = try plugin.initialize(request)
        #expect(info.precision == precision && info.batch == 2)
        do {
            try plugin.prepare()
        } catch let problem as PluginProblem where precision == "bf16" {
            #expect(problem.isUnavailable && problem.message.contains("on cpu in this precision"), "\(problem)")
            return
        }
        let scores = try plugin.scores()
        #expect(scores.allSatisfy { $0.isFinite })
        #expect(deviation(scores) > 1e-4)
    }

    @Test func longerInputsAreMoreOperations() throws {
        func operations(_ task: String, _ parameters: [String: ParameterValue]) throws -> Double {
            var plugin = OnnxProxies()
            let info = try plugin.initialize(.tiny(task, in: cache, parameters))
            return try #require(info.operationsPerInference)
        }
        let short = try operations("fill-mask", ["sequence_length": .integer(10)])
        let long = try operations("fill-mask", ["sequence_length": .integer(40)])
        // Four times the tokens: the products grow by four, attention by sixteen.
        #expect(long > 4 * short && long < 6 * short)
        let few = try operations("text-generation", ["new_tokens": .integer(1)])
        let many = try operations("text-generation", ["new_tokens": .integer(20)])
        #expect(many > few)
    }

    @Test func everyLengthThatIsAllowedRuns() throws {
        for (task, parameters) in [
            ("fill-mask", ["sequence_length": 1]), ("text-classification", ["sequence_length": 128]),
            ("text-generation", ["prompt_length": 1, "new_tokens": 1]),
            ("text-generation", ["prompt_length": 120, "new_tokens": 8]),
            ("text-generation", ["prompt_length": 1, "new_tokens": 127]),
        ] {
            let request = WorkloadRequest.tiny(task, in: cache, parameters.mapValues(ParameterValue.integer))
            var plugin = try prepared(request).plugin
            #expect(try plugin.scores().allSatisfy { $0.isFinite })
        }
    }

    /// The cache of keys and values changes how much is computed, not what: each new token and its scores are those of a
    /// pass over all tokens so far with an empty cache.
    @Test func generationWithTheCacheIsGenerationWithoutIt() throws {
        let runtime = try OnnxRuntime()
        let model = GPT2(size: .tiny)
        let prompt: [Int64] = [17, 900, 3, 512, 44, 3, 70]
        let steps = 6
        let cached = GenerationWorkload(
            "gpt2", model, promptLength: prompt.count, newTokens: steps, batch: 1, seed: 4)
        let file = try ModelFile.cached(
            in: cache.path, key: "gpt2", seed: 4, builder: cached.graphs[0].builder, willWrite: { _ in })
        let session = try OnnxSession(runtime, path: file.path, threads: 1)
        let result = try cached.generate(prompt, session, runtime)
        #expect(result.tokens.count == steps)

        var sequence = prompt
        var scores: [Float] = []
        for _ in 0..<steps {
            let whole = GenerationWorkload(
                "gpt2", model, promptLength: sequence.count, newTokens: 1, batch: 1, seed: 4)
            let next = try whole.generate(sequence, session, runtime)
            sequence += next.tokens
            scores = next.scores
        }
        #expect(Array(sequence.dropFirst(prompt.count)) == result.tokens)
        let difference = zip(scores, result.scores).map { abs($0 - $1) }.max() ?? .infinity
        #expect(difference < 1e-4 * (scores.map(abs).max() ?? 0))
        #expect(deviation(scores) > 1e-2)
    }

    @Test func itsCallsComeInOrder() throws {
        var plugin = OnnxProxies()
        #expect(throws: PluginProblem.self) { try plugin.prepare() }
        _ = try plugin.initialize(.tiny("fill-mask", in: cache))
        #expect(throws: PluginProblem.self) { try plugin.infer() }
    }
}

@Suite("What is refused") struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var task = "text-classification"
        var model: String?
        var device = "cpu"
        var parameters: [String: ParameterValue] = [:]
        /// What the message names.
        let names: String
        /// What the remedy names.
        let remedy: String
        var testDescription: String { names }
    }

    static let cases = [
        Case(task: "translation", names: "translation", remedy: "fill-mask"),
        Case(model: "bert-large", names: "bert-large", remedy: "bert-base"),
        Case(task: "text-generation", model: "llama", names: "llama", remedy: "gpt2"),
        Case(device: "cuda:0", names: "cuda:0", remedy: "TASKWATT_ONNXRUNTIME"),
        Case(device: "abacus", names: "abacus", remedy: "openvino:NPU"),
        Case(parameters: ["precision": .string("fp8")], names: "fp8", remedy: "bf16"),
        Case(parameters: ["batch": .integer(0)], names: "batch", remedy: "1"),
        Case(parameters: ["size": .string("huge")], names: "huge", remedy: "tiny"),
        Case(parameters: ["size": .integer(3)], names: "size", remedy: "size=full"),
        Case(parameters: ["threads": .integer(-1)], names: "-1", remedy: "0"),
        Case(parameters: ["threads": .integer(5000)], names: "5000", remedy: "0"),
        Case(parameters: ["threads": .string("all")], names: "all", remedy: "threads=0"),
        Case(parameters: ["threads": .number(1.5)], names: "1.5", remedy: "threads=0"),
        Case(parameters: ["sequence_length": .integer(0)], names: "sequence_length", remedy: "128"),
        Case(parameters: ["sequence_length": .integer(129)], names: "129", remedy: "128"),
        Case(task: "text-generation", parameters: ["new_tokens": .integer(128)], names: "new_tokens", remedy: "128"),
        Case(task: "text-generation", parameters: ["prompt_length": .integer(119)], names: "118", remedy: "128"),
    ]

    @Test(arguments: cases) func isOneLineWithARemedy(refused: Case) throws {
        let cache = try TemporaryDirectory()
        var plugin = OnnxProxies()
        let problem = #expect(throws: PluginProblem.self) {
            try plugin.initialize(
                .tiny(refused.task, in: cache, model: refused.model, device: refused.device, refused.parameters))
        }
        #expect(problem?.message.contains(refused.names) == true, "\(problem?.message ?? "")")
        #expect(problem?.remedy?.contains(refused.remedy) == true, "\(problem?.remedy ?? "no remedy")")
        #expect(problem?.description.contains("\n") == false)
        // Nothing is written for a request that is wrong.
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path).isEmpty)
    }

    @Test func aWholeNumberWithAPointIsAWholeNumber() throws {
        let cache = try TemporaryDirectory()
        var plugin = OnnxProxies()
        #expect(throws: Never.self) {
            try plugin.initialize(.tiny("fill-mask", in: cache, ["threads": .number(2)]))
        }
    }
}
