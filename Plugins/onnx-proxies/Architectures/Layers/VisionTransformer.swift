import Onnx

extension MultiHeadAttention {
    /// Attention without a mask, as over the parts of an image, with its four projections.
    ///
    /// - Parameters:
    ///   - query: [batch, length, inner], before its projection, and `key`, `value` [batch, other length, inner] likewise.
    ///   - sharpness: how much larger queries and keys are than what they are made of.
    /// - Returns: [batch, length, inner], after the projection of the output.
    func unmasked(
        _ g: inout GraphBuilder, _ name: String, query: Value, key: Value, value: Value, sharpness: Float = 1
    ) -> Value {
        let deviation = 1 / Float(inner).squareRoot()
        func projected(_ x: Value, _ part: String, gain: Float = 1) -> Value {
            g.dense(x, "\(name).\(part)", inner, inner, deviation: gain * deviation)
        }
        let (q, k) = (projected(query, "query", gain: sharpness), projected(key, "key", gain: sharpness))
        let v = projected(value, "value")
        let mixed = attendToAll(&g, apart(&g, q), apartTransposed(&g, k), apart(&g, v))
        return projected(mixed, "output")
    }

    /// `attend` without a mask, scaled by one over the root of a head's width.
    func attendToAll(
        _ g: inout GraphBuilder, _ query: Value, _ keyTransposed: Value, _ value: Value
    ) -> Value {
        let scores = g.scaled(g.matMul(query, keyTransposed), by: 1 / Float(width).squareRoot())
        let mixed = g.transpose(g.matMul(g.softmax(scores), value), [0, 2, 1, 3])
        return g.reshape(mixed, [mixed.shape[0], mixed.shape[1], .fixed(inner)])
    }
}

/// The encoder that ViT and YOLOS have: layer norm before each part, GELU by the error function, a norm at the end.
struct VisionTransformer {
    typealias Value = GraphBuilder.Value

    var layers = 12
    var hidden = 768
    var heads = 12
    var intermediate = 3072

    /// - Parameter tokens: [batch, length, hidden].
    /// - Returns: the same shape.
    func encode(_ g: inout GraphBuilder, _ tokens: Value, _ prefix: String = "") -> Value {
        let attention = MultiHeadAttention(heads: heads, width: hidden / heads)
        var x = tokens
        for layer in 0..<layers {
            let name = "\(prefix)layer.\(layer)"
            let normed = g.layerNorm(x, "\(name).norm_before", hidden, epsilon: 1e-12)
            x = g.sum(attention.unmasked(&g, "\(name).attention", query: normed, key: normed, value: normed), x)
            let second = g.layerNorm(x, "\(name).norm_after", hidden, epsilon: 1e-12)
            let up = g.gelu(wide(&g, second, "\(name).intermediate", hidden, intermediate))
            x = g.sum(wide(&g, up, "\(name).output", intermediate, hidden), x)
        }
        return g.layerNorm(x, "\(prefix)norm", hidden, epsilon: 1e-12)
    }

    /// A dense layer whose results are about as large as what it takes.
    private func wide(_ g: inout GraphBuilder, _ x: Value, _ name: String, _ inputs: Int, _ outputs: Int) -> Value {
        g.dense(x, name, inputs, outputs, deviation: 1 / Float(inputs).squareRoot())
    }
}
