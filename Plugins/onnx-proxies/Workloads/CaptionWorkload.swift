import Onnx

/// Greedy captions: the image is read once, then one pass of the decoder a token.
struct CaptionWorkload: ProxyWorkload {
    let model: String
    let network: VisionEncoderDecoder
    let newTokens: Int
    let batch: Int
    let graphs: [ProxyGraph]
    private let decoder: GreedyDecoder
    private let crossNames: [String]
    private var images: RandomImages

    init(
        _ model: String, _ network: VisionEncoderDecoder, newTokens: Int, batch: Int, seed: Int64,
        precision: Precision = .fp32
    ) {
        self.model = model
        self.network = network
        self.newTokens = newTokens
        self.batch = batch
        graphs = [
            ProxyGraph(name: "encoder", builder: network.encoder()),
            ProxyGraph(name: "decoder", builder: network.decoder()),
        ]
        decoder = GreedyDecoder(
            layers: network.layers, heads: network.heads, headWidth: network.hidden / network.heads,
            vocabulary: network.vocabulary, batch: batch, precision: precision)
        crossNames = network.crossNames
        let side = network.encoderNetwork.image
        images = RandomImages(batch: batch, height: side, width: side, seed: seed)
    }

    func operations() throws(OnnxError) -> Double {
        let source = [VisionEncoderDecoder.source: network.encoderNetwork.tokens]
        return try GraphCount.operations(graphs[0].builder.countable, ["batch": 1])
            + decoder.operations(graphs[1].builder, start: 1, count: newTokens, source)
    }

    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float] {
        let start = [Int64](repeating: network.startToken, count: batch)
        return try caption(images.next(runtime), from: start, count: newTokens, sessions, runtime).scores
    }

    /// - Parameter start: the tokens that the captions begin with, those of one query after those of the other.
    /// - Returns: the new tokens of the first query, and its scores of the last of them.
    func caption(
        _ image: OnnxTensor, from start: [Int64], count: Int, _ sessions: [OnnxSession], _ runtime: OnnxRuntime
    ) throws -> (tokens: [Int64], scores: [Float]) {
        let cross = try sessions[0].run([("pixel_values", image)], outputs: crossNames)
        let constants = zip(crossNames, cross).map { (name: $0, tensor: $1) }
        return try decoder.generate(from: start, count: count, sessions[1], runtime, constants: constants) {
            past, new in
            [
                try decoder.positions(runtime, past: past, new: new),
                try GreedyDecoder.causalMask(runtime, past: past, new: new),
            ]
        }
    }
}
