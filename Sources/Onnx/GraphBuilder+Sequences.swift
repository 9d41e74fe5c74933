/// What networks for sequences of tokens need beyond the common operators.
extension GraphBuilder {
    /// A layer without a bias: x · w.
    package mutating func linear(
        _ x: Value, _ name: String, _ inputs: Int, _ outputs: Int, deviation: Float
    ) -> Value {
        matMul(x, weight("\(name).weight", [inputs, outputs], .random(deviation: deviation, mean: 0)))
    }

    /// Root-mean-square normalisation (Zhang and Sennrich, arXiv 1910.07467), which T5 has: no mean, no bias.
    ///
    /// Opset 17 has no operator for it; this is the pattern that engines fuse.
    package mutating func rmsNorm(_ x: Value, _ name: String, _ size: Int, epsilon: Float) -> Value {
        let scale = weight("\(name).weight", [size], .random(deviation: 0.02, mean: 1))
        let square = elementwise("Pow", x, scalar(2))
        let mean = add(
            "ReduceMean", [square], x.shape.dropLast() + [1],
            [Self.attribute("axes", [-1]), Self.attribute("keepdims", 1)])
        let root = add("Sqrt", [sum(mean, scalar(epsilon))], mean.shape)
        return product(elementwise("Div", x, root), scale)
    }

    /// One behind the other along an axis, as an output of the graph that the graph goes on to use, such as a cache.
    package mutating func concatenatedOutput(
        _ a: Value, _ b: Value, axis: Int, size: Dimension, as name: String
    ) -> Value {
        var shape = a.shape
        shape[axis] = size
        let value = Value(name: name, shape: shape)
        node("Concat", [a.name, b.name], [name], [Self.attribute("axis", axis)])
        expose(value)
        return value
    }

    /// Puts a dimension of 1 in front.
    package mutating func leading(_ x: Value) -> Value {
        let axes = integers([0])
        return add("Unsqueeze", [x, Value(name: axes, shape: [1])], [1] + x.shape)
    }
}
