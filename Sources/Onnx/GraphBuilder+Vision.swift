/// What networks for images need beyond the common operators.
extension GraphBuilder {
    package mutating func sigmoid(_ x: Value) -> Value { add("Sigmoid", [x], x.shape) }

    /// A convolution with a bias and no padding: the patches of a vision transformer (kernel = stride), or a projection
    /// of channels (both 1).
    ///
    /// - Parameter x: [batch, channels, height, width].
    package mutating func projection(
        _ x: Value, _ name: String, outputs: Int, kernel: Int, stride: Int
    ) -> Value {
        guard case .fixed(let inputs) = x.shape[1] else { return x }
        let deviation = 1 / Float(inputs * kernel * kernel).squareRoot()
        let w = weight("\(name).weight", [outputs, inputs, kernel, kernel], .random(deviation: deviation, mean: 0))
        let b = weight("\(name).bias", [outputs], .random(deviation: 0.02, mean: 0))
        let size = x.shape[2...].map { Self.strided($0, kernel: kernel, stride: stride, pad: 0) }
        return add(
            "Conv", [x, w, b], [x.shape[0], .fixed(outputs)] + size,
            [Self.attribute("kernel_shape", [kernel, kernel]), Self.attribute("strides", [stride, stride])])
    }

    /// [batch, channels, height, width] → [batch, height · width, channels], which is how a transformer takes an image.
    package mutating func places(_ x: Value) -> Value {
        guard case .fixed(let height) = x.shape[2], case .fixed(let width) = x.shape[3] else { return x }
        return transpose(reshape(x, [x.shape[0], x.shape[1], .fixed(height * width)]), [0, 2, 1])
    }

    /// Part of an axis; `to` is not in it.
    package mutating func slice(_ x: Value, axis: Int, from: Int, to: Int) -> Value {
        var shape = x.shape
        shape[axis] = .fixed(to - from)
        let bounds = [from, to, axis].map { Value(name: integers([Int64($0)]), shape: [1]) }
        return add("Slice", [x] + bounds, shape)
    }

    /// Learned tokens before and after those of an image.
    ///
    /// - Parameters:
    ///   - x: [batch, length, width].
    ///   - first: the name and the number of those before it, and `last` of those after it.
    package mutating func withTokens(_ x: Value, first: (String, Int), last: (String, Int)? = nil) -> Value {
        guard case .fixed(let length) = x.shape[1], case .fixed(let width) = x.shape[2] else { return x }
        // The batch is known at run time only, and a learned token is one for all queries.
        let batch = unique("Shape")
        node("Shape", [x.name], [batch], [Self.attribute("start", 0), Self.attribute("end", 1)])
        func token(_ name: String, _ count: Int) -> Value {
            let learned = weight(name, [1, count, width], .random(deviation: 1, mean: 0))
            let target = unique("Concat")
            node("Concat", [batch, integers([Int64(count), Int64(width)])], [target], [Self.attribute("axis", 0)])
            return add(
                "Expand", [learned, Value(name: target, shape: [3])], [x.shape[0], .fixed(count), .fixed(width)])
        }
        let parts = [token(first.0, first.1), x] + (last.map { [token($0.0, $0.1)] } ?? [])
        let total = length + first.1 + (last?.1 ?? 0)
        return add("Concat", parts, [x.shape[0], .fixed(total), .fixed(width)], [Self.attribute("axis", 1)])
    }
}
