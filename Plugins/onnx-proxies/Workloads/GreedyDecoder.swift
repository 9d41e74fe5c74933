import Onnx

/// Greedy search over a decoder with a cache of keys and values: one pass over the first tokens, then one a token.
///
/// The graph takes `input_ids` [batch, sequence] and, for each layer n, `past_key_n` and `past_value_n`
/// [batch, heads, past, head width]; it gives `logits` [batch, vocabulary] of the last token, `present_key_n` and
/// `present_value_n`. What it takes besides is the caller's. The cache is never copied here: the outputs of one pass are
/// the inputs of the next.
struct GreedyDecoder {
    typealias Input = (name: String, tensor: OnnxTensor)

    let heads: Int
    let headWidth: Int
    let vocabulary: Int
    /// Queries that are answered at once.
    let batch: Int
    private let pastNames: [String]
    private let outputNames: [String]

    init(layers: Int, heads: Int, headWidth: Int, vocabulary: Int, batch: Int) {
        self.heads = heads
        self.headWidth = headWidth
        self.vocabulary = vocabulary
        self.batch = batch
        pastNames = (0..<layers).flatMap { ["past_key_\($0)", "past_value_\($0)"] }
        outputNames = ["logits"] + (0..<layers).flatMap { ["present_key_\($0)", "present_value_\($0)"] }
    }

    /// - Parameters:
    ///   - start: the first tokens of each query of the batch, one query after the other; all of the same length.
    ///   - count: how many tokens are made; 1 or more.
    ///   - constants: inputs that are the same in every pass, such as the keys and values of cross-attention.
    ///   - step: the inputs of one pass over `new` tokens after `past` others, such as positions and a mask.
    /// - Returns: the new tokens of the first query, and its scores of the last of them.
    func generate(
        from start: [Int64], count: Int, _ session: OnnxSession, _ runtime: OnnxRuntime, constants: [Input] = [],
        step: (_ past: Int, _ new: Int) throws -> [Input]
    ) throws -> (tokens: [Int64], scores: [Float]) {
        let empty = try OnnxTensor(runtime, floats: [], shape: [batch, heads, 0, headWidth])
        var cache = [OnnxTensor](repeating: empty, count: pastNames.count)
        var past = 0
        var tokens = start
        var generated: [Int64] = []
        var scores: [Float] = []
        for index in 0..<count {
            let new = tokens.count / batch
            var inputs: [Input] = [("input_ids", try OnnxTensor(runtime, integers: tokens, shape: [batch, new]))]
            inputs.reserveCapacity(1 + 4 + constants.count + cache.count)
            inputs += try step(past, new)
            inputs += constants
            for (name, tensor) in zip(pastNames, cache) { inputs.append((name, tensor)) }
            let outputs = try session.run(inputs, outputs: outputNames)
            cache = Array(outputs.dropFirst())
            past += new
            tokens = try outputs[0].withFloats { all in
                if index == count - 1 { scores = Array(all.prefix(vocabulary)) }
                return (0..<batch).map { Self.best(of: all, from: $0 * vocabulary, count: vocabulary) }
            }
            generated.append(tokens[0])
        }
        return (generated, scores)
    }

    /// Operations of the whole search for one query: the first pass gives the first new token, each further one more.
    ///
    /// - Parameter bindings: the graph's named dimensions that stay, such as the length of the encoder's input.
    func operations(
        _ builder: GraphBuilder, start: Int, count: Int, _ bindings: [String: Int] = [:]
    ) throws(OnnxError) -> Double {
        let graph = builder.countable
        func pass(new: Int, past: Int) throws(OnnxError) -> Double {
            try GraphCount.operations(
                graph, Self.bindings(new: new, past: past).merging(bindings, uniquingKeysWith: { $1 }))
        }
        var total = try pass(new: start, past: 0)
        for made in 1..<max(1, count) { total += try pass(new: 1, past: start + made - 1) }
        return total
    }

    // MARK: The names of a decoder's dimensions

    /// New tokens of a pass.
    static let sequence = "sequence"
    /// Tokens in the cache before it.
    static let past = "past"
    /// Both together.
    static let total = "total"

    /// The graph's named dimensions for a pass over some new tokens after those in the cache.
    static func bindings(new: Int, past: Int) -> [String: Int] {
        ["batch": 1, sequence: new, Self.past: past, total: new + past]
    }

    // MARK: Inputs that many decoders take

    /// `position_ids`: where the new tokens stand, counted from `offset`.
    func positions(_ runtime: OnnxRuntime, past: Int, new: Int, offset: Int = 0) throws(OnnxError) -> Input {
        let positions = (0..<batch * new).map { Int64(offset + past + $0 % new) }
        return ("position_ids", try OnnxTensor(runtime, integers: positions, shape: [batch, new]))
    }

    /// `attention_bias` [1, 1, new, past + new]: 0 where a token may look, −10,000 at what comes after it.
    static func causalMask(_ runtime: OnnxRuntime, past: Int, new: Int) throws(OnnxError) -> Input {
        let total = new + past
        var mask = [Float](repeating: 0, count: new * total)
        for row in 0..<new - 1 {
            for column in past + row + 1..<total { mask[row * total + column] = -10_000 }
        }
        return ("attention_bias", try OnnxTensor(runtime, floats: mask, shape: [1, 1, new, total]))
    }

    /// The first of the largest numbers in a part of some memory, counted from the part's start.
    private static func best(of all: UnsafeBufferPointer<Float>, from first: Int, count: Int) -> Int64 {
        var best = 0
        var largest = -Float.infinity
        for index in 0..<count where all[first + index] > largest {
            largest = all[first + index]
            best = index
        }
        return Int64(best)
    }
}
