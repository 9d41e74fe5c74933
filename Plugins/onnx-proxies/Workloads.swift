import Onnx

/// One task's inference over a loaded model.
protocol ProxyWorkload {
    var builder: GraphBuilder { get }
    /// Operations of one whole inference, counted from the graph.
    func operations() throws(OnnxError) -> Double
    /// Answers one query; inputs differ from one to the next.
    ///
    /// - Returns: the scores, for tests to look at.
    @discardableResult
    mutating func infer(_ session: OnnxSession, _ runtime: OnnxRuntime) throws -> [Float]
}

/// An encoder over a sequence of tokens: classification, or a score for every word of the vocabulary.
struct EncoderWorkload: ProxyWorkload {
    let model: BERT
    let length: Int
    let builder: GraphBuilder
    private var random: RandomWeights

    init(_ model: BERT, length: Int, seed: Int64) {
        self.model = model
        self.length = length
        builder = model.graph()
        random = RandomWeights(seed: seed, name: "tokens")
    }

    func operations() throws(OnnxError) -> Double {
        try GraphCount.operations(builder.countable, [BERT.sequence: length])
    }

    mutating func infer(_ session: OnnxSession, _ runtime: OnnxRuntime) throws -> [Float] {
        let tokens = (0..<length).map { _ in random.integer(below: model.vocabulary) }
        let shape = [1, length]
        let outputs = try session.run(
            [
                ("input_ids", OnnxTensor(runtime, integers: tokens, shape: shape)),
                ("token_type_ids", OnnxTensor(runtime, integers: [Int64](repeating: 0, count: length), shape: shape)),
                ("position_ids", OnnxTensor(runtime, integers: (0..<length).map(Int64.init), shape: shape)),
                (
                    "attention_bias",
                    OnnxTensor(runtime, floats: [Float](repeating: 0, count: length), shape: [1, 1, 1, length])
                ),
            ], outputs: ["logits"])
        // What a pipeline reads of them: the labels, or the scores of one masked word.
        return try outputs[0].withFloats { Array($0.prefix(model.vocabulary)) }
    }
}

/// An image classifier.
struct ImageWorkload: ProxyWorkload {
    let model: ResNet
    let builder: GraphBuilder
    private var random: RandomWeights
    private var pixels: [Float]

    init(_ model: ResNet, seed: Int64) {
        self.model = model
        builder = model.graph()
        random = RandomWeights(seed: seed, name: "pixels")
        pixels = [Float](repeating: 0, count: 3 * model.image * model.image)
        pixels.withUnsafeMutableBufferPointer { random.fill($0, deviation: 1, mean: 0) }
    }

    func operations() throws(OnnxError) -> Double { try GraphCount.operations(builder.countable, [:]) }

    mutating func infer(_ session: OnnxSession, _ runtime: OnnxRuntime) throws -> [Float] {
        // A new image each time for the price of a shift: the work of a convolution does not depend on its numbers.
        let shift = Int(random.integer(below: pixels.count))
        pixels = Array(pixels[shift...] + pixels[..<shift])
        let outputs = try session.run(
            [("pixel_values", OnnxTensor(runtime, floats: pixels, shape: [1, 3, model.image, model.image]))],
            outputs: ["logits"])
        return try outputs[0].withFloats { Array($0) }
    }
}

/// Greedy generation with a cache of keys and values: one pass over the prompt, then one a token.
struct GenerationWorkload: ProxyWorkload {
    let model: GPT2
    let promptLength: Int
    let newTokens: Int
    let builder: GraphBuilder
    private var random: RandomWeights
    private let outputNames: [String]

    init(_ model: GPT2, promptLength: Int, newTokens: Int, seed: Int64) {
        self.model = model
        self.promptLength = promptLength
        self.newTokens = newTokens
        builder = model.graph()
        random = RandomWeights(seed: seed, name: "prompt")
        outputNames =
            ["logits"] + (0..<model.layers).flatMap { ["present_key_\($0)", "present_value_\($0)"] }
    }

    /// The prompt's pass gives the first new token, and each further pass one more.
    func operations() throws(OnnxError) -> Double {
        let graph = builder.countable
        var total = try GraphCount.operations(graph, GPT2.bindings(new: promptLength, past: 0))
        for step in 1..<max(1, newTokens) {
            total += try GraphCount.operations(graph, GPT2.bindings(new: 1, past: promptLength + step - 1))
        }
        return total
    }

    mutating func infer(_ session: OnnxSession, _ runtime: OnnxRuntime) throws -> [Float] {
        let prompt = (0..<promptLength).map { _ in random.integer(below: model.vocabulary) }
        return try generate(prompt, session, runtime).scores
    }

    /// - Returns: the new tokens, and the scores of the last.
    func generate(
        _ prompt: [Int64], _ session: OnnxSession, _ runtime: OnnxRuntime
    ) throws -> (tokens: [Int64], scores: [Float]) {
        var cache = try (0..<2 * model.layers).map { _ in
            try OnnxTensor(runtime, floats: [], shape: [1, model.heads, 0, model.headWidth])
        }
        var past = 0
        var tokens = prompt
        var generated: [Int64] = []
        var scores: [Float] = []
        for _ in 0..<newTokens {
            let new = tokens.count
            var inputs: [(name: String, tensor: OnnxTensor)] = [
                ("input_ids", try OnnxTensor(runtime, integers: tokens, shape: [1, new])),
                (
                    "position_ids",
                    try OnnxTensor(runtime, integers: (past..<past + new).map(Int64.init), shape: [1, new])
                ),
                ("attention_bias", try causalMask(runtime, new: new, past: past)),
            ]
            for layer in 0..<model.layers {
                inputs.append(("past_key_\(layer)", cache[2 * layer]))
                inputs.append(("past_value_\(layer)", cache[2 * layer + 1]))
            }
            let outputs = try session.run(inputs, outputs: outputNames)
            cache = Array(outputs.dropFirst())
            past += new
            scores = try outputs[0].withFloats { Array($0) }
            let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
            generated.append(Int64(best))
            tokens = [Int64(best)]
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
