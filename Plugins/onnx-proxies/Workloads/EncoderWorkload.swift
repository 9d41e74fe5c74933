import Onnx

/// An encoder over a sequence of tokens: classification, or a score for every word of the vocabulary.
struct EncoderWorkload: ProxyWorkload {
    let model: String
    let network: BERT
    let length: Int
    let batch: Int
    let graphs: [ProxyGraph]
    private var random: RandomWeights

    init(_ model: String, _ network: BERT, length: Int, batch: Int, seed: Int64) {
        self.model = model
        self.network = network
        self.length = length
        self.batch = batch
        graphs = [ProxyGraph(name: "model", builder: network.graph())]
        random = RandomWeights(seed: seed, name: "tokens")
    }

    func operations() throws(OnnxError) -> Double {
        try GraphCount.operations(
            graphs[0].builder.countable, ["batch": 1, BERT.sequence: length, BERT.tokens: length])
    }

    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float] {
        let count = batch * length
        let tokens = (0..<count).map { _ in random.integer(below: network.vocabulary) }
        let shape = [batch, length]
        let outputs = try sessions[0].run(
            [
                ("input_ids", OnnxTensor(runtime, integers: tokens, shape: shape)),
                ("token_type_ids", OnnxTensor(runtime, integers: [Int64](repeating: 0, count: count), shape: shape)),
                (
                    "position_ids",
                    OnnxTensor(runtime, integers: (0..<count).map { Int64($0 % length) }, shape: shape)
                ),
                (
                    "attention_bias",
                    OnnxTensor(runtime, floats: [Float](repeating: 0, count: count), shape: [batch, 1, 1, length])
                ),
            ], outputs: ["logits"])
        // What a pipeline reads of them: the labels, or the scores of one masked word.
        return try outputs[0].withFloats { Array($0.prefix(network.vocabulary)) }
    }
}
