import Foundation
import Onnx

/// DETR (Carion et al., arXiv 2005.12872) with a ResNet-50, as in `facebook/detr-resnet-50`: layer norm after each part,
/// positions added to the queries and keys of every attention.
///
/// An image is 800 × 1066: the shorter side is 800, as the model's preprocessing has it, of a photograph of 4 : 3.
struct DETR: ObjectDetector {
    typealias Value = GraphBuilder.Value

    var backbone: ResNet
    var layers = 6
    var hidden = 256
    var heads = 8
    var intermediate = 2048
    var queries = 100
    /// The last is "no object".
    var classes = 92
    var height = 800
    var width = 1066

    /// Queries differ only in where they look; with random weights they would all see the mean of the image.
    private let sharpness: Float = 2

    init(size: ProxySize) {
        backbone = ResNet(size: size)
        if size == .tiny {
            (layers, hidden, heads, intermediate, queries, classes) = (2, 64, 2, 128, 10, 11)
            (height, width) = (128, 170)
        }
    }

    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "detr")
        let pixels = g.input("pixel_values", [GraphBuilder.batch, 3, .fixed(height), .fixed(width)])
        let features = backbone.features(&g, pixels, "backbone.")
        let image = g.places(g.projection(features, "input_projection", outputs: hidden, kernel: 1, stride: 1))
        let place = g.input("position_embeddings", [1, image.shape[1], .fixed(hidden)])
        let start = g.input("queries", [GraphBuilder.batch, .fixed(queries), .fixed(hidden)])
        let asked = g.weight("query_position_embeddings", [1, queries, hidden], .random(deviation: 1, mean: 0))
        let attention = MultiHeadAttention(heads: heads, width: hidden / heads)

        var memory = image
        for layer in 0..<layers {
            let name = "encoder.\(layer)"
            let placed = g.sum(memory, place)
            let mixed = attention.unmasked(
                &g, "\(name).attention", query: placed, key: placed, value: memory, sharpness: sharpness)
            memory = normed(&g, memory, mixed, "\(name).attention.norm")
            memory = normed(&g, memory, feedForward(&g, memory, name), "\(name).norm")
        }
        let placedMemory = g.sum(memory, place)
        var x = start
        for layer in 0..<layers {
            let name = "decoder.\(layer)"
            let placed = g.sum(x, asked)
            let mixed = attention.unmasked(
                &g, "\(name).attention", query: placed, key: placed, value: x, sharpness: sharpness)
            x = normed(&g, x, mixed, "\(name).attention.norm")
            let looked = attention.unmasked(
                &g, "\(name).cross", query: g.sum(x, asked), key: placedMemory, value: memory, sharpness: sharpness)
            x = normed(&g, x, looked, "\(name).cross.norm")
            x = normed(&g, x, feedForward(&g, x, name), "\(name).norm")
        }
        x = g.layerNorm(x, "decoder.norm", hidden, epsilon: 1e-5)
        g.output(dense(&g, x, "classifier", hidden, classes), as: "logits")
        let boxes = detectionHead(&g, x, "box", hidden, outputs: 4)
        g.output(g.sigmoid(boxes), as: "boxes")
        return g
    }

    private func normed(_ g: inout GraphBuilder, _ x: Value, _ added: Value, _ name: String) -> Value {
        g.layerNorm(g.sum(added, x), name, hidden, epsilon: 1e-5)
    }

    private func feedForward(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
        let up = g.relu(dense(&g, x, "\(name).intermediate", hidden, intermediate))
        return dense(&g, up, "\(name).output", intermediate, hidden)
    }

    private func dense(_ g: inout GraphBuilder, _ x: Value, _ name: String, _ inputs: Int, _ outputs: Int) -> Value {
        g.dense(x, name, inputs, outputs, deviation: 1 / Float(inputs).squareRoot())
    }

    /// What does not change from one image to the next: where the places are, and the queries at the start (zeros).
    func constants(batch: Int) -> [ConstantInput] {
        let (rows, columns) = (Self.cells(height), Self.cells(width))
        return [
            ConstantInput(
                name: "position_embeddings", values: Self.positions(rows: rows, columns: columns, width: hidden),
                shape: [1, rows * columns, hidden]),
            ConstantInput(
                name: "queries", values: [Float](repeating: 0, count: batch * queries * hidden),
                shape: [batch, queries, hidden]),
        ]
    }

    /// Places along a side: the image is halved five times, rounded up.
    private static func cells(_ side: Int) -> Int { (0..<5).reduce(side) { side, _ in (side + 1) / 2 } }

    /// The sine embedding of two dimensions: the first half of the channels for the row, the other for the column, each
    /// counted from 1 and scaled to 2π (transformers' `DetrSinePositionEmbedding`).
    static func positions(rows: Int, columns: Int, width: Int) -> [Float] {
        let half = width / 2
        func embedding(_ place: Int, of count: Int) -> [Float] {
            let position = Double(place + 1) / (Double(count) + 1e-6) * 2 * Double.pi
            return (0..<half).map { channel in
                let angle = position / pow(10_000, Double(2 * (channel / 2)) / Double(half))
                return Float(channel % 2 == 0 ? sin(angle) : cos(angle))
            }
        }
        let acrossRows = (0..<rows).map { embedding($0, of: rows) }
        let acrossColumns = (0..<columns).map { embedding($0, of: columns) }
        return acrossRows.flatMap { row in acrossColumns.flatMap { row + $0 } }
    }
}
