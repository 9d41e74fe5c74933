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

extension [ProxyGraph] {
    /// Parameters of all graphs together. A weight of the same name and shape in two of them is the same weight, as its
    /// numbers come from the seed and its name, and counts once.
    var parameterCount: Int64 {
        var together = Onnx_GraphProto()
        var seen: Set<String> = []
        for graph in map(\.builder.countable) {
            together.node += graph.node
            together.initializer += graph.initializer.filter { seen.insert("\($0.name) \($0.dims)").inserted }
        }
        return GraphCount.parameters(together)
    }
}

extension GraphBuilder {
    /// How many queries are answered at once: a named dimension of every graph.
    static let batch = Dimension.named("batch")
}
