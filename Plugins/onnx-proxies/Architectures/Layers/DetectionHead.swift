import Onnx

/// Three dense layers with ReLU between them, which DETR has for boxes and YOLOS for boxes and classes.
///
/// - Parameter x: [batch, queries, hidden].
/// - Returns: [batch, queries, outputs].
func detectionHead(
    _ g: inout GraphBuilder, _ x: GraphBuilder.Value, _ name: String, _ hidden: Int, outputs: Int
) -> GraphBuilder.Value {
    let deviation = (2 / Float(hidden)).squareRoot()
    let first = g.relu(g.dense(x, "\(name).0", hidden, hidden, deviation: deviation))
    let second = g.relu(g.dense(first, "\(name).1", hidden, hidden, deviation: deviation))
    return g.dense(second, "\(name).2", hidden, outputs, deviation: deviation)
}
