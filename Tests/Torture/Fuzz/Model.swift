import Onnx
import PluginKit

#if !LIBFUZZER
@testable import onnx_model
#endif

/// An `.onnx` file as the plugin onnx-model looks through it before the engine sees it: scanned, counted, its inputs made.
func fuzzModel(_ input: UnsafeRawBufferPointer) {
    FuzzFile.with(input) { path in
        guard let scan = try? ModelScan(path), let graph = try? scan.model().graph else { return }
        precondition(scan.bytes >= input.count)
        _ = GraphCount.parameters(graph)
        _ = GraphCount.computedWeight(graph)
        _ = GraphCount.uncountable(graph)
        _ = try? GraphCount.neededShapes(graph)
        _ = OnnxModel.precision(graph)
        let inputs = graph.input.map { input in
            let tensor = input.type.tensorType
            return OnnxValueInfo(
                name: input.name, type: GraphBuilder.ElementType(rawValue: tensor.elemType),
                shape: tensor.shape.dim.enumerated().map { axis, dimension in
                    switch dimension.value {
                    case .dimValue(let value)? where value >= 0: .fixed(Int(value))
                    case .dimParam(let name)? where !name.isEmpty: .named(name)
                    default: .named("\(input.name).\(axis)")
                    }
                })
        }
        guard var dimensions = try? Dimensions("batch=2,n=3", of: inputs) else {
            return open(graph, inputs, try? Dimensions("", of: inputs))
        }
        _ = try? dimensions.complete()
        open(graph, inputs, dimensions)
    }
}

private func open(_ graph: Onnx_GraphProto, _ inputs: [OnnxValueInfo], _ dimensions: Dimensions?) {
    guard let dimensions else { return }
    _ = dimensions.open
    _ = dimensions.batch
    _ = try? GraphCount.operations(graph, dimensions.sizes)
    var maker = InputMaker(graph, seed: 1)
    for input in inputs {
        let shape = dimensions.shape(of: input)
        // Large ones are for the memory that there is, and would take all of this process's.
        let elements = shape.reduce(1.0) { $0 * Double($1) }
        guard elements < 10_000 else { continue }
        let bytes = try? maker.bytes(input, shape: shape)
        guard let bytes, let type = input.type else { continue }
        precondition(bytes.count == Int(elements) * InputMaker.stride(type))
    }
}
