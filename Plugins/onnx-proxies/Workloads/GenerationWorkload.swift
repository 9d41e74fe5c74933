import Onnx

/// Greedy generation with a cache of keys and values: one pass over the prompt, then one a token.
struct GenerationWorkload: ProxyWorkload {
    let model: String
    let network: GPT2
    let promptLength: Int
    let newTokens: Int
    let batch: Int
    let graphs: [ProxyGraph]
    private var random: RandomWeights
    private let outputNames: [String]

    init(_ model: String, _ network: GPT2, promptLength: Int, newTokens: Int, batch: Int, seed: Int64) {
        self.model = model
        self.network = network
        self.promptLength = promptLength
        self.newTokens = newTokens
        self.batch = batch
        graphs = [ProxyGraph(name: "model", builder: network.graph())]
        random = RandomWeights(seed: seed, name: "prompt")
        outputNames =
            ["logits"] + (0..<network.layers).flatMap { ["present_key_\($0)", "present_value_\($0)"] }
    }

    /// The prompt's pass gives the first new token, and each further pass one more.
    func operations() throws(OnnxError) -> Double {
        let graph = graphs[0].builder.countable
        var total = try GraphCount.operations(graph, GPT2.bindings(new: promptLength, past: 0))
        for step in 1..<max(1, newTokens) {
            total += try GraphCount.operations(graph, GPT2.bindings(new: 1, past: promptLength + step - 1))
        }
        return total
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
        var cache = try (0..<2 * network.layers).map { _ in
            try OnnxTensor(runtime, floats: [], shape: [batch, network.heads, 0, network.headWidth])
        }
        var past = 0
        var tokens = prompt
        var generated: [Int64] = []
        var scores: [Float] = []
        for _ in 0..<newTokens {
            let new = tokens.count / batch
            let positions = (0..<batch * new).map { Int64(past + $0 % new) }
            var inputs: [(name: String, tensor: OnnxTensor)] = [
                ("input_ids", try OnnxTensor(runtime, integers: tokens, shape: [batch, new])),
                ("position_ids", try OnnxTensor(runtime, integers: positions, shape: [batch, new])),
                ("attention_bias", try causalMask(runtime, new: new, past: past)),
            ]
            for layer in 0..<network.layers {
                inputs.append(("past_key_\(layer)", cache[2 * layer]))
                inputs.append(("past_value_\(layer)", cache[2 * layer + 1]))
            }
            let outputs = try session.run(inputs, outputs: outputNames)
            cache = Array(outputs.dropFirst())
            past += new
            tokens = try outputs[0].withFloats { all in
                (0..<batch).map { query in
                    let first = query * network.vocabulary
                    let best = (first..<first + network.vocabulary).max { all[$0] < all[$1] } ?? first
                    return Int64(best - first)
                }
            }
            scores = try outputs[0].withFloats { Array($0.prefix(network.vocabulary)) }
            generated.append(tokens[0])
        }
        return (generated, scores)
    }

    private func causalMask(_ runtime: OnnxRuntime, new: Int, past: Int) throws(OnnxError) -> OnnxTensor {
        let total = new + past
        var mask = [Float](repeating: 0, count: new * total)
        for row in 0..<new {
            for column in (past + row + 1)..<max(past + row + 1, total) { mask[row * total + column] = -10_000 }
        }
        return try OnnxTensor(runtime, floats: mask, shape: [1, 1, new, total])
    }
}
