import Onnx
import Testing

@testable import onnx_proxies

/// The proxies are the published networks: that is what makes their energy say anything. Only graphs are built here; no
/// weights are written.
@Suite("Published figures") struct PublishedFigureTests {
    private func parameters(_ builder: GraphBuilder) -> Int64 { GraphCount.parameters(builder.countable) }

    /// transformers' `BertForSequenceClassification`: 109,482,240 of `bert-base-uncased` with its pooler, and 768 · 2 + 2.
    @Test func bertForClassification() {
        #expect(parameters(BERT(size: .full, head: .classification(labels: 2)).graph()) == 109_482_240 + 1538)
    }

    /// transformers' `BertForMaskedLM`, with the output tied to the word embedding.
    @Test func bertForMaskedWords() {
        #expect(parameters(BERT(size: .full, head: .vocabulary).graph()) == 109_514_298)
    }

    /// torchvision's `resnet50`.
    @Test func resNet50() {
        #expect(parameters(ResNet(size: .full).graph()) == 25_557_032)
    }

    /// transformers' `GPT2LMHeadModel` of `gpt2`, with the output tied to the word embedding.
    @Test func gpt2() {
        #expect(parameters(GPT2(size: .full).graph()) == 124_439_808)
    }

    private func isWithin(_ share: Double, _ value: Double, of published: Double) -> Bool {
        abs(value - published) <= share * published
    }

    /// 4.09 GMAC at 224 × 224 (torchvision's model page, `_ops` of ResNet50_Weights); 2 % for activations and norms.
    @Test func operationsOfResNet50() throws {
        let operations = try ImageWorkload("resnet-50", ResNet(size: .full), batch: 1, seed: 0).operations()
        #expect(isWithin(0.02, operations, of: 2 * 4.09e9))
    }

    /// 22.5 GFLOPs at 128 tokens (Sun et al., *MobileBERT*, arXiv 2004.02984, table 4; Jiao et al., *TinyBERT*, arXiv
    /// 1909.10351, table 1).
    @Test func operationsOfBERT() throws {
        let model = BERT(size: .full, head: .classification(labels: 2))
        let operations = try EncoderWorkload("bert-base", model, length: 128, batch: 1, seed: 0).operations()
        #expect(isWithin(0.02, operations, of: 22.5e9))
    }

    /// The head over the vocabulary adds, per token, a 768 × 768 and a 768 × 30,522 product, and takes the pooler away.
    @Test func operationsOfTheVocabularyHead() throws {
        func operations(_ head: BERT.Head) throws -> Double {
            try EncoderWorkload("bert-base", BERT(size: .full, head: head), length: 128, batch: 1, seed: 0).operations()
        }
        let head = try operations(.vocabulary) - operations(.classification(labels: 2))
        #expect(isWithin(0.01, head, of: 128 * 2 * 768 * (768 + 30_522)))
    }

    /// Kaplan et al., arXiv 2001.08361, table 1: 2 N + 4 · layers · width · context operations a token (theirs is per
    /// token with 2 operations a multiplication), where N counts the blocks; and the output's product, once a new token.
    /// 3 % for what the table leaves out: activations, norms, softmax.
    @Test(arguments: [(50, 10), (200, 1), (1, 30)])
    func operationsOfGPT2(prompt: Int, new: Int) throws {
        let operations = try GenerationWorkload(
            "gpt2", GPT2(size: .full), promptLength: prompt, newTokens: new, batch: 1, seed: 0
        ).operations()
        let blocks = 12.0 * 12 * 768 * 768
        let output = 2.0 * 768 * 50_257
        func pass(new: Int, context: Int) -> Double {
            let attention = 4.0 * 12 * 768 * Double(context)
            return Double(new) * (2 * blocks + attention) + output
        }
        var expected = pass(new: prompt, context: prompt)
        for token in 1..<max(2, new) where token < new { expected += pass(new: 1, context: prompt + token) }
        #expect(isWithin(0.03, operations, of: expected))
    }
}
