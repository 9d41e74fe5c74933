import Onnx

/// YOLOS-Ti (Fang et al., arXiv 2106.00666), as in `hustvl/yolos-tiny`: a vision transformer with 100 tokens more, one a
/// detection. The image is of the size that its position embeddings are for, 800 × 1333.
struct YOLOS: ObjectDetector {
    var encoder = VisionTransformer(layers: 12, hidden: 192, heads: 3, intermediate: 768)
    var patch = 16
    var queries = 100
    /// The last is "no object".
    var classes = 92
    var height = 800
    var width = 1333

    init(size: ProxySize) {
        if size == .tiny {
            encoder = VisionTransformer(layers: 2, hidden: 64, heads: 2, intermediate: 256)
            (queries, classes, height, width) = (10, 11, 128, 170)
        }
    }

    /// The class token, the patches (what is left at the edge is not read) and the detections.
    var tokens: Int { 1 + (height / patch) * (width / patch) + queries }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "yolos")
        let hidden = encoder.hidden
        let pixels = g.input("pixel_values", [GraphBuilder.batch, 3, .fixed(height), .fixed(width)])
        let patches = g.places(g.projection(pixels, "embeddings.patch", outputs: hidden, kernel: patch, stride: patch))
        let all = g.withTokens(patches, first: ("embeddings.class", 1), last: ("embeddings.detection", queries))
        let place = g.weight("embeddings.position", [1, tokens, hidden], .random(deviation: 0.5, mean: 0))
        let encoded = encoder.encode(&g, g.sum(all, place))
        let detections = g.slice(encoded, axis: 1, from: tokens - queries, to: tokens)
        g.output(detectionHead(&g, detections, "classifier", hidden, outputs: classes), as: "logits")
        g.output(g.sigmoid(detectionHead(&g, detections, "box", hidden, outputs: 4)), as: "boxes")
        return g
    }
}
