import Onnx
import Testing

@testable import PluginKit
@testable import onnx_proxies

/// Counted from the graphs at full size; no weights are written.
@Suite("Published figures of text models") struct TextFigureTests {
    @Test(arguments: TextModel.all) func parametersAreThoseOfThePublishedNetwork(model: TextModel) throws {
        #expect(try model.workload(.full).graphs.parameterCount == model.parameters)
    }

    private func isWithin(_ share: Double, _ value: Double, of expected: Double) -> Bool {
        abs(value - expected) <= share * expected
    }

    /// Two operations a weight and token, and two products over the context, of one layer's attention and feed-forward
    /// part (Kaplan et al., arXiv 2001.08361, table 1).
    private func layer(_ shape: (layers: Double, hidden: Double, feedForward: Double), tokens: Double, context: Double)
        -> Double
    {
        let (hidden, inner) = (shape.hidden, shape.feedForward)
        return tokens * (2 * (4 * hidden * hidden + 2 * hidden * inner) + 4 * hidden * context)
    }

    /// Half the layers of BERT, which takes 22.5 GFLOPs at 128 tokens (Sun et al., *MobileBERT*, arXiv 2004.02984, table 4).
    @Test func operationsOfDistilBERT() throws {
        let model = try #require(TextModel.all.first { $0.model == "distilbert" })
        #expect(isWithin(0.02, try model.workload(.full).operations(), of: 22.5e9 / 2))
    }

    /// 2 % for what the formula leaves out: activations, norms, softmax, small heads.
    @Test(arguments: TextModel.all.filter { $0.task != "text-generation" && $0.task != "summarization" })
    func operationsOfEncoders(model: TextModel) throws {
        let tokens = model.task == "question-answering" ? 384.0 : 128.0
        let shape = model.shape
        var expected = shape.layers * layer(shape, tokens: tokens, context: tokens)
        if model.task == "fill-mask" {
            let vocabulary = model.model == "bert-base" ? 30_522.0 : 50_265.0
            expected += 2 * tokens * shape.hidden * (shape.hidden + vocabulary)
        }
        #expect(isWithin(0.02, try model.workload(.full).operations(), of: expected))
    }

    @Test func operationsOfGPT2Medium() throws {
        let model = try #require(TextModel.all.first { $0.model == "gpt2-medium" })
        let shape = model.shape
        func pass(_ new: Double, context: Double) -> Double {
            shape.layers * layer(shape, tokens: new, context: context) + 2 * shape.hidden * 50_257
        }
        var expected = pass(50, context: 50)
        for step in 1..<10 { expected += pass(1, context: 50 + Double(step)) }
        #expect(isWithin(0.02, try model.workload(.full).operations(), of: expected))
    }

    /// The encoder over the text, the decoder's keys and values of it once, and a pass a token.
    @Test(arguments: TextModel.all.filter { $0.task == "summarization" }, [(512, 15), (64, 1), (1, 40)])
    func operationsOfSummaries(model: TextModel, lengths: (text: Int, new: Int)) throws {
        let shape = model.shape
        let (text, hidden) = (Double(lengths.text), shape.hidden)
        var expected = shape.layers * (layer(shape, tokens: text, context: text) + 2 * text * 2 * hidden * hidden)
        for step in 0..<lengths.new {
            let own = layer(shape, tokens: 1, context: Double(step + 1))
            let cross = 2 * 2 * hidden * hidden + 4 * hidden * text
            expected += shape.layers * (own + cross) + 2 * hidden * (model.model == "bart-large" ? 50_265 : 32_128)
        }
        let operations = try model.workload(
            .full, ["sequence_length": .integer(lengths.text), "new_tokens": .integer(lengths.new)]
        ).operations()
        #expect(isWithin(0.03, operations, of: expected))
    }

    /// Nobody may pay twice for a word embedding that encoder, decoder and output share.
    @Test func aWeightOfTwoGraphsIsCountedOnce() throws {
        let workload = SummaryWorkload("bart", BART(size: .tiny), inputLength: 8, newTokens: 2, batch: 1, seed: 0)
        let separate = workload.graphs.reduce(0) { $0 + GraphCount.parameters($1.builder.countable) }
        #expect(separate - workload.graphs.parameterCount == 1000 * 64)
    }
}
