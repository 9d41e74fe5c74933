import Onnx

/// An image classifier.
struct ImageWorkload: ProxyWorkload {
    let model: String
    let network: ResNet
    let batch: Int
    let graphs: [ProxyGraph]
    private var random: RandomWeights
    private var pixels: [Float]

    init(_ model: String, _ network: ResNet, batch: Int, seed: Int64) {
        self.model = model
        self.network = network
        self.batch = batch
        graphs = [ProxyGraph(name: "model", builder: network.graph())]
        random = RandomWeights(seed: seed, name: "pixels")
        pixels = [Float](repeating: 0, count: batch * 3 * network.image * network.image)
        pixels.withUnsafeMutableBufferPointer { random.fill($0, deviation: 1, mean: 0) }
    }

    func operations() throws(OnnxError) -> Double {
        try GraphCount.operations(graphs[0].builder.countable, ["batch": 1])
    }

    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float] {
        // A new image each time for the price of a shift: the work of a convolution does not depend on its numbers.
        let shift = Int(random.integer(below: pixels.count))
        pixels = Array(pixels[shift...] + pixels[..<shift])
        let shape = [batch, 3, network.image, network.image]
        let outputs = try sessions[0].run(
            [("pixel_values", OnnxTensor(runtime, floats: pixels, shape: shape))], outputs: ["logits"])
        return try outputs[0].withFloats { Array($0.prefix(network.classes)) }
    }
}
