/// Builds an ONNX graph, with the shape of every value beside it and a recipe for every weight.
///
/// Operators are those of opset 17 (LayerNormalization came with it).
package struct GraphBuilder {
    /// A value of the graph.
    package struct Value: Sendable, Hashable {
        package let name: String
        package let shape: [Dimension]
    }

    /// How a weight is filled.
    package enum Fill: Sendable, Hashable {
        /// Uniform with this standard deviation around a mean.
        case random(deviation: Float, mean: Float)
        case constant(Float)
    }

    /// A weight that is written to the data file.
    package struct Weight: Sendable, Hashable {
        package let name: String
        package let shape: [Int]
        package let fill: Fill
        package var count: Int { shape.reduce(1, *) }
    }

    /// ONNX's TensorProto.DataType.
    package enum ElementType: Int32, Sendable {
        case float = 1
        case int64 = 7
    }

    package private(set) var graph = Onnx_GraphProto()
    package private(set) var weights: [Weight] = []
    private var nextNumber = 0

    package init(name: String) { graph.name = name }

    // MARK: Values

    package mutating func input(_ name: String, _ shape: [Dimension], _ type: ElementType = .float) -> Value {
        graph.input.append(Self.info(name, shape, type))
        return Value(name: name, shape: shape)
    }

    package mutating func output(_ value: Value, as name: String, _ type: ElementType = .float) {
        node("Identity", [value.name], [name])
        graph.output.append(Self.info(name, value.shape, type))
    }

    /// Lets a value go out under its own name, without the copy that an Identity is where the graph reads the value too.
    mutating func expose(_ value: Value) { graph.output.append(Self.info(value.name, value.shape, .float)) }

    package mutating func weight(_ name: String, _ shape: [Int], _ fill: Fill) -> Value {
        weights.append(Weight(name: name, shape: shape, fill: fill))
        return Value(name: name, shape: shape.map(Dimension.fixed))
    }

    /// A small constant inside the graph, such as a shape or an index.
    mutating func integers(_ values: [Int64], scalar: Bool = false) -> String {
        var tensor = Onnx_TensorProto()
        tensor.name = unique("const")
        tensor.dataType = ElementType.int64.rawValue
        tensor.dims = scalar ? [] : [Int64(values.count)]
        tensor.int64Data = values
        graph.initializer.append(tensor)
        return tensor.name
    }

    mutating func scalar(_ value: Float) -> Value {
        var tensor = Onnx_TensorProto()
        tensor.name = unique("const")
        tensor.dataType = ElementType.float.rawValue
        tensor.floatData = [value]
        graph.initializer.append(tensor)
        return Value(name: tensor.name, shape: [])
    }

    // MARK: Operators

    package mutating func matMul(_ a: Value, _ b: Value) -> Value {
        let batch = a.shape.count >= b.shape.count ? a.shape.dropLast(2) : b.shape.dropLast(2)
        let rows = a.shape[a.shape.count - 2]
        let columns = b.shape[b.shape.count - 1]
        return add("MatMul", [a, b], Array(batch) + [rows, columns])
    }

    /// x · bᵀ + c with a weight that is stored the other way round, such as a tied embedding.
    package mutating func matMulTransposed(_ a: Value, _ b: Value, bias: Value? = nil) -> Value {
        add(
            "Gemm", [a, b] + (bias.map { [$0] } ?? []), [a.shape[0], b.shape[0]],
            [Self.attribute("transB", 1)])
    }

    /// A dense layer: x · w + b.
    package mutating func dense(_ x: Value, _ name: String, _ inputs: Int, _ outputs: Int, deviation: Float) -> Value {
        let w = weight("\(name).weight", [inputs, outputs], .random(deviation: deviation, mean: 0))
        let b = weight("\(name).bias", [outputs], .random(deviation: 0.02, mean: 0))
        return sum(matMul(x, w), b)
    }

    package mutating func sum(_ a: Value, _ b: Value) -> Value { elementwise("Add", a, b) }
    package mutating func product(_ a: Value, _ b: Value) -> Value { elementwise("Mul", a, b) }
    package mutating func scaled(_ a: Value, by factor: Float) -> Value { elementwise("Mul", a, scalar(factor)) }

    mutating func elementwise(_ op: String, _ a: Value, _ b: Value) -> Value {
        // The longer shape is the result's; where one has a 1 the other counts (ONNX broadcasting).
        let (long, short) = a.shape.count >= b.shape.count ? (a.shape, b.shape) : (b.shape, a.shape)
        var shape = long
        for offset in 0..<short.count where shape[long.count - 1 - offset] == .fixed(1) {
            shape[long.count - 1 - offset] = short[short.count - 1 - offset]
        }
        return add(op, [a, b], shape)
    }

    package mutating func relu(_ x: Value) -> Value { add("Relu", [x], x.shape) }
    package mutating func tanh(_ x: Value) -> Value { add("Tanh", [x], x.shape) }

    /// GELU by the error function, as BERT has it, in the form that exporters write and engines fuse.
    package mutating func gelu(_ x: Value) -> Value {
        let inner = add("Erf", [elementwise("Div", x, scalar(Float(2).squareRoot()))], x.shape)
        return scaled(product(x, sum(inner, scalar(1))), by: 0.5)
    }

    /// GELU by the hyperbolic tangent, as GPT-2 has it, in the form that exporters write and engines fuse.
    package mutating func geluTanh(_ x: Value) -> Value {
        let cube = elementwise("Pow", x, scalar(3))
        let inner = scaled(sum(x, scaled(cube, by: 0.044715)), by: (2 / Float.pi).squareRoot())
        return product(scaled(x, by: 0.5), sum(tanh(inner), scalar(1)))
    }

    package mutating func softmax(_ x: Value) -> Value { add("Softmax", [x], x.shape, [Self.attribute("axis", -1)]) }

    package mutating func layerNorm(_ x: Value, _ name: String, _ size: Int, epsilon: Float) -> Value {
        let scale = weight("\(name).weight", [size], .random(deviation: 0.02, mean: 1))
        let bias = weight("\(name).bias", [size], .random(deviation: 0.02, mean: 0))
        return add(
            "LayerNormalization", [x, scale, bias], x.shape,
            [Self.attribute("axis", -1), Self.attribute("epsilon", epsilon)])
    }

    /// Rows of a table by their indices.
    package mutating func embed(_ table: Value, _ indices: Value) -> Value {
        add("Gather", [table, indices], indices.shape + table.shape.dropFirst())
    }

    /// One position along an axis, which goes away; −1 is the last.
    package mutating func pick(_ x: Value, axis: Int, index: Int) -> Value {
        var shape = x.shape
        shape.remove(at: axis)
        let indices = Value(name: integers([Int64(index)], scalar: true), shape: [])
        return add("Gather", [x, indices], shape, [Self.attribute("axis", axis)])
    }

    /// - Parameter shape: what it becomes; a named dimension must stay where it is.
    package mutating func reshape(_ x: Value, _ shape: [Dimension]) -> Value {
        let target = shape.enumerated().map { index, dimension -> Int64 in
            switch dimension {
            case .fixed(let value): Int64(value)
            // 0 copies the dimension of the input at that place; −1 is worked out.
            case .named: index < x.shape.count && x.shape[index] == dimension ? 0 : -1
            }
        }
        return add("Reshape", [x, Value(name: integers(target), shape: [.fixed(target.count)])], shape)
    }

    package mutating func transpose(_ x: Value, _ order: [Int]) -> Value {
        add("Transpose", [x], order.map { x.shape[$0] }, [Self.attribute("perm", order)])
    }

    /// Cuts the last dimension into equal parts.
    package mutating func split(_ x: Value, into parts: Int) -> [Value] {
        guard case .fixed(let last)? = x.shape.last else { return [] }
        let shape = Array(x.shape.dropLast()) + [.fixed(last / parts)]
        let values = (0..<parts).map { _ in Value(name: unique("Split"), shape: shape) }
        let sizes = integers([Int64](repeating: Int64(last / parts), count: parts))
        node("Split", [x.name, sizes], values.map(\.name), [Self.attribute("axis", -1)])
        for value in values { note(value) }
        return values
    }

    package mutating func concatenate(_ a: Value, _ b: Value, axis: Int, size: Dimension) -> Value {
        var shape = a.shape
        shape[axis] = size
        return add("Concat", [a, b], shape, [Self.attribute("axis", axis)])
    }

    /// A convolution without bias, and the batch normalisation that follows it (kept apart as in the trained network; the
    /// engine folds them).
    package mutating func convolution(
        _ x: Value, _ name: String, outputs: Int, kernel: Int, stride: Int, normScale: Float
    ) -> Value {
        guard case .fixed(let inputs) = x.shape[1] else { return x }
        let fanIn = Float(inputs * kernel * kernel)
        let w = weight(
            "\(name).weight", [outputs, inputs, kernel, kernel],
            .random(deviation: (2 / fanIn).squareRoot(), mean: 0))
        let pad = kernel / 2
        let size = x.shape[2...].map { Self.strided($0, kernel: kernel, stride: stride, pad: pad) }
        let convolved = add(
            "Conv", [x, w], [x.shape[0], .fixed(outputs)] + size,
            [
                Self.attribute("kernel_shape", [kernel, kernel]), Self.attribute("strides", [stride, stride]),
                Self.attribute("pads", [pad, pad, pad, pad]),
            ])
        let scale = weight("\(name).bn.weight", [outputs], .random(deviation: 0.02, mean: normScale))
        let bias = weight("\(name).bn.bias", [outputs], .random(deviation: 0.02, mean: 0))
        let mean = weight("\(name).bn.running_mean", [outputs], .random(deviation: 0.02, mean: 0))
        let variance = weight("\(name).bn.running_var", [outputs], .random(deviation: 0.02, mean: 1))
        return add("BatchNormalization", [convolved, scale, bias, mean, variance], convolved.shape)
    }

    package mutating func maxPool(_ x: Value, kernel: Int, stride: Int) -> Value {
        let pad = kernel / 2
        let size = x.shape[2...].map { Self.strided($0, kernel: kernel, stride: stride, pad: pad) }
        return add(
            "MaxPool", [x], Array(x.shape[..<2]) + size,
            [
                Self.attribute("kernel_shape", [kernel, kernel]), Self.attribute("strides", [stride, stride]),
                Self.attribute("pads", [pad, pad, pad, pad]),
            ])
    }

    package mutating func globalAveragePool(_ x: Value) -> Value {
        add("GlobalAveragePool", [x], Array(x.shape[..<2]) + [1, 1])
    }

    static func strided(_ size: Dimension, kernel: Int, stride: Int, pad: Int) -> Dimension {
        guard case .fixed(let size) = size else { return size }
        return .fixed((size + 2 * pad - kernel) / stride + 1)
    }

    // MARK: Nodes

    mutating func add(
        _ op: String, _ inputs: [Value], _ shape: [Dimension], _ attributes: [Onnx_AttributeProto] = []
    ) -> Value {
        let value = Value(name: unique(op), shape: shape)
        node(op, inputs.map(\.name), [value.name], attributes)
        note(value)
        return value
    }

    mutating func node(
        _ op: String, _ inputs: [String], _ outputs: [String], _ attributes: [Onnx_AttributeProto] = []
    ) {
        var node = Onnx_NodeProto()
        node.opType = op
        node.name = "node_\(outputs[0])"
        node.input = inputs
        node.output = outputs
        node.attribute = attributes
        graph.node.append(node)
    }

    /// Keeps the shape in the file, where the counter of operations reads it.
    mutating func note(_ value: Value) { graph.valueInfo.append(Self.info(value.name, value.shape, .float)) }

    mutating func unique(_ prefix: String) -> String {
        nextNumber += 1
        return "\(prefix.lowercased())_\(nextNumber)"
    }

    static func info(_ name: String, _ shape: [Dimension], _ type: ElementType) -> Onnx_ValueInfoProto {
        var info = Onnx_ValueInfoProto()
        info.name = name
        info.type.tensorType.elemType = type.rawValue
        info.type.tensorType.shape.dim = shape.map { dimension in
            var proto = Onnx_TensorShapeProto.Dimension()
            switch dimension {
            case .fixed(let value): proto.dimValue = Int64(value)
            case .named(let name): proto.dimParam = name
            }
            return proto
        }
        return info
    }

    static func attribute(_ name: String, _ value: Int) -> Onnx_AttributeProto {
        var attribute = Onnx_AttributeProto()
        attribute.name = name
        attribute.type = .int
        attribute.i = Int64(value)
        return attribute
    }

    static func attribute(_ name: String, _ value: Float) -> Onnx_AttributeProto {
        var attribute = Onnx_AttributeProto()
        attribute.name = name
        attribute.type = .float
        attribute.f = value
        return attribute
    }

    static func attribute(_ name: String, _ values: [Int]) -> Onnx_AttributeProto {
        var attribute = Onnx_AttributeProto()
        attribute.name = name
        attribute.type = .ints
        attribute.ints = values.map(Int64.init)
        return attribute
    }
}
