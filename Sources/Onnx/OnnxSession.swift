import COnnxRuntime
import Foundation

/// A loaded model.
package final class OnnxSession {
    private let runtime: OnnxRuntime
    private let handle: OpaquePointer

    /// - Parameter threads: 0 leaves the choice to the engine.
    package init(_ runtime: OnnxRuntime, path: String, threads: Int) throws(OnnxError) {
        self.runtime = runtime
        var handle: OpaquePointer?
        try OnnxRuntime.check(
            tw_ort_create_session(runtime.handle, runtime.environment, path, Int32(threads), &handle))
        guard let handle else { throw .engine("no session for \(path)") }
        self.handle = handle
    }

    deinit { tw_ort_release_session(runtime.handle, handle) }

    /// Runs the graph once.
    ///
    /// - Returns: the outputs in the order of their names.
    package func run(_ inputs: [(name: String, tensor: OnnxTensor)], outputs names: [String]) throws(OnnxError) -> [OnnxTensor] {
        let inputNames = inputs.map { strdup($0.name) }
        let outputNames = names.map { strdup($0) }
        defer {
            for name in inputNames + outputNames { free(name) }
        }
        let values: [OpaquePointer?] = inputs.map(\.tensor.handle)
        var results = [OpaquePointer?](repeating: nil, count: names.count)
        let message = inputNames.map { UnsafePointer($0!) }.withUnsafeBufferPointer { inputNames in
            outputNames.map { UnsafePointer($0!) }.withUnsafeBufferPointer { outputNames in
                tw_ort_run(
                    runtime.handle, handle, inputNames.baseAddress!, values, values.count, outputNames.baseAddress!,
                    names.count, &results)
            }
        }
        try OnnxRuntime.check(message)
        return results.compactMap { $0 }.map { OnnxTensor(runtime, owning: $0) }
    }
}

/// A tensor: of our own memory, or one that the engine made.
package final class OnnxTensor {
    private let runtime: OnnxRuntime
    let handle: OpaquePointer
    private let memory: UnsafeMutableRawBufferPointer?

    init(_ runtime: OnnxRuntime, owning handle: OpaquePointer) {
        self.runtime = runtime
        self.handle = handle
        memory = nil
    }

    package convenience init(_ runtime: OnnxRuntime, floats: [Float], shape: [Int]) throws(OnnxError) {
        try self.init(runtime, elements: floats, shape: shape, type: GraphBuilder.ElementType.float)
    }

    package convenience init(_ runtime: OnnxRuntime, integers: [Int64], shape: [Int]) throws(OnnxError) {
        try self.init(runtime, elements: integers, shape: shape, type: GraphBuilder.ElementType.int64)
    }

    private init<Element>(
        _ runtime: OnnxRuntime, elements: [Element], shape: [Int], type: GraphBuilder.ElementType
    ) throws(OnnxError) {
        self.runtime = runtime
        // At least one byte, so that an empty tensor has an address too.
        let bytes = elements.count * MemoryLayout<Element>.stride
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes), alignment: 64)
        elements.withUnsafeBytes { memory.copyMemory(from: $0) }
        var handle: OpaquePointer?
        let message = tw_ort_create_tensor(
            runtime.handle, memory.baseAddress!, bytes, shape.map(Int64.init), shape.count, type.rawValue, &handle)
        guard message == nil, let handle else {
            memory.deallocate()
            throw .engine(OnnxRuntime.take(message))
        }
        self.handle = handle
        self.memory = memory
    }

    deinit {
        tw_ort_release_value(runtime.handle, handle)
        memory?.deallocate()
    }

    /// The elements in place.
    package func withFloats<Value>(count: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Value) throws -> Value {
        var data: UnsafeMutableRawPointer?
        try OnnxRuntime.check(tw_ort_tensor_data(runtime.handle, handle, &data))
        guard let data else { throw OnnxError.engine("an output without data") }
        return try body(UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float.self), count: count))
    }
}
