/// What a graph costs: its parameters, and the operations of one pass.
package enum GraphCount {
    /// The number of trained parameters: all floating-point weights but the running statistics of batch normalisation,
    /// which are measured and not trained. A weight that is used twice (tied) is stored and counted once.
    package static func parameters(_ graph: Onnx_GraphProto) -> Int64 {
        let statistics = Set(
            graph.node.filter { $0.opType == "BatchNormalization" }.flatMap { $0.input.dropFirst(3) })
        return graph.initializer.reduce(0) { sum, tensor in
            // A scalar is a constant of the formula, such as the 0.5 of GELU.
            guard tensor.dataType == GraphBuilder.ElementType.float.rawValue, !tensor.dims.isEmpty,
                !statistics.contains(tensor.name)
            else { return sum }
            return sum + tensor.dims.reduce(1, *)
        }
    }

    /// Operations of one pass; a multiplication and an addition are two.
    ///
    /// Matrix products and convolutions are 2 per multiply-accumulate. Of the rest, per element of the result: 1 for an
    /// arithmetic operation or a function such as Erf and Tanh, 5 for Softmax (maximum, subtraction, exponential, sum,
    /// division), 8 for LayerNormalization (mean, variance, scaling), 2 for BatchNormalization (it is folded to a scale
    /// and a shift). What only moves data counts nothing.
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

        func shape(_ name: String) throws(OnnxError) -> [Int] {
            guard let shape = shapes[name] else { throw .unknownShape(name) }
            return shape
        }
        var total = 0.0
        for node in graph.node {
            guard let output = node.output.first else { continue }
            switch node.opType {
            case "MatMul":
                let inner = try shape(node.input[0]).last ?? 1
                total += try 2 * Double(inner) * count(shape(output))
            case "Gemm":
                let transposed = node.attribute.contains { $0.name == "transA" && $0.i != 0 }
                let a = try shape(node.input[0])
                let inner = transposed ? a.first ?? 1 : a.last ?? 1
                let bias = node.input.count > 2 ? 1.0 : 0
                total += try (2 * Double(inner) + bias) * count(shape(output))
            case "Conv":
                // Each element of the result is a sum over the inputs of its group and the kernel.
                let perElement = try shape(node.input[1]).dropFirst().reduce(1, *)
                let bias = node.input.count > 2 ? 1.0 : 0
                total += try (2 * Double(perElement) + bias) * count(shape(output))
            case "MaxPool":
                let kernel = node.attribute.first { $0.name == "kernel_shape" }?.ints.reduce(1, *) ?? 1
                total += try Double(kernel) * count(shape(output))
            case "GlobalAveragePool", "ReduceMean": total += try count(shape(node.input[0]))
            case "Softmax": total += try 5 * count(shape(output))
            case "LayerNormalization": total += try 8 * count(shape(output))
            case "BatchNormalization": total += try 2 * count(shape(output))
            case "Add", "Sub", "Mul", "Div", "Relu", "Tanh", "Erf", "Sqrt", "Pow", "Exp", "Sigmoid":
                total += try count(shape(output))
            default: break
            }
        }
        return total
    }

    private static func count(_ shape: [Int]) -> Double { shape.reduce(1.0) { $0 * Double($1) } }
}
