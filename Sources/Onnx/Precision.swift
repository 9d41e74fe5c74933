import Foundation

/// In which numbers a model's weights are kept and its products made.
package enum Precision: String, Sendable, Hashable, CaseIterable {
    case fp32
    /// IEEE 754 half precision.
    case fp16
    /// The upper half of a single-precision number.
    case bf16
    /// Weights of 8 bits, and activations quantised as they come ("dynamic quantisation"); all else stays fp32.
    case int8

    /// The type of a graph's activations.
    package var activation: GraphBuilder.ElementType {
        switch self {
        case .fp32, .int8: .float
        case .fp16: .float16
        case .bf16: .bfloat16
        }
    }

    /// A number in 16 bits; the nearest one.
    func bits(_ value: Float) -> UInt16 {
        switch self {
        case .bf16:
            // Rounds to even: what is dropped is added to by just under half, or by half where the last kept bit is odd.
            let bits = value.bitPattern
            return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
        default: return Float16(value).bitPattern
        }
    }
}

extension GraphBuilder {
    /// The same network in another precision. Inputs and outputs stay fp32, but for the caches of keys and values
    /// (`past_…`, `present_…`, `cross_…`), which go from one pass to the next as they are.
    package func converted(to precision: Precision) -> GraphBuilder {
        switch precision {
        case .fp32: self
        case .fp16, .bf16: halved(to: precision)
        case .int8: quantised()
        }
    }

    private static func isCache(_ name: String) -> Bool {
        ["past_", "present_", "cross_"].contains(where: name.hasPrefix)
    }

    // MARK: 16 bits

    private func halved(to precision: Precision) -> GraphBuilder {
        var half = self
        let type = precision.activation
        half.weights = weights.map { weight in
            var weight = weight
            weight.precision = precision
            return weight
        }
        for index in half.graph.initializer.indices
        where half.graph.initializer[index].dataType == ElementType.float.rawValue {
            let values = half.graph.initializer[index].floatData
            half.graph.initializer[index].dataType = type.rawValue
            half.graph.initializer[index].floatData = []
            half.graph.initializer[index].rawData = Data(
                values.flatMap { value in withUnsafeBytes(of: precision.bits(value).littleEndian, Array.init) })
        }
        func retype(_ info: inout Onnx_ValueInfoProto) {
            if info.type.tensorType.elemType == ElementType.float.rawValue {
                info.type.tensorType.elemType = type.rawValue
            }
        }
        for index in half.graph.valueInfo.indices { retype(&half.graph.valueInfo[index]) }
        var renamed: [String: String] = [:]
        var casts: [Onnx_NodeProto] = []
        for index in half.graph.input.indices {
            let input = half.graph.input[index]
            guard input.type.tensorType.elemType == ElementType.float.rawValue else { continue }
            if Self.isCache(input.name) {
                retype(&half.graph.input[index])
            } else {
                renamed[input.name] = "\(input.name)_\(precision.rawValue)"
                casts.append(Self.cast(input.name, "\(input.name)_\(precision.rawValue)", to: type))
            }
        }
        let outputs = Set(half.graph.output.map(\.name).filter { !Self.isCache($0) })
        for index in half.graph.output.indices where !outputs.contains(half.graph.output[index].name) {
            retype(&half.graph.output[index])
        }
        // The factors of a Resize are fp32 whatever it resizes.
        let factors = Set(graph.node.filter { $0.opType == "Resize" }.flatMap { $0.input.dropFirst() })
        half.graph.node = casts
        for var node in graph.node {
            node.input = node.input.map { renamed[$0] ?? $0 }
            let name = node.output[0]
            if node.opType == "Identity", outputs.contains(name) {
                // Every output of a graph is the copy of a value (see `output`), which is where it is turned back.
                half.graph.node.append(Self.cast(node.input[0], name, to: .float))
            } else if node.opType == "Constant", !factors.contains(name),
                node.attribute.contains(where: { $0.name == "value_floats" })
            {
                // Such a constant has no other type.
                node.output[0] = "\(name)_fp32"
                half.graph.node += [node, Self.cast("\(name)_fp32", name, to: type)]
            } else {
                half.graph.node.append(node)
            }
        }
        return half
    }

    private static func cast(_ from: String, _ name: String, to type: ElementType) -> Onnx_NodeProto {
        var node = Onnx_NodeProto()
        node.opType = "Cast"
        node.name = "cast_\(name)"
        node.input = [from]
        node.output = [name]
        node.attribute = [attribute("to", Int(type.rawValue))]
        return node
    }

    // MARK: 8 bits

    /// Products with a weight become products of integers, as `onnxruntime.quantization.quantize_dynamic` writes them:
    /// DynamicQuantizeLinear, MatMulInteger or ConvInteger, and a scale. Tables of embeddings stay as they are.
    private func quantised() -> GraphBuilder {
        var integer = self
        let byName = Dictionary(weights.enumerated().map { ($1.name, $0) }) { first, _ in first }
        var users: [String: Set<String>] = [:]
        for node in graph.node { for input in node.input { users[input, default: []].insert(node.opType) } }
        integer.graph.node = []
        var quantisedInputs: Set<String> = []
        for node in graph.node {
            guard node.opType == "MatMul" || node.opType == "Conv", let index = byName[node.input[1]],
                users[node.input[1]]?.count == 1
            else {
                integer.graph.node.append(node)
                continue
            }
            let input = node.input[0]
            if quantisedInputs.insert(input).inserted {
                integer.node(
                    "DynamicQuantizeLinear", [input], ["\(input)_q", "\(input)_scale", "\(input)_zero"])
            }
            integer.weights[index].precision = .int8
            let weight = integer.weights[index]
            let zero = integer.smallInteger()
            let scale = integer.scalar(weight.scale)
            let output = node.output[0]
            var product = node
            product.opType = node.opType == "Conv" ? "ConvInteger" : "MatMulInteger"
            product.input = ["\(input)_q", weight.name, "\(input)_zero", zero]
            product.output = ["\(output)_int32"]
            product.name = "node_\(output)_int32"
            integer.graph.node.append(product)
            integer.graph.node.append(Self.cast("\(output)_int32", "\(output)_float", to: .float))
            integer.node("Mul", ["\(input)_scale", scale.name], ["\(output)_scale_of_product"])
            let hasBias = node.input.count > 2
            let scaled = hasBias ? "\(output)_scaled" : output
            integer.node("Mul", ["\(output)_float", "\(output)_scale_of_product"], [scaled])
            if hasBias {
                // One number a channel, in the middle of [batch, channels, height, width].
                let axes = integer.integers([0, 2, 3])
                integer.node("Unsqueeze", [node.input[2], axes], ["\(output)_bias"])
                integer.node("Add", [scaled, "\(output)_bias"], [output])
            }
        }
        return integer
    }

    /// The zero point of a symmetric weight.
    private mutating func smallInteger() -> String {
        var tensor = Onnx_TensorProto()
        tensor.name = unique("zero")
        tensor.dataType = ElementType.int8.rawValue
        tensor.rawData = Data([0])
        graph.initializer.append(tensor)
        return tensor.name
    }
}

extension GraphBuilder.Weight {
    /// Bytes of one number.
    var stride: Int {
        switch precision {
        case .fp32: 4
        case .fp16, .bf16: 2
        case .int8: 1
        }
    }

    var elementType: GraphBuilder.ElementType { precision == .int8 ? .int8 : precision.activation }

    /// What one step of an 8-bit weight stands for: the largest number that the fill gives is 127 of them.
    var scale: Float {
        switch fill {
        case .random(let deviation, let mean): (deviation * Float(3).squareRoot() + abs(mean)) / 127
        case .constant(let value): max(abs(value), .leastNormalMagnitude) / 127
        }
    }

    /// Writes numbers as they lie in the file.
    ///
    /// - Parameter bytes: room for `stride` bytes of each.
    func encode(_ floats: UnsafeMutableBufferPointer<Float>, into bytes: UnsafeMutableRawPointer) {
        switch precision {
        case .fp32:
            UnsafeMutableRawBufferPointer(start: bytes, count: floats.count * 4).copyMemory(
                from: UnsafeRawBufferPointer(floats))
        case .fp16, .bf16:
            let words = bytes.assumingMemoryBound(to: UInt16.self)
            for (index, value) in floats.enumerated() { words[index] = precision.bits(value) }
        case .int8:
            let steps = bytes.assumingMemoryBound(to: Int8.self)
            let scale = scale
            for (index, value) in floats.enumerated() {
                // trap: not-a-number becomes a limit too.
                steps[index] = Int8(max(-127, min(127, (value / scale).rounded())))
            }
        }
    }
}
