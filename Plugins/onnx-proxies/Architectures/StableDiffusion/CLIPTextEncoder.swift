import Onnx

/// The text encoder of CLIP ViT-L/14 (Radford et al., arXiv 2103.00020), as in transformers' `CLIPTextModel`: causal,
/// layer norm before each part, learned positions. Stable Diffusion 1 reads its last layer after the final norm.
struct CLIPTextEncoder {
    var layers = 12
    var hidden = 768
    var heads = 12
    var intermediate = 3072
    var vocabulary = 49_408
    var positions = 77

    init(size: ProxySize) {
        if size == .tiny {
            (layers, hidden, heads, intermediate, vocabulary, positions) = (2, 32, 2, 128, 1000, 20)
        }
    }

    /// The tokens around a prompt are the vocabulary's last two; the second also fills what is left of the length.
    var begin: Int64 { Int64(vocabulary - 2) }
    var end: Int64 { Int64(vocabulary - 1) }

    /// `input_ids` [batch, positions] → `last_hidden_state` [batch, positions, hidden].
    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "clip-text")
        let ids = g.input("input_ids", [GraphBuilder.batch, .fixed(positions)], .int64)
        // 0 where a token may look, −10,000 at the tokens after it; added to every score.
        let mask = g.input("attention_bias", [1, 1, .fixed(positions), .fixed(positions)])
        let words = g.weight("embeddings.token", [vocabulary, hidden], .random(deviation: 0.02, mean: 0))
        let place = g.weight("embeddings.position", [positions, hidden], .random(deviation: 0.01, mean: 0))
        var x = g.sum(g.embed(words, ids), place)
        for layer in 0..<layers { x = block(&g, x, mask, "layer.\(layer)") }
        g.output(g.layerNorm(x, "final_norm", hidden, epsilon: 1e-5), as: "last_hidden_state")
        return g
    }

    private func block(
        _ g: inout GraphBuilder, _ x: GraphBuilder.Value, _ mask: GraphBuilder.Value, _ name: String
    ) -> GraphBuilder.Value {
        let deviation = 1 / Float(hidden).squareRoot()
        let normed = g.layerNorm(x, "\(name).norm1", hidden, epsilon: 1e-5)
        let query = g.dense(normed, "\(name).q", hidden, hidden, deviation: deviation)
        let key = g.dense(normed, "\(name).k", hidden, hidden, deviation: deviation)
        let value = g.dense(normed, "\(name).v", hidden, hidden, deviation: deviation)
        let mixed = g.attention(query, key, value, heads: heads, bias: mask)
        let attended = g.sum(x, g.dense(mixed, "\(name).out", hidden, hidden, deviation: deviation))
        let inner = g.layerNorm(attended, "\(name).norm2", hidden, epsilon: 1e-5)
        let up = g.dense(inner, "\(name).fc1", hidden, intermediate, deviation: deviation)
        let down = g.dense(
            g.quickGELU(up), "\(name).fc2", intermediate, hidden, deviation: 1 / Float(intermediate).squareRoot())
        return g.sum(attended, down)
    }
}
