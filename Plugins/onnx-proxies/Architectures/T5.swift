import Foundation
import Onnx

/// T5 (Raffel et al., arXiv 1910.10683), as in `t5-base`: pre-norm encoder and decoder without biases, relative positions
/// in place of absolute ones, one word embedding for both and, scaled, for the output.
///
/// The deviations of the weights are those of the published initialisation (`T5PreTrainedModel._init_weights`): they make
/// up for the scale that its attention leaves out.
struct T5: EncoderDecoder {
    var layers = 12
    var hidden = 768
    var heads = 12
    var headWidth = 64
    var intermediate = 3072
    var vocabulary = 32_128
    var buckets = 32
    var farthest = 128
    /// Positions are relative, so this is no limit of the network, but of what its authors trained.
    var longest = 512

    init(size: ProxySize) {
        if size == .tiny {
            (layers, hidden, heads, headWidth, intermediate, vocabulary) = (2, 64, 2, 32, 256, 1000)
            longest = 128
        }
    }

    var decoderLayers: Int { layers }
    /// `<pad>`
    var startToken: Int64 { 0 }

    private typealias Value = GraphBuilder.Value
    private var attention: MultiHeadAttention { MultiHeadAttention(heads: heads, width: headWidth) }
    private var root: Float { 1 / Float(hidden).squareRoot() }

    func encoder() -> GraphBuilder {
        var g = GraphBuilder(name: "t5_encoder")
        let ids = g.input("input_ids", [GraphBuilder.batch, .named(Self.source)], .int64)
        var x = g.embed(words(&g), ids)
        let places = relativePositions(&g, "encoder", from: Self.source, to: Self.source)
        let mask = g.input("encoder_attention_bias", [GraphBuilder.batch, 1, 1, .named(Self.source)])
        let bias = g.sum(places, mask)
        for layer in 0..<layers {
            let name = "encoder.block.\(layer)"
            let normed = norm(&g, x, "\(name).layer.0.layer_norm")
            let query = attention.apart(&g, self.query(&g, normed, "\(name).self"))
            let key = attention.apartTransposed(&g, keyOrValue(&g, normed, "\(name).self.k"))
            let value = attention.apart(&g, keyOrValue(&g, normed, "\(name).self.v"))
            let mixed = attention.attend(&g, query, key, value, scale: nil, bias: bias)
            x = g.sum(x, output(&g, mixed, "\(name).self"))
            x = feedForward(&g, x, "\(name).layer.1")
        }
        x = norm(&g, x, "encoder.final_layer_norm")
        // The decoder's layers look at the text by these, the same in every step.
        for layer in 0..<layers {
            let name = "decoder.block.\(layer).cross"
            let key = attention.apartTransposed(&g, keyOrValue(&g, x, "\(name).k"))
            let value = attention.apart(&g, keyOrValue(&g, x, "\(name).v"))
            g.output(key, as: "cross_key_\(layer)")
            g.output(value, as: "cross_value_\(layer)")
        }
        return g
    }

    func decoder() -> GraphBuilder {
        var g = GraphBuilder(name: "t5_decoder")
        let (sequence, total) = (GreedyDecoder.sequence, GreedyDecoder.total)
        let ids = g.input("input_ids", [GraphBuilder.batch, .named(sequence)], .int64)
        let words = words(&g)
        var x = g.embed(words, ids)
        let places = relativePositions(&g, "decoder", from: sequence, to: total)
        // 0 where a token may look, −10,000 at what comes after it.
        let bias = g.sum(places, g.input("attention_bias", [1, 1, .named(sequence), .named(total)]))
        let mask = g.input("encoder_attention_bias", [GraphBuilder.batch, 1, 1, .named(Self.source)])
        for layer in 0..<layers {
            let name = "decoder.block.\(layer)"
            let normed = norm(&g, x, "\(name).layer.0.layer_norm")
            let query = attention.apart(&g, self.query(&g, normed, "\(name).self"))
            let key = attention.apart(&g, keyOrValue(&g, normed, "\(name).self.k"))
            let value = attention.apart(&g, keyOrValue(&g, normed, "\(name).self.v"))
            let cache = attention.cached(&g, layer: layer, key: key, value: value)
            let keyTransposed = g.transpose(cache.key, [0, 1, 3, 2])
            let mixed = attention.attend(&g, query, keyTransposed, cache.value, scale: nil, bias: bias)
            x = g.sum(x, output(&g, mixed, "\(name).self"))

            let cross = attention.crossed(&g, layer: layer, source: Self.source)
            let second = norm(&g, x, "\(name).layer.1.layer_norm")
            let question = attention.apart(&g, self.query(&g, second, "\(name).cross"))
            let seen = attention.attend(&g, question, cross.key, cross.value, scale: nil, bias: mask)
            x = g.sum(x, output(&g, seen, "\(name).cross"))
            x = feedForward(&g, x, "\(name).layer.2")
        }
        let last = g.pick(norm(&g, x, "decoder.final_layer_norm"), axis: 1, index: -1)
        g.output(g.matMulTransposed(g.scaled(last, by: root), words), as: "logits")
        return g
    }

    func encoderInputs(
        _ runtime: OnnxRuntime, batch: Int, length: Int
    ) throws(OnnxError) -> [GreedyDecoder.Input] {
        [try relativeInput(runtime, queries: 0..<length, keys: length, bothWays: true)]
    }

    func stepInputs(
        _ runtime: OnnxRuntime, _ decoder: GreedyDecoder, past: Int, new: Int
    ) throws(OnnxError) -> [GreedyDecoder.Input] {
        [
            try relativeInput(runtime, queries: past..<past + new, keys: past + new, bothWays: false),
            try GreedyDecoder.causalMask(runtime, past: past, new: new),
        ]
    }

    // MARK: Relative positions

    /// `relative_buckets` [queries, keys]: the row of the table for each pair of places.
    private func relativeInput(
        _ runtime: OnnxRuntime, queries: Range<Int>, keys: Int, bothWays: Bool
    ) throws(OnnxError) -> GreedyDecoder.Input {
        var rows: [Int64] = []
        rows.reserveCapacity(queries.count * keys)
        for query in queries {
            for key in 0..<keys { rows.append(Int64(bucket(of: key - query, bothWays: bothWays))) }
        }
        return ("relative_buckets", try OnnxTensor(runtime, integers: rows, shape: [queries.count, keys]))
    }

    /// T5's bucket of a distance: one each for short ones, then logarithmic ones, and the last for all beyond `farthest`
    /// (`T5Attention._relative_position_bucket`).
    ///
    /// - Parameter bothWays: whether what comes after has buckets of its own, the upper half.
    func bucket(of distance: Int, bothWays: Bool) -> Int {
        let count = bothWays ? buckets / 2 : buckets
        let far = bothWays ? abs(distance) : max(0, -distance)
        let base = bothWays && distance > 0 ? count : 0
        let exact = count / 2
        if far < exact { return base + far }
        // In single precision, as the published code: the borders depend on the rounding.
        let share = log(Float(far) / Float(exact)) / log(Float(farthest) / Float(exact))
        return base + min(count - 1, exact + Int(share * Float(count - exact)))
    }

    /// The bias of every pair of places for each head: [1, heads, queries, keys]; all layers of a side share it.
    private func relativePositions(_ g: inout GraphBuilder, _ side: String, from: String, to: String) -> Value {
        let rows = g.input("relative_buckets", [.named(from), .named(to)], .int64)
        let table = g.weight("\(side).relative_attention_bias", [buckets, heads], .random(deviation: root, mean: 0))
        return g.leading(g.transpose(g.embed(table, rows), [2, 0, 1]))
    }

    // MARK: Parts

    private func words(_ g: inout GraphBuilder) -> Value {
        g.weight("shared", [vocabulary, hidden], .random(deviation: 1, mean: 0))
    }

    private func norm(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
        g.rmsNorm(x, name, hidden, epsilon: 1e-6)
    }

    private func query(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
        let deviation = 1 / Float(hidden * headWidth).squareRoot()
        return g.linear(x, "\(name).q", hidden, attention.inner, deviation: deviation)
    }

    private func keyOrValue(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
        g.linear(x, name, hidden, attention.inner, deviation: root)
    }

    private func output(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
        let deviation = 1 / Float(attention.inner).squareRoot()
        return g.linear(x, "\(name).o", attention.inner, hidden, deviation: deviation)
    }

    private func feedForward(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
        let normed = norm(&g, x, "\(name).layer_norm")
        let up = g.relu(g.linear(normed, "\(name).wi", hidden, intermediate, deviation: root))
        let deviation = 1 / Float(intermediate).squareRoot()
        return g.sum(x, g.linear(up, "\(name).wo", intermediate, hidden, deviation: deviation))
    }
}
