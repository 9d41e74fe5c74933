import Onnx

/// GPT-2 (Radford et al., 2019): pre-layer-norm decoder, tied output, and a cache of keys and values.
struct GPT2 {
    var layers = 12
    var hidden = 768
    var heads = 12
    var vocabulary = 50_257
    var positions = 1024

    /// The small one, 124 M parameters.
    init(size: ProxySize) {
        if size == .tiny { (layers, hidden, heads, vocabulary, positions) = (2, 64, 2, 1000, 128) }
    }

    /// `gpt2-medium`, 355 M parameters.
    static func medium(size: ProxySize) -> GPT2 {
        var network = GPT2(size: size)
        switch size {
        case .full: (network.layers, network.hidden, network.heads) = (24, 1024, 16)
        case .tiny: (network.layers, network.hidden, network.heads) = (3, 96, 3)
        }
        return network
    }

    var headWidth: Int { hidden / heads }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "gpt2")
        let length = Dimension.named(GreedyDecoder.sequence)
        let ids = g.input("input_ids", [GraphBuilder.batch, length], .int64)
        let positionIDs = g.input("position_ids", [GraphBuilder.batch, length], .int64)
        // 0 where a token may look, −10,000 at what comes after it.
        let mask = g.input("attention_bias", [1, 1, length, .named(GreedyDecoder.total)])
        let words = g.weight("wte", [vocabulary, hidden], .random(deviation: 0.02, mean: 0))
        let place = g.weight("wpe", [positions, hidden], .random(deviation: 0.01, mean: 0))
        var x = g.sum(g.embed(words, ids), g.embed(place, positionIDs))
        // GPT-2 scales what is added to the residual stream by one over the root of the number of such additions.
        let residual = 0.02 / Float(2 * layers).squareRoot()
        let attention = MultiHeadAttention(heads: heads, width: headWidth)
        for layer in 0..<layers {
            let name = "h.\(layer)"
            let normed = g.layerNorm(x, "\(name).ln_1", hidden, epsilon: 1e-5)
            let parts = g.split(g.dense(normed, "\(name).attn.c_attn", hidden, 3 * hidden, deviation: 0.02), into: 3)
            let query = attention.apart(&g, parts[0])
            let cache = attention.cached(
                &g, layer: layer, key: attention.apart(&g, parts[1]), value: attention.apart(&g, parts[2]))
            let context = attention.attend(
                &g, query, g.transpose(cache.key, [0, 1, 3, 2]), cache.value,
                scale: 1 / Float(headWidth).squareRoot(), bias: mask)
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
