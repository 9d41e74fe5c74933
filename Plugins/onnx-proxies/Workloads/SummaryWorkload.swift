import Onnx

/// A network whose encoder reads a text once, and whose decoder then writes another, token by token.
///
/// The encoder's graph takes `input_ids` [batch, source]; it gives, for each layer n of the decoder, `cross_key_n`
/// [batch, heads, head width, source] and `cross_value_n` [batch, heads, source, head width], which the decoder's graph
/// takes beside the inputs of `GreedyDecoder`.
protocol EncoderDecoder {
    var decoderLayers: Int { get }
    var heads: Int { get }
    var headWidth: Int { get }
    var vocabulary: Int { get }
    /// The token that the decoder begins with.
    var startToken: Int64 { get }

    func encoder() -> GraphBuilder
    func decoder() -> GraphBuilder
    /// What the encoder takes besides the tokens.
    func encoderInputs(_ runtime: OnnxRuntime, batch: Int, length: Int) throws(OnnxError) -> [GreedyDecoder.Input]
    /// What one pass of the decoder takes besides tokens, caches and the encoder's outputs.
    func stepInputs(
        _ runtime: OnnxRuntime, _ decoder: GreedyDecoder, past: Int, new: Int
    ) throws(OnnxError) -> [GreedyDecoder.Input]
}

extension EncoderDecoder {
    /// Tokens of the text that the encoder reads: a dimension of both graphs.
    static var source: String { "source" }

    var crossNames: [String] { (0..<decoderLayers).flatMap { ["cross_key_\($0)", "cross_value_\($0)"] } }

    /// `encoder_attention_bias` [batch, 1, 1, source]: 0 where a token is; here there is no padding.
    func noPadding(_ runtime: OnnxRuntime, batch: Int, length: Int) throws(OnnxError) -> GreedyDecoder.Input {
        let zeros = [Float](repeating: 0, count: batch * length)
        return ("encoder_attention_bias", try OnnxTensor(runtime, floats: zeros, shape: [batch, 1, 1, length]))
    }
}

/// Greedy summarization: one pass of the encoder, then one of the decoder a token.
struct SummaryWorkload: ProxyWorkload {
    let model: String
    let network: any EncoderDecoder
    let inputLength: Int
    let newTokens: Int
    let batch: Int
    let graphs: [ProxyGraph]
    private let decoder: GreedyDecoder
    private let crossNames: [String]
    private var random: RandomWeights
    /// What is the same in every inference: of the encoder, and of the decoder.
    private var encoderConstants: [GreedyDecoder.Input] = []
    private var padding: [GreedyDecoder.Input] = []

    init(
        _ model: String, _ network: any EncoderDecoder, inputLength: Int, newTokens: Int, batch: Int, seed: Int64,
        precision: Precision = .fp32
    ) {
        self.model = model
        self.network = network
        self.inputLength = inputLength
        self.newTokens = newTokens
        self.batch = batch
        graphs = [
            ProxyGraph(name: "encoder", builder: network.encoder()),
            ProxyGraph(name: "decoder", builder: network.decoder()),
        ]
        decoder = GreedyDecoder(
            layers: network.decoderLayers, heads: network.heads, headWidth: network.headWidth,
            vocabulary: network.vocabulary, batch: batch, precision: precision)
        crossNames = network.crossNames
        random = RandomWeights(seed: seed, name: "text")
    }

    func operations() throws(OnnxError) -> Double {
        let bindings = ["batch": 1, "source": inputLength]
        return try GraphCount.operations(graphs[0].builder.countable, bindings)
            + decoder.operations(graphs[1].builder, start: 1, count: newTokens, bindings)
    }

    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float] {
        let text = (0..<batch * inputLength).map { _ in random.integer(below: network.vocabulary) }
        let start = [Int64](repeating: network.startToken, count: batch)
        return try summarize(text, from: start, count: newTokens, sessions, runtime).scores
    }

    /// - Parameters:
    ///   - text: the tokens of each query of the batch, one query after the other.
    ///   - start: the tokens that the summaries begin with, likewise.
    /// - Returns: the new tokens of the first query, and its scores of the last of them.
    mutating func summarize(
        _ text: [Int64], from start: [Int64], count: Int, _ sessions: [OnnxSession], _ runtime: OnnxRuntime
    ) throws -> (tokens: [Int64], scores: [Float]) {
        if padding.isEmpty {
            padding = [try network.noPadding(runtime, batch: batch, length: inputLength)]
            encoderConstants = try padding + network.encoderInputs(runtime, batch: batch, length: inputLength)
        }
        let ids = try OnnxTensor(runtime, integers: text, shape: [batch, inputLength])
        let cross = try sessions[0].run([("input_ids", ids)] + encoderConstants, outputs: crossNames)
        let constants = padding + zip(crossNames, cross).map { ($0, $1) }
        let (network, decoder) = (network, decoder)
        return try decoder.generate(from: start, count: count, sessions[1], runtime, constants: constants) {
            past, new in
            try network.stepInputs(runtime, decoder, past: past, new: new)
        }
    }
}
