import Onnx

/// ViT-B/16 (Dosovitskiy et al., arXiv 2010.11929) at 224 × 224, as in `google/vit-base-patch16-224`.
struct ViT: ImageClassifier {
    var encoder = VisionTransformer()
    var patch = 16
    var image = 224
    var classes = 1000

    init(size: ProxySize) {
        if size == .tiny {
            encoder = VisionTransformer(layers: 2, hidden: 64, heads: 2, intermediate: 256)
            (patch, image, classes) = (16, 96, 10)
        }
    }

    /// Patches and the class token.
    var tokens: Int { (image / patch) * (image / patch) + 1 }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "vit")
        let encoded = features(&g)
        // The class token stands for the image.
        let first = g.pick(encoded, axis: 1, index: 0)
        let deviation = 1 / Float(encoder.hidden).squareRoot()
        g.output(g.dense(first, "classifier", encoder.hidden, classes, deviation: deviation), as: "logits")
        return g
    }

    /// Everything below the head, with the graph's input.
    ///
    /// - Returns: [batch, tokens, hidden].
    func features(_ g: inout GraphBuilder) -> GraphBuilder.Value {
        let pixels = g.input("pixel_values", [GraphBuilder.batch, 3, .fixed(image), .fixed(image)])
        let patches = g.places(
            g.projection(pixels, "embeddings.patch", outputs: encoder.hidden, kernel: patch, stride: patch))
        let all = g.withTokens(patches, first: ("embeddings.class", 1))
        let place = g.weight("embeddings.position", [1, tokens, encoder.hidden], .random(deviation: 0.5, mean: 0))
        return encoder.encode(&g, g.sum(all, place))
    }
}
