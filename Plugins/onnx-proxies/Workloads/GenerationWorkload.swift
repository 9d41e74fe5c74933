import Onnx

/// Greedy generation after a prompt, with a cache of keys and values.
struct GenerationWorkload: ProxyWorkload {
    let model: String
    let network: GPT2
    let promptLength: Int
    let newTokens: Int
    let batch: Int
    let graphs: [ProxyGraph]
    private let decoder: GreedyDecoder
    private var random: RandomWeights

    init(
        _ model: String, _ network: GPT2, promptLength: Int, newTokens: Int, batch: Int, seed: Int64,
        precision: Precision = .fp32
    ) {
        self.model = model
        self.network = network
        self.promptLength = promptLength
        self.newTokens = newTokens
        self.batch = batch
        graphs = [ProxyGraph(name: "model", builder: network.graph())]
        decoder = GreedyDecoder(
            layers: network.layers, heads: network.heads, headWidth: network.headWidth,
            vocabulary: network.vocabulary, batch: batch, precision: precision)
        random = RandomWeights(seed: seed, name: "prompt")
    }

    func operations() throws(OnnxError) -> Double {
        try decoder.operations(graphs[0].builder, start: promptLength, count: newTokens)
    }

    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float] {
        let prompt = (0..<batch * promptLength).map { _ in random.integer(below: network.vocabulary) }
        return try generate(prompt, sessions[0], runtime).scores
    }

    /// - Parameter prompt: the tokens of each query of the batch, one query after the other.
    /// - Returns: the new tokens of the first query, and its scores of the last of them.
    func generate(
        _ prompt: [Int64], _ session: OnnxSession, _ runtime: OnnxRuntime
    ) throws -> (tokens: [Int64], scores: [Float]) {
        try decoder.generate(from: prompt, count: newTokens, session, runtime) { past, new in
            [
                try decoder.positions(runtime, past: past, new: new),
                try GreedyDecoder.causalMask(runtime, past: past, new: new),
            ]
        }
    }
}
