import Core
import Foundation
import Onnx
import PluginKit

/// Makes a model's inputs by their names, types and shapes, so that any model can be run without data.
struct InputMaker {
    let graph: Onnx_GraphProto
    private var random: RandomWeights

    init(_ graph: Onnx_GraphProto, seed: Int64) {
        self.graph = graph
        random = RandomWeights(seed: seed, name: "inputs")
    }

    /// What an input is filled with.
    enum Fill: Equatable {
        /// Whole numbers from 0 up to a limit, the limit left out.
        case below(Int)
        case constant(Int)
        /// 0, 1, 2 … along the last dimension.
        case positions
        /// Of mean 0 and deviation 1.
        case normal
    }

    /// - Returns: the elements as they lie in memory.
    mutating func bytes(_ input: OnnxValueInfo, shape: [Int]) throws -> [UInt8] {
        guard let type = input.type else {
            throw PluginProblem(
                "the input `\(input.name)` is no tensor of numbers", remedy: "use a model whose inputs are numbers")
        }
        let count = try Self.count(shape, of: input, stride: Self.stride(type))
        let last = max(1, shape.last ?? 1)
        switch fill(input, type) {
        case .below(let limit): return Self.encode((0..<count).map { _ in Double(random.integer(below: limit)) }, type)
        case .constant(let value): return Self.encode([Double](repeating: Double(value), count: count), type)
        case .positions: return Self.encode((0..<count).map { Double($0 % last) }, type)
        case .normal:
            var values = [Float](repeating: 0, count: count)
            values.withUnsafeMutableBufferPointer { random.fill($0, deviation: 1, mean: 0) }
            return type == .float ? values.withUnsafeBytes { Array($0) } : Self.encode(values.map(Double.init), type)
        }
    }

    func fill(_ input: OnnxValueInfo, _ type: GraphBuilder.ElementType) -> Fill {
        let name = input.name.lowercased()
        switch type {
        case .bool: return .constant(1)
        case .float, .float16, .bfloat16, .double:
            // A mask that is added has 0 where a token is, one that is multiplied has 1.
            if name.contains("mask") { return .constant(1) }
            return name.contains("attention_bias") ? .constant(0) : .normal
        case .uint8: return name.contains("mask") ? .constant(1) : .below(256)
        case .int8: return name.contains("mask") ? .constant(1) : .below(128)
        case .int32, .int64:
            if name.contains("mask") { return .constant(1) }
            if name.contains("token_type") || name.contains("segment") { return .constant(0) }
            if name.contains("position") { return .positions }
            // A table's rows are as many as the file says, which may be more than the type has numbers.
            let most = type == .int32 ? Int(Int32.max) : 1 << 52
            return .below(min(vocabulary(input.name) ?? 1000, most))
        }
    }

    /// Rows of the smallest table that an input looks up in; `nil` if it looks up in none.
    ///
    /// The input may pass through nodes that change its type or shape alone.
    func vocabulary(_ input: String) -> Int? {
        let rows = Dictionary(
            graph.initializer.map { ($0.name, $0.dims) }, uniquingKeysWith: { first, _ in first })
        var names: Set<String> = [input]
        var smallest: Int?
        for node in graph.node {
            guard let index = node.input.firstIndex(where: names.contains) else { continue }
            switch (node.opType, index) {
            case ("Cast", 0), ("Identity", 0), ("Reshape", 0), ("Squeeze", 0), ("Unsqueeze", 0), ("Flatten", 0):
                names.formUnion(node.output)
            case ("Gather", 1):
                let axis = Int(node.attribute.first { $0.name == "axis" }?.i ?? 0)
                guard let table = rows[node.input[0]], table.indices.contains(axis) else { continue }
                smallest = min(smallest ?? .max, Int(table[axis]))
            case ("EmbedLayerNormalization", 0) where node.input.count > 2:
                guard let table = rows[node.input[2]], let first = table.first else { continue }
                smallest = min(smallest ?? .max, Int(first))
            default: continue
            }
        }
        return smallest
    }

    // MARK: Memory

    static func stride(_ type: GraphBuilder.ElementType) -> Int {
        switch type {
        case .double, .int64: 8
        case .float, .int32: 4
        case .float16, .bfloat16: 2
        case .uint8, .int8, .bool: 1
        }
    }

    /// - Throws: `PluginProblem` for more elements than there is memory for.
    private static func count(_ shape: [Int], of input: OnnxValueInfo, stride: Int) throws -> Int {
        var count = 1
        for size in shape {
            let product = count.multipliedReportingOverflow(by: size)
            count = product.overflow ? .max : product.partialValue
        }
        // What makes the numbers takes up to 16 bytes for each.
        let available = OnnxSession.availableMemory() ?? .max
        guard Int64(count) <= available / 16 else {
            throw PluginProblem(
                "the input `\(input.name)` of \(shape.map(String.init).joined(separator: " × ")) does not fit into memory",
                remedy: "give smaller sizes by --dim")
        }
        return count
    }

    private static func encode(_ values: [Double], _ type: GraphBuilder.ElementType) -> [UInt8] {
        func encode<Element>(_ element: (Double) -> Element) -> [UInt8] {
            values.map(element).withUnsafeBytes { Array($0) }
        }
        return switch type {
        case .float: encode { Float($0) }
        case .float16: encode { Float16($0) }
        case .bfloat16: encode { UInt16(truncatingIfNeeded: Float($0).bitPattern >> 16) }
        case .double: values.withUnsafeBytes { Array($0) }
        case .int64: encode { Int64($0) }
        case .int32: encode { Int32($0) }
        case .int8: encode { Int8($0) }
        case .uint8, .bool: encode { UInt8($0) }
        }
    }
}
