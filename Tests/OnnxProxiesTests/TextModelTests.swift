import Onnx
import TestSupport
import Testing

@testable import PluginKit
@testable import onnx_proxies

/// A model of a task, as a user names the two.
struct TextModel: Sendable, CustomTestStringConvertible {
    let task: String
    let model: String
    /// Parameters of the published network, tied weights once.
    let parameters: Int64
    var testDescription: String { "\(task) \(model)" }

    /// Counted with transformers 5.24 as `sum(p.numel() for p in model.parameters())` of the class that is named, made from
    /// the configuration of the checkpoint that is named.
    static let all = [
        // BertForSequenceClassification, bert-base-uncased, 2 labels.
        TextModel(task: "text-classification", model: "bert-base", parameters: 109_483_778),
        // DistilBertForSequenceClassification, distilbert-base-uncased, 2 labels.
        TextModel(task: "text-classification", model: "distilbert", parameters: 66_955_010),
        // BertForQuestionAnswering, bert-base-uncased.
        TextModel(task: "question-answering", model: "bert-base", parameters: 108_893_186),
        // BertForQuestionAnswering, bert-large-uncased.
        TextModel(task: "question-answering", model: "bert-large", parameters: 334_094_338),
        // BertForMaskedLM, bert-base-uncased.
        TextModel(task: "fill-mask", model: "bert-base", parameters: 109_514_298),
        // RobertaForMaskedLM, roberta-base.
        TextModel(task: "fill-mask", model: "roberta-base", parameters: 124_697_433),
        // BertForTokenClassification, bert-base-uncased, 9 labels.
        TextModel(task: "token-classification", model: "bert-base", parameters: 108_898_569),
        // GPT2LMHeadModel, gpt2.
        TextModel(task: "text-generation", model: "gpt2", parameters: 124_439_808),
        // GPT2LMHeadModel, gpt2-medium.
        TextModel(task: "text-generation", model: "gpt2-medium", parameters: 354_823_168),
        // BartForConditionalGeneration, facebook/bart-large.
        TextModel(task: "summarization", model: "bart-large", parameters: 406_291_456),
        // T5ForConditionalGeneration, t5-base.
        TextModel(task: "summarization", model: "t5-base", parameters: 222_903_552),
    ]

    /// The workload at a size, without any file.
    func workload(
        _ size: ProxySize, _ parameters: [String: ParameterValue] = [:], batch: Int = 1
    ) throws -> any ProxyWorkload {
        let request = WorkloadRequest(
            task: task, model: model, device: "cpu", seed: 0, cacheDirectory: "", parameters: parameters,
            report: { _ in })
        return try ProxyCatalogue.workload(ProxyOptions(request: request, size: size, batch: batch, precision: .fp32))
    }

    /// The shapes of the published network.
    var shape: (layers: Double, hidden: Double, feedForward: Double) {
        switch model {
        case "distilbert": (6, 768, 3072)
        case "bert-large", "gpt2-medium": (24, 1024, 4096)
        case "bart-large": (12, 1024, 4096)
        default: (12, 768, 3072)
        }
    }
}

/// Every text model at tiny size, in the real engine.
@Suite("Text models") struct TextModelTests {
    private let cache: TemporaryDirectory

    init() throws { cache = try TemporaryDirectory() }

    private func plugin(_ model: TextModel, seed: Int64 = 0, _ parameters: [String: ParameterValue] = [:]) throws
        -> OnnxProxies
    {
        var plugin = OnnxProxies()
        let info = try plugin.initialize(.tiny(model.task, in: cache, model: model.model, seed: seed, parameters))
        #expect(info.model == model.model)
        try plugin.prepare()
        return plugin
    }

    private func sessions(_ workload: any ProxyWorkload, _ runtime: OnnxRuntime) throws -> [OnnxSession] {
        try workload.graphs.map { graph in
            let file = try ModelFile.cached(
                in: cache.path, key: "\(workload.model)-\(graph.name)", seed: 4, builder: graph.builder,
                willWrite: { _ in })
            return try OnnxSession(runtime, path: file.path, threads: 1)
        }
    }

    private func deviation(_ numbers: [Float]) -> Double {
        let numbers = numbers.map(Double.init)
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        return (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count)).squareRoot()
    }

    private func distance(_ a: [Float], _ b: [Float]) -> Float {
        guard a.count == b.count else { return .infinity }
        return zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
    }

    @Test(arguments: TextModel.all) func answersWithScoresThatDependOnTheInput(model: TextModel) throws {
        var plugin = try plugin(model)
        let (first, second) = try (plugin.scores(), plugin.scores())
        // 128 tokens: as the first or the last of the answer, or with 9 labels each.
        let counts = ["text-classification": 2, "question-answering": 2 * 128, "token-classification": 128 * 9]
        #expect(first.count == counts[model.task] ?? (model.model == "roberta-base" ? 1200 : 1000))
        #expect((first + second).allSatisfy { $0.isFinite })
        #expect(deviation(first) > 1e-3 && deviation(first) < 100)
        // One input's scores are not the other's, and by more than rounding.
        #expect(distance(first, second) > 1e-4)
    }

    @Test(arguments: TextModel.all) func theSameSeedGivesTheSameAndAnotherSeedAnother(model: TextModel) throws {
        var (first, same, other) = try (plugin(model), plugin(model), plugin(model, seed: 1))
        let scores = try first.scores()
        #expect(try same.scores() == scores)
        #expect(try other.scores() != scores)
    }

    @Test(arguments: TextModel.all) func aBatchIsAnsweredAsItsQueriesAreAlone(model: TextModel) throws {
        let runtime = try OnnxRuntime()
        let lengths: [String: ParameterValue] = [
            "sequence_length": .integer(11), "prompt_length": .integer(11), "new_tokens": .integer(4),
        ]
        func text(_ factor: Int64) -> [Int64] { (0..<11).map { (7 + $0 * factor) % 1000 } }
        /// The answer for the first of one or two queries.
        func answer(_ tokens: [Int64], _ workload: any ProxyWorkload) throws -> [Float] {
            let sessions = try sessions(workload, runtime)
            if var encoder = workload as? EncoderWorkload {
                let scores = try encoder.read(tokens, sessions[0], runtime)
                return scores + encoder.answer.map(Float.init)
            }
            if let generator = workload as? GenerationWorkload {
                let result = try generator.generate(tokens, sessions[0], runtime)
                return result.scores + result.tokens.map(Float.init)
            }
            var summary = try #require(workload as? SummaryWorkload)
            let start = [Int64](repeating: 5, count: tokens.count / 11)
            let result = try summary.summarize(tokens, from: start, count: 4, sessions, runtime)
            return result.scores + result.tokens.map(Float.init)
        }
        let alone = try answer(text(37), model.workload(.tiny, lengths))
        let other = try answer(text(91), model.workload(.tiny, lengths))
        let both = try answer(text(37) + text(91), model.workload(.tiny, lengths, batch: 2))
        let swapped = try answer(text(91) + text(37), model.workload(.tiny, lengths, batch: 2))
        #expect(distance(alone, both) < 1e-4)
        #expect(distance(other, swapped) < 1e-4)
        #expect(distance(alone, other) > 1e-4)
    }

    /// The cache of keys and values changes how much is computed, not what: each new token and its scores are those of one
    /// pass over all tokens so far.
    @Test(arguments: TextModel.all.filter { $0.task == "summarization" })
    func aSummaryWithTheCacheIsOneWithoutIt(model: TextModel) throws {
        let runtime = try OnnxRuntime()
        let workload = try model.workload(.tiny, ["sequence_length": .integer(9)])
        var summary = try #require(workload as? SummaryWorkload)
        let sessions = try sessions(summary, runtime)
        let text: [Int64] = [17, 900, 3, 512, 44, 3, 70, 8, 999]
        let result = try summary.summarize(text, from: [2, 40, 711], count: 6, sessions, runtime)
        #expect(result.tokens.count == 6)

        var sequence: [Int64] = [2, 40, 711]
        var scores: [Float] = []
        for _ in 0..<6 {
            let next = try summary.summarize(text, from: sequence, count: 1, sessions, runtime)
            sequence += next.tokens
            scores = next.scores
        }
        #expect(Array(sequence.dropFirst(3)) == result.tokens)
        #expect(distance(scores, result.scores) < 1e-4 * (scores.map(abs).max() ?? 0))
        // What the encoder read is part of it.
        let other = try summary.summarize(text.reversed(), from: [2, 40, 711], count: 6, sessions, runtime)
        #expect(distance(other.scores, result.scores) > 1e-4)
    }

    @Test func everyLengthThatIsAllowedRuns() throws {
        for model in TextModel.all {
            for (text, new) in [(1, 1), (128, 3), (2, 127)] {
                if model.task == "text-generation", text + new > 128 { continue }
                var plugin = try plugin(
                    model,
                    [
                        "sequence_length": .integer(text), "prompt_length": .integer(text), "new_tokens": .integer(new),
                    ])
                #expect(try plugin.scores().allSatisfy { $0.isFinite }, "\(model) \(text) \(new)")
            }
        }
        let bart = try #require(TextModel.all.first { $0.model == "bart-large" })
        var longest = try plugin(bart, ["sequence_length": .integer(128), "new_tokens": .integer(128)])
        #expect(try longest.scores().allSatisfy { $0.isFinite })
    }

    @Test(arguments: [
        ("summarization", "bart-large", "sequence_length", 129), ("summarization", "t5-base", "sequence_length", 129),
        ("summarization", "bart-large", "new_tokens", 129), ("summarization", "t5-base", "new_tokens", 0),
        ("question-answering", "bert-large", "sequence_length", 129),
        ("fill-mask", "roberta-base", "sequence_length", 129),
        ("text-generation", "gpt2-medium", "prompt_length", 119),
    ])
    func aLengthThatDoesNotFitIsRefused(task: String, model: String, parameter: String, value: Int) throws {
        var plugin = OnnxProxies()
        let problem = #expect(throws: PluginProblem.self) {
            try plugin.initialize(.tiny(task, in: cache, model: model, [parameter: .integer(value)]))
        }
        #expect(problem?.message.contains(parameter) == true)
        #expect(problem?.message.contains("\(value)") == true)
        #expect(problem?.remedy?.contains("128") == true)
    }

    @Test func theBestSpanIsInOrderAndNotTooLong() {
        // The best end stands before the best start, so the best pair is another one.
        #expect(EncoderWorkload.bestSpan([0, 5, 9, 0], [0, 8, 1, 3]) == [1, 1])
        #expect(EncoderWorkload.bestSpan([1, 0, 0], [0, 0, 4]) == [0, 2])
        // Fifteen tokens are an answer, sixteen are none.
        var (starts, ends) = ([Float](repeating: 0, count: 40), [Float](repeating: 0, count: 40))
        (starts[10], ends[24]) = (5, 5)
        #expect(EncoderWorkload.bestSpan(starts, ends) == [10, 24])
        (ends[24], ends[25]) = (0, 5)
        #expect(EncoderWorkload.bestSpan(starts, ends) != [10, 25])
    }

    /// transformers 5.24, `T5Attention._relative_position_bucket(distance, bidirectional, 32, 128)`.
    @Test func t5CountsDistancesAsPublished() {
        let distances = [
            -600, -300, -128, -127, -112, -100, -91, -90, -64, -46, -45, -33, -32, -24, -23, -20, -17, -16, -15, -12,
            -11,
            -10, -9, -8, -7, -1, 0, 1, 7, 8, 9, 11, 12, 15, 16, 23, 32, 45, 46, 64, 90, 91, 127, 128, 300,
        ]
        let model = T5(size: .full)
        #expect(
            distances.map { model.bucket(of: $0, bothWays: true) } == [
                15, 15, 15, 15, 15, 15, 15, 14, 14, 13, 12, 12, 12, 11, 11, 10, 10, 10, 9, 9, 8, 8, 8, 8, 7, 1, 0, 17,
                23,
                24, 24, 24, 25, 25, 26, 27, 28, 28, 29, 30, 30, 31, 31, 31, 31,
            ])
        #expect(
            distances.map { model.bucket(of: $0, bothWays: false) } == [
                31, 31, 31, 31, 30, 30, 29, 29, 26, 24, 23, 21, 21, 19, 18, 17, 16, 16, 15, 12, 11, 10, 9, 8, 7, 1, 0,
                0, 0,
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ])
    }
}
