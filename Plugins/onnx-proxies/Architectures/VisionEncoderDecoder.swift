import Onnx

/// ViT-B/16 and a GPT-2 that also looks at the image, as in `nlpconnect/vit-gpt2-image-captioning` (transformers'
/// `VisionEncoderDecoderModel`).
///
/// The keys and values of the image are made in the encoder's graph, once, and not in every pass of the decoder.
struct VisionEncoderDecoder {
    var encoderNetwork: ViT
    var layers = 12
    var hidden = 768
    var heads = 12
    var vocabulary = 50_257
    var positions = 1024

    init(size: ProxySize) {
        encoderNetwork = ViT(size: size)
        if size == .tiny { (layers, hidden, heads, vocabulary, positions) = (2, 64, 2, 1000, 128) }
    }

    /// GPT-2's beginning and end of a text, the last of its vocabulary.
    var startToken: Int64 { Int64(vocabulary - 1) }

    /// Tokens of the image: a dimension of the decoder's graph.
    static let source = "source"

    var crossNames: [String] { (0..<layers).flatMap { ["cross_key_\($0)", "cross_value_\($0)"] } }

    private var attention: MultiHeadAttention { MultiHeadAttention(heads: heads, width: hidden / heads) }
    private var deviation: Float { 1 / Float(hidden).squareRoot() }

    func encoder() -> GraphBuilder {
        var g = GraphBuilder(name: "vit")
        let image = encoderNetwork.features(&g)
        for layer in 0..<layers {
            let both = g.dense(
                image, "h.\(layer).crossattention.c_attn", hidden, 2 * hidden, deviation: deviation)
            let parts = g.split(both, into: 2)
            g.output(attention.apartTransposed(&g, parts[0]), as: "cross_key_\(layer)")
            g.output(attention.apart(&g, parts[1]), as: "cross_value_\(layer)")
        }
        // The published model computes the pooler, though nothing reads it.
        let first = g.pick(image, axis: 1, index: 0)
        g.output(g.tanh(g.dense(first, "pooler", hidden, hidden, deviation: deviation)), as: "pooled")
        return g
    }

    func decoder() -> GraphBuilder {
        var g = GraphBuilder(name: "gpt2")
        let length = Dimension.named(GreedyDecoder.sequence)
        let ids = g.input("input_ids", [GraphBuilder.batch, length], .int64)
        let positionIDs = g.input("position_ids", [GraphBuilder.batch, length], .int64)
        let mask = g.input("attention_bias", [1, 1, length, .named(GreedyDecoder.total)])
        let words = g.weight("wte", [vocabulary, hidden], .random(deviation: 0.02, mean: 0))
        let place = g.weight("wpe", [positions, hidden], .random(deviation: 0.01, mean: 0))
        var x = g.sum(g.embed(words, ids), g.embed(place, positionIDs))
        // What is added to the residual stream is scaled by one over the root of the number of such additions.
        let residual = deviation / Float(3 * layers).squareRoot()
        let scale = 1 / Float(attention.width).squareRoot()
        for layer in 0..<layers {
            let name = "h.\(layer)"
            let normed = g.layerNorm(x, "\(name).ln_1", hidden, epsilon: 1e-5)
            let parts = g.split(
                g.dense(normed, "\(name).attn.c_attn", hidden, 3 * hidden, deviation: deviation), into: 3)
            let query = attention.apart(&g, parts[0])
            let cache = attention.cached(
                &g, layer: layer, key: attention.apart(&g, parts[1]), value: attention.apart(&g, parts[2]))
            let context = attention.attend(
                &g, query, g.transpose(cache.key, [0, 1, 3, 2]), cache.value, scale: scale, bias: mask)
            x = g.sum(x, g.dense(context, "\(name).attn.c_proj", hidden, hidden, deviation: residual))

            let second = g.layerNorm(x, "\(name).ln_cross_attn", hidden, epsilon: 1e-5)
            let asked = g.dense(second, "\(name).crossattention.q_attn", hidden, hidden, deviation: deviation)
            let cross = attention.crossed(&g, layer: layer, source: Self.source)
            let seen = attention.attendToAll(&g, attention.apart(&g, asked), cross.key, cross.value)
            x = g.sum(x, g.dense(seen, "\(name).crossattention.c_proj", hidden, hidden, deviation: residual))

            let third = g.layerNorm(x, "\(name).ln_2", hidden, epsilon: 1e-5)
            let up = g.geluTanh(g.dense(third, "\(name).mlp.c_fc", hidden, 4 * hidden, deviation: deviation))
            // Four times as many inputs.
            x = g.sum(x, g.dense(up, "\(name).mlp.c_proj", 4 * hidden, hidden, deviation: residual / 2))
        }
        // Only the last token's scores are of use, and only they are computed.
        let last = g.pick(g.layerNorm(x, "ln_f", hidden, epsilon: 1e-5), axis: 1, index: -1)
        g.output(g.matMulTransposed(last, words), as: "logits")
        return g
    }
}
