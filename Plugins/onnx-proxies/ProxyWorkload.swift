import Onnx

/// A proxy's size: the published one, or one of the same shape that is small enough for tests.
enum ProxySize: String {
    case full
    case tiny
}

/// A graph of a workload, and the name that its file has beside those of the others.
struct ProxyGraph {
    /// Such as `model`, or `encoder` and `decoder`.
    let name: String
    let builder: GraphBuilder
}

/// One task's inference over loaded models.
protocol ProxyWorkload {
    /// The model's name, such as `bert-base`.
    var model: String { get }
    /// In the order in which `infer` is given their sessions.
    var graphs: [ProxyGraph] { get }
    /// Operations of one whole inference, counted from the graphs.
    func operations() throws(OnnxError) -> Double
    /// Answers one batch of queries; inputs differ from one to the next.
    ///
    /// - Returns: the scores of the last pass, for tests to look at.
    @discardableResult
    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float]
}

extension GraphBuilder {
    /// How many queries are answered at once: a named dimension of every graph.
    static let batch = Dimension.named("batch")
}
