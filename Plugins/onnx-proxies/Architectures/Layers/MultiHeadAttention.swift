import Onnx

/// The shapes of multi-head attention (Vaswani et al., arXiv 1706.03762), and its products.
struct MultiHeadAttention {
    typealias Value = GraphBuilder.Value

    let heads: Int
    /// Of one head.
    let width: Int

    var inner: Int { heads * width }

    /// [batch, length, inner] → [batch, heads, length, width].
    func apart(_ g: inout GraphBuilder, _ x: Value) -> Value { g.transpose(split(&g, x), [0, 2, 1, 3]) }

    /// [batch, length, inner] → [batch, heads, width, length], which is how keys enter the product with queries.
    func apartTransposed(_ g: inout GraphBuilder, _ x: Value) -> Value { g.transpose(split(&g, x), [0, 2, 3, 1]) }

    private func split(_ g: inout GraphBuilder, _ x: Value) -> Value {
        g.reshape(x, [x.shape[0], x.shape[1], .fixed(heads), .fixed(width)])
    }

    /// softmax(q · kᵀ · scale + bias) · v, with the heads put together again.
    ///
    /// - Parameters:
    ///   - query: [batch, heads, length, width].
    ///   - keyTransposed: [batch, heads, width, other length].
    ///   - value: [batch, heads, other length, width].
    ///   - scale: `nil` where the network has none, as in T5.
    ///   - bias: added to every score, such as a mask.
    /// - Returns: [batch, length, inner].
    func attend(
        _ g: inout GraphBuilder, _ query: Value, _ keyTransposed: Value, _ value: Value, scale: Float?, bias: Value
    ) -> Value {
        let product = g.matMul(query, keyTransposed)
        let scores = g.sum(scale.map { g.scaled(product, by: $0) } ?? product, bias)
        let mixed = g.transpose(g.matMul(g.softmax(scores), value), [0, 2, 1, 3])
        return g.reshape(mixed, [mixed.shape[0], mixed.shape[1], .fixed(inner)])
    }

    /// The keys and values of a decoder's layer: those of the new tokens behind those in the cache, which go out as the
    /// next pass's cache (see `GreedyDecoder`).
    ///
    /// - Parameters:
    ///   - key: [batch, heads, sequence, width] of the new tokens, and `value` likewise.
    /// - Returns: both [batch, heads, total, width].
    func cached(_ g: inout GraphBuilder, layer: Int, key: Value, value: Value) -> (key: Value, value: Value) {
        let shape: [Dimension] = [key.shape[0], .fixed(heads), .named(GreedyDecoder.past), .fixed(width)]
        func grown(_ new: Value, _ name: String) -> Value {
            let past = g.input("past_\(name)_\(layer)", shape)
            return g.concatenatedOutput(
                past, new, axis: 2, size: .named(GreedyDecoder.total), as: "present_\(name)_\(layer)")
        }
        return (grown(key, "key"), grown(value, "value"))
    }

    /// The keys and values of what an encoder has read, the same in every pass of a decoder.
    ///
    /// - Returns: [batch, heads, width, source] of the keys, [batch, heads, source, width] of the values.
    func crossed(_ g: inout GraphBuilder, layer: Int, source: String) -> (key: Value, value: Value) {
        let (heads, width) = (Dimension.fixed(heads), Dimension.fixed(width))
        return (
            g.input("cross_key_\(layer)", [GraphBuilder.batch, heads, width, .named(source)]),
            g.input("cross_value_\(layer)", [GraphBuilder.batch, heads, .named(source), width])
        )
    }
}
