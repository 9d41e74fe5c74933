import Onnx

/// BERT (Devlin et al., arXiv 1810.04805) and its kin: post-layer-norm encoder with learned positions.
struct BERT {
    enum Head {
        /// Pooler and a linear layer over the first token.
        case classification(labels: Int)
        /// The same with a rectifier in place of the hyperbolic tangent, as DistilBERT has it.
        case rectifiedClassification(labels: Int)
        /// A label for every token.
        case tags(labels: Int)
        /// How well each token begins the answer, and how well it ends it.
        case span
        /// Transform and a projection to the vocabulary by the word embedding itself.
        case vocabulary
    }

    var layers = 12
    var hidden = 768
    var heads = 12
    var intermediate = 3072
    var vocabulary = 30_522
    /// Rows of the table of positions.
    var positions = 512
    /// The row of the first token.
    var firstPosition = 0
    /// 0: the model has no embedding of token types.
    var tokenTypes = 2
    var epsilon: Float = 1e-12
    var head: Head

    /// `bert-base-uncased`.
    init(size: ProxySize, head: Head) {
        self.head = head
        if size == .tiny {
            (layers, hidden, heads, intermediate, vocabulary, positions) = (2, 64, 2, 256, 1000, 128)
        }
    }

    /// `bert-large-uncased`.
    static func large(size: ProxySize, head: Head) -> BERT {
        var network = BERT(size: size, head: head)
        switch size {
        case .full:
            (network.layers, network.hidden, network.heads, network.intermediate) = (24, 1024, 16, 4096)
        case .tiny:
            (network.layers, network.hidden, network.heads, network.intermediate) = (3, 96, 3, 384)
        }
        return network
    }

    /// DistilBERT (Sanh et al., arXiv 1910.01108): half the layers, no token types.
    static func distilled(size: ProxySize, head: Head) -> BERT {
        var network = BERT(size: size, head: head)
        network.tokenTypes = 0
        network.layers = size == .full ? 6 : 2
        return network
    }

    /// RoBERTa (Liu et al., arXiv 1907.11692), `roberta-base`: another vocabulary, and positions that begin at 2.
    static func roberta(size: ProxySize, head: Head) -> BERT {
        var network = BERT(size: size, head: head)
        network.vocabulary = size == .full ? 50_265 : 1200
        network.positions += 2
        network.firstPosition = 2
        network.tokenTypes = 1
        network.epsilon = 1e-5
        return network
    }

    /// How many tokens it can read.
    var longest: Int { positions - firstPosition }

    /// The names of the graph's outputs.
    var outputs: [String] {
        if case .span = head { return ["start_logits", "end_logits"] }
        return ["logits"]
    }

    static let sequence = "sequence"
    /// Of all queries together: batch × sequence.
    static let tokens = "tokens"

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "bert")
        let shape: [Dimension] = [GraphBuilder.batch, .named(Self.sequence)]
        let ids = g.input("input_ids", shape, .int64)
        let words = g.weight("embeddings.word", [vocabulary, hidden], .random(deviation: 0.02, mean: 0))
        var embedded = g.embed(words, ids)
        if tokenTypes > 0 {
            let types = g.input("token_type_ids", shape, .int64)
            let kind = g.weight("embeddings.token_type", [tokenTypes, hidden], .random(deviation: 0.02, mean: 0))
            embedded = g.sum(embedded, g.embed(kind, types))
        }
        let positionIDs = g.input("position_ids", shape, .int64)
        let place = g.weight("embeddings.position", [positions, hidden], .random(deviation: 0.02, mean: 0))
        embedded = g.sum(embedded, g.embed(place, positionIDs))
        // 0 where a token is, −10,000 where there is padding; added to every score.
        let mask = g.input("attention_bias", [GraphBuilder.batch, 1, 1, .named(Self.sequence)])
        var x = g.layerNorm(embedded, "embeddings.norm", hidden, epsilon: epsilon)
        for layer in 0..<layers { x = encoderLayer(&g, x, mask, "layer.\(layer)") }
        add(head, &g, x, words)
        return g
    }

    private func encoderLayer(
        _ g: inout GraphBuilder, _ x: GraphBuilder.Value, _ mask: GraphBuilder.Value, _ name: String
    ) -> GraphBuilder.Value {
        let attention = MultiHeadAttention(heads: heads, width: hidden / heads)
        let q = g.dense(x, "\(name).query", hidden, hidden, deviation: 0.02)
        let k = g.dense(x, "\(name).key", hidden, hidden, deviation: 0.02)
        let v = g.dense(x, "\(name).value", hidden, hidden, deviation: 0.02)
        let (query, key) = (attention.apart(&g, q), attention.apartTransposed(&g, k))
        let context = attention.attend(
            &g, query, key, attention.apart(&g, v), scale: 1 / Float(attention.width).squareRoot(), bias: mask)
        let attended = g.dense(context, "\(name).attention.output", hidden, hidden, deviation: 0.02)
        let normed = g.layerNorm(g.sum(attended, x), "\(name).attention.norm", hidden, epsilon: epsilon)
        let up = g.gelu(g.dense(normed, "\(name).intermediate", hidden, intermediate, deviation: 0.02))
        let down = g.dense(up, "\(name).output", intermediate, hidden, deviation: 0.02)
        return g.layerNorm(g.sum(down, normed), "\(name).norm", hidden, epsilon: epsilon)
    }

    private func add(
        _ head: Head, _ g: inout GraphBuilder, _ x: GraphBuilder.Value, _ words: GraphBuilder.Value
    ) {
        switch head {
        case .classification(let labels):
            let pooled = g.tanh(g.dense(g.pick(x, axis: 1, index: 0), "pooler", hidden, hidden, deviation: 0.02))
            g.output(g.dense(pooled, "classifier", hidden, labels, deviation: 0.02), as: "logits")
        case .rectifiedClassification(let labels):
            let pooled = g.relu(g.dense(g.pick(x, axis: 1, index: 0), "pooler", hidden, hidden, deviation: 0.02))
            g.output(g.dense(pooled, "classifier", hidden, labels, deviation: 0.02), as: "logits")
        case .tags(let labels):
            g.output(g.dense(x, "classifier", hidden, labels, deviation: 0.02), as: "logits")
        case .span:
            let scores = g.dense(x, "qa_outputs", hidden, 2, deviation: 0.02)
            g.output(g.pick(scores, axis: 2, index: 0), as: "start_logits")
            g.output(g.pick(scores, axis: 2, index: 1), as: "end_logits")
        case .vocabulary:
            let transformed = g.gelu(g.dense(x, "transform", hidden, hidden, deviation: 0.02))
            let normed = g.layerNorm(transformed, "transform.norm", hidden, epsilon: epsilon)
            // A matrix, which is what a projection by the transposed embedding takes.
            let flat = g.reshape(normed, [.named(Self.tokens), .fixed(hidden)])
            let bias = g.weight("decoder.bias", [vocabulary], .random(deviation: 0.02, mean: 0))
            g.output(g.matMulTransposed(flat, words, bias: bias), as: "logits")
        }
    }
}
