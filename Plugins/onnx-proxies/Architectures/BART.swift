import Onnx

/// BART (Lewis et al., arXiv 1910.13461), as in `facebook/bart-large`: post-layer-norm encoder and decoder, learned
/// positions whose first two rows are not used, one word embedding for both and for the output.
///
/// `final_logits_bias` of the published code is left out: it is no parameter there, but a row of zeros.
struct BART: EncoderDecoder {
    var layers = 12
    var hidden = 1024
    var heads = 16
    var intermediate = 4096
    var vocabulary = 50_265
    /// The longest text.
    var positions = 1024

    init(size: ProxySize) {
        if size == .tiny {
            (layers, hidden, heads, intermediate, vocabulary, positions) = (2, 64, 2, 256, 1000, 128)
        }
    }

    var decoderLayers: Int { layers }
    var headWidth: Int { hidden / heads }
    /// `</s>`
    var startToken: Int64 { 2 }

    private typealias Value = GraphBuilder.Value
    /// Where the first token stands in the table of positions.
    private static let firstPosition = 2
    private var attention: MultiHeadAttention { MultiHeadAttention(heads: heads, width: headWidth) }
    private var scale: Float { 1 / Float(headWidth).squareRoot() }

    func encoder() -> GraphBuilder {
        var g = GraphBuilder(name: "bart_encoder")
        var x = embedded(&g, "encoder", length: Self.source).x
        let mask = g.input("encoder_attention_bias", [GraphBuilder.batch, 1, 1, .named(Self.source)])
        for layer in 0..<layers {
            let name = "encoder.layers.\(layer)"
            let query = attention.apart(&g, project(&g, x, "\(name).self_attn.q_proj"))
            let key = attention.apartTransposed(&g, project(&g, x, "\(name).self_attn.k_proj"))
            let value = attention.apart(&g, project(&g, x, "\(name).self_attn.v_proj"))
            let mixed = attention.attend(&g, query, key, value, scale: scale, bias: mask)
            x = added(&g, x, project(&g, mixed, "\(name).self_attn.out_proj"), "\(name).self_attn_layer_norm")
            x = feedForward(&g, x, name)
        }
        // The decoder's layers look at the text by these, the same in every step.
        for layer in 0..<layers {
            let name = "decoder.layers.\(layer).encoder_attn"
            let key = attention.apartTransposed(&g, project(&g, x, "\(name).k_proj"))
            let value = attention.apart(&g, project(&g, x, "\(name).v_proj"))
            g.output(key, as: "cross_key_\(layer)")
            g.output(value, as: "cross_value_\(layer)")
        }
        return g
    }

    func decoder() -> GraphBuilder {
        var g = GraphBuilder(name: "bart_decoder")
        let start = embedded(&g, "decoder", length: GreedyDecoder.sequence)
        var x = start.x
        // 0 where a token may look, −10,000 at what comes after it.
        let causal = g.input(
            "attention_bias", [1, 1, .named(GreedyDecoder.sequence), .named(GreedyDecoder.total)])
        let mask = g.input("encoder_attention_bias", [GraphBuilder.batch, 1, 1, .named(Self.source)])
        for layer in 0..<layers {
            let name = "decoder.layers.\(layer)"
            let query = attention.apart(&g, project(&g, x, "\(name).self_attn.q_proj"))
            let key = attention.apart(&g, project(&g, x, "\(name).self_attn.k_proj"))
            let value = attention.apart(&g, project(&g, x, "\(name).self_attn.v_proj"))
            let cache = attention.cached(&g, layer: layer, key: key, value: value)
            let keyTransposed = g.transpose(cache.key, [0, 1, 3, 2])
            let mixed = attention.attend(&g, query, keyTransposed, cache.value, scale: scale, bias: causal)
            x = added(&g, x, project(&g, mixed, "\(name).self_attn.out_proj"), "\(name).self_attn_layer_norm")

            let cross = attention.crossed(&g, layer: layer, source: Self.source)
            let question = attention.apart(&g, project(&g, x, "\(name).encoder_attn.q_proj"))
            let seen = attention.attend(&g, question, cross.key, cross.value, scale: scale, bias: mask)
            x = added(&g, x, project(&g, seen, "\(name).encoder_attn.out_proj"), "\(name).encoder_attn_layer_norm")
            x = feedForward(&g, x, name)
        }
        g.output(g.matMulTransposed(g.pick(x, axis: 1, index: -1), start.words), as: "logits")
        return g
    }

    func encoderInputs(
        _ runtime: OnnxRuntime, batch: Int, length: Int
    ) throws(OnnxError) -> [GreedyDecoder.Input] {
        let positions = (0..<batch * length).map { Int64(Self.firstPosition + $0 % length) }
        return [("position_ids", try OnnxTensor(runtime, integers: positions, shape: [batch, length]))]
    }

    func stepInputs(
        _ runtime: OnnxRuntime, _ decoder: GreedyDecoder, past: Int, new: Int
    ) throws(OnnxError) -> [GreedyDecoder.Input] {
        [
            try decoder.positions(runtime, past: past, new: new, offset: Self.firstPosition),
            try GreedyDecoder.causalMask(runtime, past: past, new: new),
        ]
    }

    // MARK: Parts

    /// - Parameter side: `encoder` or `decoder`; each has positions of its own, and they share the words.
    private func embedded(_ g: inout GraphBuilder, _ side: String, length: String) -> (x: Value, words: Value) {
        let shape: [Dimension] = [GraphBuilder.batch, .named(length)]
        let ids = g.input("input_ids", shape, .int64)
        let positionIDs = g.input("position_ids", shape, .int64)
        let words = g.weight("shared", [vocabulary, hidden], .random(deviation: 0.02, mean: 0))
        let place = g.weight(
            "\(side).embed_positions", [positions + Self.firstPosition, hidden], .random(deviation: 0.02, mean: 0))
        let sum = g.sum(g.embed(words, ids), g.embed(place, positionIDs))
        return (g.layerNorm(sum, "\(side).layernorm_embedding", hidden, epsilon: 1e-5), words)
    }

    private func project(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
        g.dense(x, name, hidden, hidden, deviation: 0.02)
    }

    private func added(_ g: inout GraphBuilder, _ x: Value, _ more: Value, _ norm: String) -> Value {
        g.layerNorm(g.sum(x, more), norm, hidden, epsilon: 1e-5)
    }

    private func feedForward(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
        let up = g.gelu(g.dense(x, "\(name).fc1", hidden, intermediate, deviation: 0.02))
        let down = g.dense(up, "\(name).fc2", intermediate, hidden, deviation: 0.02)
        return added(&g, x, down, "\(name).final_layer_norm")
    }
}
