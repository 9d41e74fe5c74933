import Onnx

/// An encoder over a sequence of tokens, and what a pipeline reads of its scores.
struct EncoderWorkload: ProxyWorkload {
    let model: String
    let network: BERT
    let length: Int
    let batch: Int
    let graphs: [ProxyGraph]
    private var random: RandomWeights
    /// What is the same in every inference.
    private var constants: [GreedyDecoder.Input] = []
    /// What the last inference answered for its first query: the best label, the best label of each token, the first and
    /// the last token of the best span, or the best word in place of the first token.
    private(set) var answer: [Int] = []

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
        let tokens = (0..<batch * length).map { _ in random.integer(below: network.vocabulary) }
        return try read(tokens, sessions[0], runtime)
    }

    /// - Parameter tokens: of each query of the batch, one query after the other.
    /// - Returns: the scores of the first query: of the labels, of each token's labels, of each token as the first and
    ///   then as the last of the answer, or of the words that may stand in place of the first token.
    mutating func read(_ tokens: [Int64], _ session: OnnxSession, _ runtime: OnnxRuntime) throws -> [Float] {
        if constants.isEmpty { constants = try unchanging(runtime) }
        let ids = try OnnxTensor(runtime, integers: tokens, shape: [batch, length])
        let outputs = try session.run([("input_ids", ids)] + constants, outputs: network.outputs)
        var scores: [Float] = []
        for query in 0..<batch {
            let read = try answer(of: query, outputs)
            if query == 0 { (answer, scores) = read }
        }
        return scores
    }

    private func unchanging(_ runtime: OnnxRuntime) throws(OnnxError) -> [GreedyDecoder.Input] {
        let count = batch * length
        let positions = (0..<count).map { Int64(network.firstPosition + $0 % length) }
        var inputs: [GreedyDecoder.Input] = [
            ("position_ids", try OnnxTensor(runtime, integers: positions, shape: [batch, length])),
            (
                "attention_bias",
                try OnnxTensor(runtime, floats: [Float](repeating: 0, count: count), shape: [batch, 1, 1, length])
            ),
        ]
        if network.tokenTypes > 0 {
            let types = [Int64](repeating: 0, count: count)
            inputs.append(("token_type_ids", try OnnxTensor(runtime, integers: types, shape: [batch, length])))
        }
        return inputs
    }

    private func answer(of query: Int, _ outputs: [OnnxTensor]) throws -> (answer: [Int], scores: [Float]) {
        switch network.head {
        case .classification(let labels), .rectifiedClassification(let labels):
            let scores = try part(of: outputs[0], from: query * labels, count: labels)
            return ([Self.best(scores[...])], scores)
        case .tags(let labels):
            let scores = try part(of: outputs[0], from: query * length * labels, count: length * labels)
            return ((0..<length).map { Self.best(scores[$0 * labels..<($0 + 1) * labels]) }, scores)
        case .span:
            let starts = try part(of: outputs[0], from: query * length, count: length)
            let ends = try part(of: outputs[1], from: query * length, count: length)
            return (Self.bestSpan(starts, ends), starts + ends)
        case .vocabulary:
            let row = query * length * network.vocabulary
            let scores = try part(of: outputs[0], from: row, count: network.vocabulary)
            return ([Self.best(scores[...])], scores)
        }
    }

    private func part(of tensor: OnnxTensor, from first: Int, count: Int) throws -> [Float] {
        try tensor.withFloats { Array($0[first..<first + count]) }
    }

    /// Which of some scores is the largest, counted from the first of them.
    private static func best(_ scores: ArraySlice<Float>) -> Int {
        guard let best = scores.indices.max(by: { scores[$0] < scores[$1] }) else { return 0 }
        return best - scores.startIndex
    }

    /// transformers' question-answering pipeline takes no answer that is longer (`max_answer_len`).
    static let longestAnswer = 15

    /// The span with the largest sum of its two scores, which is the one with the largest product of probabilities.
    static func bestSpan(_ starts: [Float], _ ends: [Float]) -> [Int] {
        var best = [0, 0]
        var largest = -Float.infinity
        for start in starts.indices {
            for end in start..<min(start + longestAnswer, ends.count) where starts[start] + ends[end] > largest {
                largest = starts[start] + ends[end]
                best = [start, end]
            }
        }
        return best
    }
}
