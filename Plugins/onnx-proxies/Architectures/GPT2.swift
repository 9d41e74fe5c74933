import Onnx

/// GPT-2 (Radford et al., 2019), the small one: pre-layer-norm decoder, tied output, and a cache of keys and values.
struct GPT2 {
    var layers = 12
    var hidden = 768
    var heads = 12
    var vocabulary = 50_257
    var positions = 1024

    init(size: ProxySize) {
        if size == .tiny { (layers, hidden, heads, vocabulary, positions) = (2, 64, 2, 1000, 128) }
    }

    var headWidth: Int { hidden / heads }

    static let sequence = "sequence"
    static let past = "past"
    static let total = "total"

    /// The graph's named dimensions for a pass over some new tokens after those in the cache.
    static func bindings(new: Int, past: Int) -> [String: Int] {
        ["batch": 1, sequence: new, Self.past: past, total: new + past]
    }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "gpt2")
        let length = Dimension.named(Self.sequence)
        let past = Dimension.named(Self.past)
        let total = Dimension.named(Self.total)
        let ids = g.input("input_ids", [GraphBuilder.batch, length], .int64)
        let positionIDs = g.input("position_ids", [GraphBuilder.batch, length], .int64)
        // 0 where a token may look, −10,000 at what comes after it.
        let mask = g.input("attention_bias", [1, 1, length, total])
        let words = g.weight("wte", [vocabulary, hidden], .random(deviation: 0.02, mean: 0))
        let place = g.weight("wpe", [positions, hidden], .random(deviation: 0.01, mean: 0))
        var x = g.sum(g.embed(words, ids), g.embed(place, positionIDs))
        // GPT-2 scales what is added to the residual stream by one over the root of the number of such additions.
        let residual = 0.02 / Float(2 * layers).squareRoot()
        for layer in 0..<layers {
            let name = "h.\(layer)"
            let normed = g.layerNorm(x, "\(name).ln_1", hidden, epsilon: 1e-5)
            let parts = g.split(g.dense(normed, "\(name).attn.c_attn", hidden, 3 * hidden, deviation: 0.02), into: 3)
            func heads(_ x: GraphBuilder.Value) -> GraphBuilder.Value {
                g.transpose(
                    g.reshape(x, [GraphBuilder.batch, length, .fixed(self.heads), .fixed(headWidth)]), [0, 2, 1, 3])
            }
            let cache: [Dimension] = [GraphBuilder.batch, .fixed(self.heads), past, .fixed(headWidth)]
            let pastKey = g.input("past_key_\(layer)", cache)
            let pastValue = g.input("past_value_\(layer)", cache)
            let query = heads(parts[0])
            let key = g.concatenate(pastKey, heads(parts[1]), axis: 2, size: total)
            let value = g.concatenate(pastValue, heads(parts[2]), axis: 2, size: total)
            g.output(key, as: "present_key_\(layer)")
            g.output(value, as: "present_value_\(layer)")
            let raw = g.matMul(query, g.transpose(key, [0, 1, 3, 2]))
            let scores = g.sum(g.scaled(raw, by: 1 / Float(headWidth).squareRoot()), mask)
            let mixed = g.transpose(g.matMul(g.softmax(scores), value), [0, 2, 1, 3])
            let context = g.reshape(mixed, [GraphBuilder.batch, length, .fixed(hidden)])
            x = g.sum(x, g.dense(context, "\(name).attn.c_proj", hidden, hidden, deviation: residual))
            let second = g.layerNorm(x, "\(name).ln_2", hidden, epsilon: 1e-5)
            let up = g.geluTanh(g.dense(second, "\(name).mlp.c_fc", hidden, 4 * hidden, deviation: 0.02))
            x = g.sum(x, g.dense(up, "\(name).mlp.c_proj", 4 * hidden, hidden, deviation: residual))
        }
        // Only the last token's scores are of use, and only they are computed.
        let last = g.pick(g.layerNorm(x, "ln_f", hidden, epsilon: 1e-5), axis: 1, index: -1)
        g.output(g.matMulTransposed(last, words), as: "logits")
        return g
    }
}
