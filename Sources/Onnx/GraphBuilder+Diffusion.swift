import Foundation

/// What networks of latent diffusion need beyond the common operators.
extension GraphBuilder {
    /// x · sigmoid(x), also called swish.
    package mutating func silu(_ x: Value) -> Value { product(x, add("Sigmoid", [x], x.shape)) }

    /// CLIP's approximation of GELU: x · sigmoid(1.702 x).
    package mutating func quickGELU(_ x: Value) -> Value {
        product(x, add("Sigmoid", [scaled(x, by: 1.702)], x.shape))
    }

    /// A convolution with a bias, padded so that stride 1 keeps the size; kernel 1 or 3.
    ///
    /// - Parameters:
    ///   - x: [batch, channels, height, width].
    ///   - gain: the deviation of the result for an input of deviation 1.
    package mutating func biasedConvolution(
        _ x: Value, _ name: String, outputs: Int, kernel: Int, stride: Int = 1, gain: Float = 1
    ) -> Value {
        guard case .fixed(let inputs) = x.shape[1] else { return x }
        let deviation = gain / Float(inputs * kernel * kernel).squareRoot()
        let w = weight("\(name).weight", [outputs, inputs, kernel, kernel], .random(deviation: deviation, mean: 0))
        let b = weight("\(name).bias", [outputs], .random(deviation: 0.02, mean: 0))
        let pad = kernel / 2
        let size = x.shape[2...].map { Self.strided($0, kernel: kernel, stride: stride, pad: pad) }
        return add(
            "Conv", [x, w, b], [x.shape[0], .fixed(outputs)] + size,
            [
                Self.attribute("kernel_shape", [kernel, kernel]), Self.attribute("strides", [stride, stride]),
                Self.attribute("pads", [pad, pad, pad, pad]),
            ])
    }

    /// Group normalisation (Wu and He, arXiv 1803.08494).
    ///
    /// Opset 17 has no operator for it; this is what exporters write: each group is normalised as one channel of an
    /// instance, and every channel is scaled and shifted after that.
    ///
    /// - Parameter x: [batch, channels, height, width].
    package mutating func groupNorm(_ x: Value, _ name: String, groups: Int, epsilon: Float) -> Value {
        guard case .fixed(let channels) = x.shape[1] else { return x }
        let places = x.shape[2...].reduce(channels / groups) { product, dimension in
            guard case .fixed(let size) = dimension else { return product }
            return product * size
        }
        let grouped = reshape(x, [x.shape[0], .fixed(groups), .fixed(places)])
        let ones = constant([Float](repeating: 1, count: max(0, groups)))
        let zeros = constant([Float](repeating: 0, count: max(0, groups)))
        let normed = add(
            "InstanceNormalization", [grouped, ones, zeros], grouped.shape,
            [Self.attribute("epsilon", epsilon)])
        let scale = weight("\(name).weight", [channels, 1, 1], .random(deviation: 0.02, mean: 1))
        let bias = weight("\(name).bias", [channels, 1, 1], .random(deviation: 0.02, mean: 0))
        return sum(product(reshape(normed, x.shape), scale), bias)
    }

    /// Twice as high and wide; each place is copied to four.
    package mutating func upsampled(_ x: Value) -> Value {
        let shape =
            Array(x.shape[..<2])
            + x.shape[2...].map { dimension -> Dimension in
                guard case .fixed(let size) = dimension else { return dimension }
                return .fixed(2 * size)
            }
        let result = Value(name: unique("Resize"), shape: shape)
        // The region of interest is left out: it counts in another mode only.
        node(
            "Resize", [x.name, "", constant([1, 1, 2, 2]).name], [result.name],
            [
                Self.attribute("mode", text: "nearest"),
                Self.attribute("coordinate_transformation_mode", text: "asymmetric"),
                Self.attribute("nearest_mode", text: "floor"),
            ])
        note(result)
        return result
    }

    /// An image of another size, by bicubic interpolation as PyTorch's `interpolate` has it (corners not aligned).
    ///
    /// - Parameter x: [batch, channels, height, width], all known.
    package mutating func resized(_ x: Value, height: Int, width: Int) -> Value {
        let shape = Array(x.shape[..<2]) + [.fixed(height), .fixed(width)]
        let sizes = shape.map { dimension -> Int64 in
            guard case .fixed(let size) = dimension else { return 1 }
            return Int64(size)
        }
        let result = Value(name: unique("Resize"), shape: shape)
        // Neither a region of interest nor factors: the sizes say all.
        node(
            "Resize", [x.name, "", "", integers(sizes)], [result.name],
            [
                Self.attribute("mode", text: "cubic"),
                Self.attribute("coordinate_transformation_mode", text: "half_pixel"),
                Self.attribute("cubic_coeff_a", Float(-0.75)),
            ])
        note(result)
        return result
    }

    /// [batch, channels, height, width] → [batch, height · width, channels], which is how attention takes an image.
    package mutating func pixels(_ x: Value) -> Value {
        let rows = transpose(x, [0, 2, 3, 1])
        guard case .fixed(let height) = x.shape[2], case .fixed(let width) = x.shape[3] else { return rows }
        return reshape(rows, [x.shape[0], .fixed(height * width), x.shape[1]])
    }

    /// The way back from `pixels`, to the height and width of another value.
    package mutating func image(_ x: Value, like other: Value) -> Value {
        let rows = reshape(x, [x.shape[0], other.shape[2], other.shape[3], x.shape[2]])
        return transpose(rows, [0, 3, 1, 2])
    }

    /// softmax(q · kᵀ / √width + bias) · v over heads (Vaswani et al., arXiv 1706.03762).
    ///
    /// - Parameters:
    ///   - query: [batch, length, heads · width]; `key` and `value` likewise with a length of their own.
    ///   - bias: added to every score, such as a mask.
    /// - Returns: [batch, length, heads · width].
    package mutating func attention(
        _ query: Value, _ key: Value, _ value: Value, heads: Int, bias: Value? = nil
    ) -> Value {
        guard case .fixed(let inner) = query.shape[2] else { return query }
        let width = inner / heads
        func apart(_ x: Value, _ order: [Int]) -> Value {
            transpose(reshape(x, [x.shape[0], x.shape[1], .fixed(heads), .fixed(width)]), order)
        }
        let q = apart(query, [0, 2, 1, 3])
        let k = apart(key, [0, 2, 3, 1])
        let v = apart(value, [0, 2, 1, 3])
        var scores = scaled(matMul(q, k), by: 1 / Float(width).squareRoot())
        if let bias { scores = sum(scores, bias) }
        return reshape(transpose(matMul(softmax(scores), v), [0, 2, 1, 3]), query.shape)
    }

    // MARK: Constants that are no weights

    /// A vector of constants, by a node: among the initializers it would be counted as parameters.
    private mutating func constant(_ values: [Float]) -> Value {
        var attribute = Onnx_AttributeProto()
        attribute.name = "value_floats"
        attribute.type = .floats
        attribute.floats = values
        return add("Constant", [], [.fixed(values.count)], [attribute])
    }

    private static func attribute(_ name: String, text: String) -> Onnx_AttributeProto {
        var attribute = Onnx_AttributeProto()
        attribute.name = name
        attribute.type = .string
        attribute.s = Data(text.utf8)
        return attribute
    }
}
