import Foundation
import Onnx

/// A network that takes an image `pixel_values` [batch, 3, height, width] and gives, for each of its queries, `logits`
/// [batch, queries, classes] and `boxes` [batch, queries, 4] (centre and size, as shares of the image).
protocol ObjectDetector {
    /// Of the image, in pixels.
    var height: Int { get }
    var width: Int { get }
    var queries: Int { get }
    /// With "no object", which is the last.
    var classes: Int { get }
    func graph() -> GraphBuilder
    /// Inputs beside the image that are always the same.
    func constants(batch: Int) -> [ConstantInput]
}

extension ObjectDetector {
    func constants(batch: Int) -> [ConstantInput] { [] }
}

/// An input of a graph that is the same in every inference.
struct ConstantInput {
    let name: String
    let values: [Float]
    let shape: [Int]
}

/// Something that may be in an image.
struct Detection {
    let label: Int
    /// The label's share of the softmax.
    let score: Float
    /// Left, top, right and bottom, in pixels.
    let box: [Float]
}

/// Object detection, with the best label of every query and its box in pixels, as a pipeline gives them.
struct DetectionWorkload: ProxyWorkload {
    let model: String
    let network: any ObjectDetector
    let batch: Int
    let graphs: [ProxyGraph]
    private var images: RandomImages
    private let constants: [ConstantInput]
    /// The constants as tensors, made once.
    private var constantTensors: [(name: String, tensor: OnnxTensor)] = []

    init(_ model: String, _ network: any ObjectDetector, batch: Int, seed: Int64) {
        self.model = model
        self.network = network
        self.batch = batch
        graphs = [ProxyGraph(name: "model", builder: network.graph())]
        images = RandomImages(batch: batch, height: network.height, width: network.width, seed: seed)
        constants = network.constants(batch: batch)
    }

    func operations() throws(OnnxError) -> Double {
        try GraphCount.operations(graphs[0].builder.countable, ["batch": 1])
    }

    /// - Returns: for each query of the first image, its score and its box as shares of the image.
    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float] {
        let detections = try detect(images.next(runtime), sessions[0], runtime)
        let (width, height) = (Float(network.width), Float(network.height))
        return detections.prefix(network.queries).flatMap { detection in
            [detection.score] + zip(detection.box, [width, height, width, height]).map { $0 / $1 }
        }
    }

    /// - Returns: one a query, those of the first image before those of the second.
    mutating func detect(
        _ image: OnnxTensor, _ session: OnnxSession, _ runtime: OnnxRuntime
    ) throws -> [Detection] {
        if constantTensors.isEmpty {
            constantTensors = try constants.map {
                ($0.name, try OnnxTensor(runtime, floats: $0.values, shape: $0.shape))
            }
        }
        let outputs = try session.run([("pixel_values", image)] + constantTensors, outputs: ["logits", "boxes"])
        return try outputs[0].withFloats { logits in
            try outputs[1].withFloats { boxes in
                (0..<batch * network.queries).map { query in detection(query, logits, boxes) }
            }
        }
    }

    private func detection(
        _ query: Int, _ logits: UnsafeBufferPointer<Float>, _ boxes: UnsafeBufferPointer<Float>
    ) -> Detection {
        let scores = logits[query * network.classes..<(query + 1) * network.classes]
        let largest = scores.max() ?? 0
        let sum = scores.reduce(0) { $0 + exp($1 - largest) }
        // "No object" takes its share and is no answer.
        let label = scores.dropLast().indices.max { scores[$0] < scores[$1] } ?? scores.startIndex
        let (x, y) = (boxes[4 * query], boxes[4 * query + 1])
        let (halfWidth, halfHeight) = (boxes[4 * query + 2] / 2, boxes[4 * query + 3] / 2)
        let (width, height) = (Float(network.width), Float(network.height))
        return Detection(
            label: label - scores.startIndex, score: exp(scores[label] - largest) / sum,
            box: [
                (x - halfWidth) * width, (y - halfHeight) * height, (x + halfWidth) * width, (y + halfHeight) * height,
            ])
    }
}
