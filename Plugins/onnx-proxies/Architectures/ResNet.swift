import Onnx

/// ResNet-50 (He et al., arXiv 1512.03385) with the stride in the 3 × 3 convolution, as torchvision has it ("v1.5").
struct ResNet: ImageClassifier {
    var blocks = [3, 4, 6, 3]
    var width = 64
    var classes = 1000
    var image = 224

    init(size: ProxySize) {
        if size == .tiny { (blocks, width, classes, image) = ([1, 1, 1, 1], 8, 10, 64) }
    }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "resnet")
        let pixels = g.input("pixel_values", [GraphBuilder.batch, 3, .fixed(image), .fixed(image)])
        let pooled = g.reshape(g.globalAveragePool(features(&g, pixels)), [GraphBuilder.batch, .fixed(channels)])
        g.output(g.dense(pooled, "classifier", channels, classes, deviation: 0.02), as: "logits")
        return g
    }

    /// Channels of the last stage.
    var channels: Int { 4 * (width << (blocks.count - 1)) }

    /// The last stage's features, a 32nd of the image's height and width.
    ///
    /// - Parameter pixels: [batch, 3, height, width], of any size.
    func features(
        _ g: inout GraphBuilder, _ pixels: GraphBuilder.Value, _ prefix: String = ""
    ) -> GraphBuilder.Value {
        let stem = g.relu(g.convolution(pixels, "\(prefix)stem", outputs: width, kernel: 7, stride: 2, normScale: 1))
        var x = g.maxPool(stem, kernel: 3, stride: 2)
        for (stage, count) in blocks.enumerated() {
            let inner = width << stage
            for block in 0..<count {
                let name = "\(prefix)stage\(stage).block\(block)"
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
        return x
    }
}
