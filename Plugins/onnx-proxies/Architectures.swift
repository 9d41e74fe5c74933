import Onnx

/// A proxy's size: the published one, or one of the same shape that is small enough for tests.
enum ProxySize: String {
    case full
    case tiny
}

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

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "bert")
        let length = Dimension.named(Self.sequence)
        let ids = g.input("input_ids", [1, length], .int64)
        let types = g.input("token_type_ids", [1, length], .int64)
        let positionIDs = g.input("position_ids", [1, length], .int64)
        // 0 where a token is, −10,000 where there is padding; added to every score.
        let mask = g.input("attention_bias", [1, 1, 1, length])
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
            let flat = g.reshape(normed, [length, .fixed(hidden)])
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
            return g.reshape(projected, [1, length, .fixed(heads), .fixed(width)])
        }
        let (q, k, v) = (split("query"), split("key"), split("value"))
        let query = g.transpose(q, [0, 2, 1, 3])
        let key = g.transpose(k, [0, 2, 3, 1])
        let value = g.transpose(v, [0, 2, 1, 3])
        let scores = g.sum(g.scaled(g.matMul(query, key), by: 1 / Float(width).squareRoot()), mask)
        let mixed = g.transpose(g.matMul(g.softmax(scores), value), [0, 2, 1, 3])
        let context = g.reshape(mixed, [1, length, .fixed(hidden)])
        let attended = g.dense(context, "\(name).attention.output", hidden, hidden, deviation: 0.02)
        let normed = g.layerNorm(g.sum(attended, x), "\(name).attention.norm", hidden, epsilon: 1e-12)
        let up = g.gelu(g.dense(normed, "\(name).intermediate", hidden, intermediate, deviation: 0.02))
        let down = g.dense(up, "\(name).output", intermediate, hidden, deviation: 0.02)
        return g.layerNorm(g.sum(down, normed), "\(name).norm", hidden, epsilon: 1e-12)
    }
}

/// ResNet-50 (He et al., arXiv 1512.03385) with the stride in the 3 × 3 convolution, as torchvision has it ("v1.5").
struct ResNet {
    var blocks = [3, 4, 6, 3]
    var width = 64
    var classes = 1000
    var image = 224

    init(size: ProxySize) {
        if size == .tiny { (blocks, width, classes, image) = ([1, 1, 1, 1], 8, 10, 64) }
    }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "resnet")
        let pixels = g.input("pixel_values", [1, 3, .fixed(image), .fixed(image)])
        let stem = g.relu(g.convolution(pixels, "stem", outputs: width, kernel: 7, stride: 2, normScale: 1))
        var x = g.maxPool(stem, kernel: 3, stride: 2)
        for (stage, count) in blocks.enumerated() {
            let inner = width << stage
            for block in 0..<count {
                let name = "stage\(stage).block\(block)"
                let stride = stage > 0 && block == 0 ? 2 : 1
                let a = g.relu(g.convolution(x, "\(name).a", outputs: inner, kernel: 1, stride: 1, normScale: 1))
                let b = g.relu(g.convolution(a, "\(name).b", outputs: inner, kernel: 3, stride: stride, normScale: 1))
                // The branch that is added gets half the weight, so that the sum does not grow from block to block.
                let c = g.convolution(b, "\(name).c", outputs: 4 * inner, kernel: 1, stride: 1, normScale: 0.5)
                let shortcut =
                    block == 0
                    ? g.convolution(
                        x, "\(name).shortcut", outputs: 4 * inner, kernel: 1, stride: stride, normScale: 0.5)
                    : x
                x = g.relu(g.sum(c, shortcut))
            }
        }
        let features = 4 * (width << (blocks.count - 1))
        let pooled = g.reshape(g.globalAveragePool(x), [1, .fixed(features)])
        g.output(g.dense(pooled, "classifier", features, classes, deviation: 0.02), as: "logits")
        return g
    }
}

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
        [sequence: new, Self.past: past, total: new + past]
    }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "gpt2")
        let length = Dimension.named(Self.sequence)
        let past = Dimension.named(Self.past)
        let total = Dimension.named(Self.total)
        let ids = g.input("input_ids", [1, length], .int64)
        let positionIDs = g.input("position_ids", [1, length], .int64)
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
                g.transpose(g.reshape(x, [1, length, .fixed(self.heads), .fixed(headWidth)]), [0, 2, 1, 3])
            }
            let cache: [Dimension] = [1, .fixed(self.heads), past, .fixed(headWidth)]
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
            let context = g.reshape(mixed, [1, length, .fixed(hidden)])
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
