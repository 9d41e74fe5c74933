import Core

/// What a graph costs: its parameters, and the operations of one pass.
package enum GraphCount {
    // MARK: Parameters

    /// The number of trained parameters: all weights but the running statistics of batch normalisation, which are measured
    /// and not trained, and the scales and zero points of quantised weights. A weight that is used twice (tied) is stored
    /// and counted once.
    package static func parameters(_ graph: Onnx_GraphProto) -> Int64 {
        var ignored: Set<String> = []
        for node in graph.node {
            ignored.formUnion(node.input.enumerated().lazy.filter { isNoWeight($0.offset, of: node) }.map(\.element))
        }
        let packed = packed(graph)
        // Branches and loops have weights of their own.
        let bodies = graph.node.lazy.flatMap(\.attribute).filter { $0.type == .graph }.map(\.g)
        return weights(graph).reduce(bodies.reduce(0) { $0.addingSaturated(parameters($1)) }) { sum, tensor in
            // A scalar is a constant of the formula, such as the 0.5 of GELU.
            guard !tensor.dims.isEmpty, !ignored.contains(tensor.name) else { return sum }
            // MatMulNBits packs two numbers into a byte. Sizes are as the file says, which may be anything.
            return sum.addingSaturated(
                tensor.dims.reduce(packed.contains(tensor.name) ? 2 : 1) { $0.multipliedSaturated(by: $1) })
        }
    }

    /// The first weight that the graph works out from constants of other kinds (by ConstantOfShape, say), so that it is in no
    /// tensor and not counted; `nil` if there is none.
    package static func computedWeight(_ graph: Onnx_GraphProto) -> String? {
        let stored = Set(graph.initializer.map(\.name))
        var makers: [String: Onnx_NodeProto] = [:]
        for node in graph.node { for output in node.output { makers[output] = node } }
        // Nodes that hand a tensor on, in another order or type.
        let passing: Set<String> = [
            "Cast", "DequantizeLinear", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze",
        ]
        // Where each of their results comes from; each node is gone through once, however many results pass through it.
        var origins: [String: String] = [:]
        func origin(_ name: String) -> String {
            var way: [String] = []
            var name = name
            while origins[name] == nil, let maker = makers[name], passing.contains(maker.opType),
                let source = maker.input.first
            {
                // Until it is known: a graph that goes in a circle ends here.
                origins[name] = name
                way.append(name)
                name = source
            }
            let end = origins[name] ?? name
            for passed in way { origins[passed] = end }
            return end
        }
        for node in graph.node {
            guard ["Conv", "ConvTranspose", "Gemm", "MatMul"].contains(node.opType), node.input.count > 1 else {
                continue
            }
            let name = origin(node.input[1])
            if !stored.contains(name),
                ["ConstantOfShape", "RandomNormal", "RandomUniform"].contains(makers[name]?.opType)
            {
                return node.input[1]
            }
        }
        return nil
    }

    /// Tensors of numbers that can be weights: the graph's initializers, and constants that old exporters made of weights.
    private static func weights(_ graph: Onnx_GraphProto) -> [Onnx_TensorProto] {
        let constants = graph.node.lazy.filter { $0.opType == "Constant" }.compactMap { node -> Onnx_TensorProto? in
            guard var tensor = node.attribute.first(where: { $0.name == "value" })?.t, let output = node.output.first
            else { return nil }
            tensor.name = output
            return tensor
        }
        return (graph.initializer + Array(constants)).filter { weightTypes.contains($0.dataType) }
    }

    /// FLOAT, UINT8, INT8, FLOAT16, DOUBLE, BFLOAT16, the four FLOAT8, UINT4, INT4. Integers of more bits are indices.
    private static let weightTypes: Set<Int32> = [1, 2, 3, 10, 11, 16, 17, 18, 19, 20, 21, 22]

    private static func isNoWeight(_ index: Int, of node: Onnx_NodeProto) -> Bool {
        switch node.opType {
        case "BatchNormalization": index >= 3
        case "QuantizeLinear", "DequantizeLinear": index == 1 || index == 2
        case "MatMulInteger", "ConvInteger", "DynamicQuantizeMatMul": index == 2 || index == 3
        case "MatMulIntegerToFloat": (2...5).contains(index)
        case "QLinearMatMul", "QLinearConv": [1, 2, 4, 5, 6, 7].contains(index)
        case "MatMulNBits": index == 2 || index == 3
        // Factors of an image's size, which exporters keep as floats.
        case "Resize", "Upsample": index > 0
        default: false
        }
    }

    /// Weights of which two numbers are in a byte.
    private static func packed(_ graph: Onnx_GraphProto) -> Set<String> {
        Set(
            graph.node.lazy.filter { node in
                node.opType == "MatMulNBits" && node.input.count > 1
                    && node.attribute.first { $0.name == "bits" }?.i ?? 4 == 4
            }.map { $0.input[1] })
    }

    // MARK: Operations

    /// Operations of one pass; a multiplication and an addition are two.
    ///
    /// Matrix products and convolutions are 2 per multiply-accumulate. Of the rest, per element of the result: 1 for an
    /// arithmetic operation or a function such as Erf and Tanh, 5 for Softmax (maximum, subtraction, exponential, sum,
    /// division), 8 for LayerNormalization and its like (mean, variance, scaling), 2 for BatchNormalization (it is folded
    /// to a scale and a shift). What only moves data counts nothing.
    ///
    /// - Parameter bindings: the numbers of the graph's named dimensions.
    /// - Throws: `OnnxError.unknownShape` for a value whose shape is not in the graph or whose dimension is not bound.
    package static func operations(_ graph: Onnx_GraphProto, _ bindings: [String: Int]) throws(OnnxError) -> Double {
        var shapes: [String: [Int]] = [:]
        for info in graph.input + graph.valueInfo + graph.output {
            var shape: [Int] = []
            for dimension in info.type.tensorType.shape.dim {
                switch dimension.value {
                case .dimValue(let value)?: shape.append(Int(value))
                case .dimParam(let name)?:
                    guard let value = bindings[name] else { throw .unknownShape("\(info.name) (dimension \(name))") }
                    shape.append(value)
                case nil: throw .unknownShape(info.name)
                }
            }
            shapes[info.name] = shape
        }
        for tensor in graph.initializer { shapes[tensor.name] = tensor.dims.map(Int.init) }
        return try operations(graph) { name throws(OnnxError) in
            guard let shape = shapes[name] else { throw .unknownShape(name) }
            return shape
        }
    }

    /// The same, of shapes that are known otherwise.
    package static func operations(
        _ graph: Onnx_GraphProto, shape: (String) throws(OnnxError) -> [Int]
    ) throws(OnnxError) -> Double {
        var total = 0.0
        for node in graph.node { total += try operations(node, shape) }
        return total
    }

    private static func operations(
        _ node: Onnx_NodeProto, _ shape: (String) throws(OnnxError) -> [Int]
    ) throws(OnnxError) -> Double {
        guard let output = node.output.first else { return 0 }
        // Of floating-point numbers, for sizes are as the file says, which may be anything.
        func product(_ sizes: some Sequence<some BinaryInteger>) -> Double { sizes.reduce(1.0) { $0 * Double($1) } }
        func size(_ name: String) throws(OnnxError) -> Double { try product(shape(name)) }
        func has(_ attribute: String) -> Bool { node.attribute.contains { $0.name == attribute && $0.i != 0 } }
        func bias(_ index: Int) -> Double { node.input.count > index && !node.input[index].isEmpty ? 1 : 0 }
        let input = node.input.first ?? ""
        switch node.opType {
        case "Sum", "Mean": return try Double(node.input.count - 1) * size(output)
        case "MatMul", "MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits":
            return try 2 * Double(shape(input).last ?? 1) * size(output)
        case "Gemm", "FusedMatMul":
            let a = try shape(input)
            let inner = has("transA") ? a.dropLast().last ?? 1 : a.last ?? 1
            return try (2 * Double(inner) + bias(2)) * size(output)
        case "Conv", "ConvInteger", "QLinearConv":
            // Each element of the result is a sum over the inputs of its group and the kernel.
            let isLinear = node.opType == "QLinearConv"
            let weight = isLinear ? 3 : 1
            guard node.input.count > weight else { throw .unknownShape(node.name) }
            let perElement = try product(shape(node.input[weight]).dropFirst())
            let bias = isLinear ? bias(8) : node.opType == "Conv" ? bias(2) : 0
            return try (2 * perElement + bias) * size(output)
        case "ConvTranspose":
            // Each element of the input goes into the outputs of its group by the kernel.
            guard node.input.count > 1 else { throw .unknownShape(node.name) }
            let perElement = try product(shape(node.input[1]).dropFirst())
            return try 2 * perElement * size(input) + bias(2) * size(output)
        case "LSTM", "GRU", "RNN":
            // Both matrices once a step; what is done by element is little beside them.
            guard node.input.count > 2 else { throw .unknownShape(node.name) }
            let steps = try product(shape(input).prefix(2))
            return try 2 * steps * (size(node.input[1]) + size(node.input[2]))
        case "MaxPool", "AveragePool":
            let kernel = node.attribute.first { $0.name == "kernel_shape" }?.ints ?? []
            return try product(kernel) * size(output)
        case "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin":
            return try size(input)
        case "Softmax", "LogSoftmax": return try 5 * size(output)
        case "LayerNormalization", "InstanceNormalization", "GroupNormalization", "EmbedLayerNormalization":
            return try 8 * size(output)
        case "SkipLayerNormalization": return try 9 * size(output)
        case "RMSNormalization", "SimplifiedLayerNormalization": return try 4 * size(output)
        case "BatchNormalization": return try 2 * size(output)
        default: return elementwise.contains(node.opType) ? try size(output) : 0
        }
    }

    private static let elementwise: Set<String> = [
        "Abs", "Add", "BiasGelu", "Clip", "Cos", "Div", "Elu", "Erf", "Exp", "FastGelu", "Gelu", "HardSigmoid",
        "HardSwish", "LeakyRelu", "Log", "Max", "Min", "Mish", "Mul", "Neg", "PRelu", "Pow", "QuickGelu", "Reciprocal",
        "Relu", "Selu", "Sigmoid", "Sin", "Softplus", "Softsign", "Sqrt", "Sub", "Tanh",
    ]

    // MARK: What cannot be counted

    /// The values whose shapes `operations` will ask for.
    package static func neededShapes(_ graph: Onnx_GraphProto) throws(OnnxError) -> Set<String> {
        var names: Set<String> = []
        _ = try operations(graph) { name throws(OnnxError) in
            names.insert(name)
            return []
        }
        return names
    }

    /// The first operator whose work is not known here; `nil` if all are known.
    package static func uncountable(_ graph: Onnx_GraphProto) -> String? {
        for node in graph.node {
            let isStandard = node.domain.isEmpty || node.domain == "ai.onnx"
            let name = isStandard ? node.opType : "\(node.domain).\(node.opType)"
            if isStandard {
                // Products by another name, and transforms.
                if ["Attention", "Einsum", "DFT", "STFT", "DeformConv", "GridSample", "LRN", "RoiAlign"].contains(
                    node.opType)
                {
                    return name
                }
            } else if !microsoft.contains(node.opType) || node.domain != "com.microsoft" {
                return name
            }
            // How often a branch or a loop runs is in no shape. Those that only reckon with shapes do no harm.
            let bodies = node.attribute.lazy.filter { $0.type == .graph }.map(\.g)
            for body in bodies where (try? neededShapes(body))?.isEmpty != true || uncountable(body) != nil {
                return name
            }
        }
        return nil
    }

    /// Operators of ONNX Runtime's own domain that are counted above, or that move data.
    private static let microsoft: Set<String> = [
        "BiasGelu", "DequantizeLinear", "DynamicQuantizeMatMul", "EmbedLayerNormalization", "FastGelu", "FusedMatMul",
        "Gelu", "MatMulIntegerToFloat", "MatMulNBits", "QuantizeLinear", "QuickGelu", "SkipLayerNormalization",
        "SimplifiedLayerNormalization",
    ]
}
