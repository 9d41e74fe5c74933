import Onnx

/// A network that takes an image `pixel_values` [batch, 3, image, image] and gives `logits` [batch, classes].
protocol ImageClassifier {
    /// Pixels of a side.
    var image: Int { get }
    var classes: Int { get }
    func graph() -> GraphBuilder
}

/// Images of noise, as they are after scaling: mean 0, deviation 1.
struct RandomImages {
    /// [batch, 3, height, width].
    let shape: [Int]
    private let seed: Int64
    /// Taken in turn.
    private var tensors: [OnnxTensor] = []
    private var place = 0
    private static let count = 4

    init(batch: Int, height: Int, width: Int, seed: Int64) {
        shape = [batch, 3, height, width]
        self.seed = seed
    }

    /// Another image than the last time. They are made at the first inference, which is always one of the warm-up, so that
    /// no measured window has the making of an image in it.
    mutating func next(_ runtime: OnnxRuntime) throws(OnnxError) -> OnnxTensor {
        if tensors.isEmpty {
            var random = RandomWeights(seed: seed, name: "pixels")
            var pixels = [Float](repeating: 0, count: shape.reduce(1, *))
            for _ in 0..<Self.count {
                pixels.withUnsafeMutableBufferPointer { random.fill($0, deviation: 1, mean: 0) }
                tensors.append(try OnnxTensor(runtime, floats: pixels, shape: shape))
            }
        }
        defer { place = (place + 1) % tensors.count }
        return tensors[place]
    }
}

/// An image classifier.
struct ImageWorkload: ProxyWorkload {
    let model: String
    let network: any ImageClassifier
    let graphs: [ProxyGraph]
    private var images: RandomImages

    init(_ model: String, _ network: any ImageClassifier, batch: Int, seed: Int64) {
        self.model = model
        self.network = network
        graphs = [ProxyGraph(name: "model", builder: network.graph())]
        images = RandomImages(batch: batch, height: network.image, width: network.image, seed: seed)
    }

    func operations() throws(OnnxError) -> Double {
        try GraphCount.operations(graphs[0].builder.countable, ["batch": 1])
    }

    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float] {
        let outputs = try sessions[0].run([("pixel_values", images.next(runtime))], outputs: ["logits"])
        return try outputs[0].withFloats { Array($0.prefix(network.classes)) }
    }
}
