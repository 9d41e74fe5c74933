import COnnxRuntime
import Core
import Foundation
import SwiftProtobuf

/// Counts the operations of a model whose file does not say the shapes of its values: it is run once on the CPU, unchanged
/// but for handing out the values whose shapes the count needs.
package enum OperationCount {
    /// Why there is no count.
    package struct Unknown: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Operations of one pass over these inputs.
    ///
    /// The model is loaded with its graph as it is in the file, and let go before this returns.
    ///
    /// - Throws: `Unknown` where a number could be wrong.
    package static func operations(
        _ runtime: OnnxRuntime, _ scan: ModelScan, _ model: Onnx_ModelProto,
        inputs: [(name: String, tensor: OnnxTensor)]
    ) throws(Unknown) -> Double {
        if let name = GraphCount.uncountable(model.graph) {
            throw Unknown(description: "the work of its operator \(name) is not known here")
        }
        do {
            let shapes = try shapes(runtime, scan, model, inputs)
            return try GraphCount.operations(model.graph) { name throws(OnnxError) in
                guard let shape = shapes[name] else { throw .unknownShape(name) }
                return shape
            }
        } catch {
            throw Unknown(description: "\(error)")
        }
    }

    private static func shapes(
        _ runtime: OnnxRuntime, _ scan: ModelScan, _ model: Onnx_ModelProto,
        _ inputs: [(name: String, tensor: OnnxTensor)]
    ) throws -> [String: [Int]] {
        var shapes: [String: [Int]] = [:]
        for tensor in model.graph.initializer { shapes[tensor.name] = tensor.dims.map(Int.init) }
        for input in inputs { shapes[input.name] = try input.tensor.shape }
        let made = Set(model.graph.node.flatMap(\.output))
        let wanted = try GraphCount.neededShapes(model.graph).intersection(made).subtracting(shapes.keys).sorted()
        guard !wanted.isEmpty else { return shapes }

        let session = try OnnxSession(runtime, handingOut: wanted, scan, model)
        let tensors = try session.run(inputs, outputs: wanted)
        for (name, tensor) in zip(wanted, tensors) { shapes[name] = try tensor.shape }
        return shapes
    }
}

extension OnnxSession {
    /// Loads a model on the CPU, unoptimised, with further values as outputs.
    ///
    /// Two serialized messages one after the other are one in which repeated fields are joined, so the outputs are simply
    /// added behind the file. Its external data stays where it is.
    fileprivate convenience init(
        _ runtime: OnnxRuntime, handingOut names: [String], _ scan: ModelScan, _ model: Onnx_ModelProto
    ) throws {
        let known = Set(model.graph.output.map(\.name))
        var more = Onnx_ModelProto()
        more.graph.output = names.filter { !known.contains($0) }.map { name in
            var info = Onnx_ValueInfoProto()
            info.name = name
            return info
        }
        // A message of protocol buffers has 2 GiB at most.
        var bytes = try BoundedFile.data(scan.path, upTo: 2 << 30)
        bytes.append(try more.serializedData())
        let directory = URL(fileURLWithPath: scan.path).deletingLastPathComponent().path
        try self.init(
            runtime, memory: bytes,
            config: ["session.model_external_initializers_file_folder_path": directory.isEmpty ? "." : directory])
    }
}
