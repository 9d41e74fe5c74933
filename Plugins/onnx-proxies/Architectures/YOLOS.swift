import Onnx

/// YOLOS-Ti (Fang et al., arXiv 2106.00666), as in `hustvl/yolos-tiny`: a vision transformer with 100 tokens more, one a
/// detection.
///
/// An image is 512 × 682: the shorter side is 512, as the model's preprocessing has it (`preprocessor_config.json`), of a photograph of 4 : 3.
/// Its position embeddings are for 800 × 1333 (`config.json`) and are interpolated to the image, as transformers does.
struct YOLOS: ObjectDetector {
    var encoder = VisionTransformer(layers: 12, hidden: 192, heads: 3, intermediate: 768)
    var patch = 16
    var queries = 100
    /// The last is "no object".
    var classes = 92
    var height = 512
    var width = 682
    /// What the position embeddings are for.
    private var embedded = (height: 800, width: 1333)

    init(size: ProxySize) {
        if size == .tiny {
            encoder = VisionTransformer(layers: 2, hidden: 64, heads: 2, intermediate: 256)
            (queries, classes, height, width) = (10, 11, 96, 128)
            embedded = (128, 170)
        }
    }

    /// The class token, the patches (what is left at the edge is not read) and the detections.
    var tokens: Int { 1 + (height / patch) * (width / patch) + queries }

    /// One for each token that the network was trained with; those of the patches, a grid, are resized to the image's.
    private func positions(_ g: inout GraphBuilder) -> GraphBuilder.Value {
        let hidden = encoder.hidden
        let (rows, columns) = (embedded.height / patch, embedded.width / patch)
        let learned = 1 + rows * columns
        let all = g.weight("embeddings.position", [1, learned + queries, hidden], .random(deviation: 0.5, mean: 0))
        let grid = g.reshape(
            g.slice(all, axis: 1, from: 1, to: learned), [.fixed(1), .fixed(rows), .fixed(columns), .fixed(hidden)])
        let resized = g.resized(g.transpose(grid, [0, 3, 1, 2]), height: height / patch, width: width / patch)
        let first = g.concatenate(
            g.slice(all, axis: 1, from: 0, to: 1), g.pixels(resized), axis: 1, size: .fixed(tokens - queries))
        let last = g.slice(all, axis: 1, from: learned, to: learned + queries)
        return g.concatenate(first, last, axis: 1, size: .fixed(tokens))
    }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "yolos")
        let hidden = encoder.hidden
        let pixels = g.input("pixel_values", [GraphBuilder.batch, 3, .fixed(height), .fixed(width)])
        let patches = g.places(g.projection(pixels, "embeddings.patch", outputs: hidden, kernel: patch, stride: patch))
        let all = g.withTokens(patches, first: ("embeddings.class", 1), last: ("embeddings.detection", queries))
        let encoded = encoder.encode(&g, g.sum(all, positions(&g)))
        let detections = g.slice(encoded, axis: 1, from: tokens - queries, to: tokens)
        g.output(detectionHead(&g, detections, "classifier", hidden, outputs: classes), as: "logits")
        g.output(g.sigmoid(detectionHead(&g, detections, "box", hidden, outputs: 4)), as: "boxes")
        return g
    }
}
