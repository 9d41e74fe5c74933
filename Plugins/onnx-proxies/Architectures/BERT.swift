import Onnx

/// BERT (Devlin et al., arXiv 1810.04805), as in `bert-base-uncased`: post-layer-norm encoder, learned positions.
struct BERT {
    enum Head {
        /// Pooler and a linear layer over the first token.
        case classification(labels: Int)
        /// Transform and a projection to the vocabulary by the word embedding itself.
        case vocabulary
    }

    var layers = 12
    var hidden = 768
    var heads = 12
    var intermediate = 3072
    var vocabulary = 30_522
    var positions = 512
    var head: Head

    init(size: ProxySize, head: Head) {
        self.head = head
        if size == .tiny {
            (layers, hidden, heads, intermediate, vocabulary, positions) = (2, 64, 2, 256, 1000, 128)
        }
    }

    static let sequence = "sequence"
    /// Of all queries together: batch × sequence.
    static let tokens = "tokens"

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "bert")
        let length = Dimension.named(Self.sequence)
        let ids = g.input("input_ids", [GraphBuilder.batch, length], .int64)
        let types = g.input("token_type_ids", [GraphBuilder.batch, length], .int64)
        let positionIDs = g.input("position_ids", [GraphBuilder.batch, length], .int64)
        // 0 where a token is, −10,000 where there is padding; added to every score.
        let mask = g.input("attention_bias", [GraphBuilder.batch, 1, 1, length])
        let words = g.weight("embeddings.word", [vocabulary, hidden], .random(deviation: 0.02, mean: 0))
        let place = g.weight("embeddings.position", [positions, hidden], .random(deviation: 0.02, mean: 0))
        let kind = g.weight("embeddings.token_type", [2, hidden], .random(deviation: 0.02, mean: 0))
        let embedded = g.sum(g.sum(g.embed(words, ids), g.embed(kind, types)), g.embed(place, positionIDs))
        var x = g.layerNorm(embedded, "embeddings.norm", hidden, epsilon: 1e-12)
        for layer in 0..<layers { x = encoderLayer(&g, x, mask, "layer.\(layer)", length) }
        switch head {
        case .classification(let labels):
            let first = g.pick(x, axis: 1, index: 0)
            let pooled = g.tanh(g.dense(first, "pooler", hidden, hidden, deviation: 0.02))
            g.output(g.dense(pooled, "classifier", hidden, labels, deviation: 0.02), as: "logits")
        case .vocabulary:
            let transformed = g.gelu(g.dense(x, "transform", hidden, hidden, deviation: 0.02))
            let normed = g.layerNorm(transformed, "transform.norm", hidden, epsilon: 1e-12)
            // A matrix, which is what a projection by the transposed embedding takes.
            let flat = g.reshape(normed, [.named(Self.tokens), .fixed(hidden)])
            let bias = g.weight("decoder.bias", [vocabulary], .random(deviation: 0.02, mean: 0))
            g.output(g.matMulTransposed(flat, words, bias: bias), as: "logits")
        }
        return g
    }

    private func encoderLayer(
        _ g: inout GraphBuilder, _ x: GraphBuilder.Value, _ mask: GraphBuilder.Value, _ name: String,
        _ length: Dimension
    ) -> GraphBuilder.Value {
        let width = hidden / heads
        func split(_ part: String) -> GraphBuilder.Value {
            let projected = g.dense(x, "\(name).\(part)", hidden, hidden, deviation: 0.02)
            return g.reshape(projected, [GraphBuilder.batch, length, .fixed(heads), .fixed(width)])
        }
        let (q, k, v) = (split("query"), split("key"), split("value"))
        let query = g.transpose(q, [0, 2, 1, 3])
        let key = g.transpose(k, [0, 2, 3, 1])
        let value = g.transpose(v, [0, 2, 1, 3])
        let scores = g.sum(g.scaled(g.matMul(query, key), by: 1 / Float(width).squareRoot()), mask)
        let mixed = g.transpose(g.matMul(g.softmax(scores), value), [0, 2, 1, 3])
        let context = g.reshape(mixed, [GraphBuilder.batch, length, .fixed(hidden)])
        let attended = g.dense(context, "\(name).attention.output", hidden, hidden, deviation: 0.02)
        let normed = g.layerNorm(g.sum(attended, x), "\(name).attention.norm", hidden, epsilon: 1e-12)
        let up = g.gelu(g.dense(normed, "\(name).intermediate", hidden, intermediate, deviation: 0.02))
        let down = g.dense(up, "\(name).output", intermediate, hidden, deviation: 0.02)
        return g.layerNorm(g.sum(down, normed), "\(name).norm", hidden, epsilon: 1e-12)
    }
}
